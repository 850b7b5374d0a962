import { Client } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js';
import { onTestFinished } from 'vitest';
import type { Logger } from '../../src/logger.ts';
import type { StdioServer } from '../../src/mcp/stdio-connection.ts';
import { serveStdio } from '../../src/mcp/stdio.ts';
import { FakeService } from '../helpers/fake-service.ts';

/** Every revision of the protocol, served to the v2 client. */
export const REVISIONS = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'] as const;
export type Revision = (typeof REVISIONS)[number];

interface LogEntry {
  message: string;
  error: unknown;
}

export interface Answer {
  text: string;
  structured: Record<string, unknown> | undefined;
  isError: boolean;
}

class Connection {
  readonly service = new FakeService();
  readonly logged: LogEntry[] = [];
  readonly server: StdioServer;
  readonly clientTransport: InMemoryTransport;

  constructor() {
    const [clientTransport, serverTransport] = InMemoryTransport.createLinkedPair();
    const logger: Logger = {
      info: () => undefined,
      debug: () => undefined,
      error: (message, error) => this.logged.push({ message, error }),
    };
    this.clientTransport = clientTransport;
    this.server = serveStdio(this.service, { version: '9.9.9', logger }, serverTransport);
    onTestFinished(() => this.server.close());
  }
}

export function answerOf(result: object): Answer {
  const { content, structuredContent, isError }: Partial<Record<string, unknown>> = { ...result };
  const parts = content as { type: string; text: string }[];
  return {
    text: parts.map(({ text }) => text).join('\n'),
    structured: structuredContent as Record<string, unknown> | undefined,
    isError: isError === true,
  };
}

/** A v2 client of the given revision, connected in memory to a server over a fake service. */
export async function connect(revision: Revision = '2026-07-28', name = 'test') {
  const connection = new Connection();
  const modern = revision === '2026-07-28';
  const client = new Client(
    { name, version: '1.2.3' },
    modern
      ? { versionNegotiation: { mode: { pin: revision } } }
      : { versionNegotiation: { mode: 'legacy' }, supportedProtocolVersions: [revision] },
  );
  await client.connect(connection.clientTransport);
  onTestFinished(() => client.close());
  // Having listed the tools, the client checks every answer against its tool's output schema.
  await client.listTools();
  const call = async (name: string, args: Record<string, unknown> = {}): Promise<Answer> =>
    answerOf(await client.callTool({ name, arguments: args }));
  const { service, logged, server, clientTransport } = connection;
  return { client, call, service, logged, server, clientTransport };
}

/** The client of the 1.x SDK. */
export async function connectV1() {
  const connection = new Connection();
  const client = new Client1({ name: 'test1', version: '1.0.0' });
  await client.connect(connection.clientTransport);
  onTestFinished(() => client.close());
  await client.listTools();
  const call = async (name: string, args: Record<string, unknown> = {}): Promise<Answer> =>
    answerOf(await client.callTool({ name, arguments: args }));
  const { service, logged, server } = connection;
  return { client, call, service, logged, server };
}
