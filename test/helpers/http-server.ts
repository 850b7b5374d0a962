import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { expect } from 'vitest';
import { pidsWithEnvironment, startTime } from './alive.ts';
import { cli, type Answer, type Answers, type CallOptions, type ClientKind } from './start-server.ts';
import { until } from './until.ts';

interface State {
  url: string;
  pid: number;
}

export interface ServeOptions {
  flags?: readonly string[];
  env?: Readonly<Record<string, string>>;
  /** Kept by the caller; default: a new one for this server. */
  stateDirectory?: string;
}

/** `proctor serve` on a free port, with a state directory of its own. */
export class SharedServer {
  readonly child: ChildProcess;
  readonly stateDirectory: string;
  readonly state: State;
  readonly #mark: string;
  readonly #ownsDirectory: boolean;
  readonly #output: () => string;

  private constructor(
    child: ChildProcess,
    parts: { directory: string; owns: boolean; state: State; mark: string; output: () => string },
  ) {
    this.child = child;
    this.stateDirectory = parts.directory;
    this.state = parts.state;
    this.#mark = parts.mark;
    this.#ownsDirectory = parts.owns;
    this.#output = parts.output;
  }

  static async start({ flags = [], env = {}, stateDirectory }: ServeOptions = {}): Promise<SharedServer> {
    const directory = stateDirectory ?? mkdtempSync(join(tmpdir(), 'proctor-state-'));
    const mark = randomUUID();
    const args = [
      cli,
      'serve',
      '--state-dir',
      directory,
      ...(flags.includes('--port') ? [] : ['--port', '0']),
    ];
    const child = spawn(process.execPath, [...args, ...flags], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, E2E_MARK: mark, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
    await until(
      'the server listens',
      () => {
        if (child.exitCode !== null) throw new Error(`the server ended: ${output}`);
        return output.includes('Proctor serves MCP at');
      },
      10_000,
    );
    const state = JSON.parse(readFileSync(join(directory, 'server.json'), 'utf8')) as State;
    const owns = stateDirectory === undefined;
    return new SharedServer(child, { directory, owns, state, mark, output: () => output });
  }

  get pid(): number {
    return this.state.pid;
  }

  get url(): string {
    return this.state.url;
  }

  get port(): number {
    return Number(new URL(this.url).port);
  }

  get mcpUrl(): URL {
    return new URL('/mcp', this.url);
  }

  /** Everything it ever printed, on either stream. */
  get output(): string {
    return this.#output();
  }

  get token(): string {
    return readFileSync(join(this.stateDirectory, 'token'), 'utf8').trim();
  }

  get openFiles(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  /** Resident memory in bytes. */
  get memory(): number {
    const [, kilobytes] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8')) ?? [];
    return Number(kilobytes) * 1024;
  }

  async connect(kind: ClientKind = '2026', name = 'e2e'): Promise<HttpClient> {
    return HttpClient.connect(this.mcpUrl, this.token, kind, name);
  }

  leftovers(): number[] {
    return pidsWithEnvironment(`E2E_MARK=${this.#mark}`).filter((pid) => pid !== this.pid);
  }

  /** Ends it as a person does, and proves that it left nothing behind. */
  async close(): Promise<void> {
    this.child.kill('SIGTERM');
    try {
      await until('the server has ended', () => startTime(this.pid) === undefined, 8000);
      expect(this.leftovers()).toEqual([]);
    } finally {
      // A test that fails leaves nothing behind either.
      this.child.kill('SIGKILL');
      if (this.#ownsDirectory) rmSync(this.stateDirectory, { recursive: true });
    }
  }
}

/** A real client of one SDK generation, connected over HTTP. */
export class HttpClient {
  readonly client: Client | Client1;
  readonly transport: StreamableHTTPClientTransport | Transport1;

  private constructor(client: Client | Client1, transport: StreamableHTTPClientTransport | Transport1) {
    this.client = client;
    this.transport = transport;
  }

  static async connect(url: URL, token: string, kind: ClientKind, name: string): Promise<HttpClient> {
    const options = { requestInit: { headers: { authorization: `Bearer ${token}` } } };
    const information = { name, version: '1.0.0' };
    if (kind === 'v1') {
      const client = new Client1(information);
      const transport = new Transport1(url, options);
      await client.connect(transport);
      return new HttpClient(client, transport);
    }
    const client = new Client(information, {
      versionNegotiation: { mode: kind === '2025' ? 'legacy' : { pin: '2026-07-28' } },
    });
    const transport = new StreamableHTTPClientTransport(url, options);
    await client.connect(transport);
    return new HttpClient(client, transport);
  }

  get sessionId(): string | undefined {
    return this.transport.sessionId;
  }

  async call(tool: string, args: Record<string, unknown> = {}, options: CallOptions = {}): Promise<Answer> {
    const parameters = { name: tool, arguments: args };
    const { client } = this;
    const { content, structuredContent, isError } =
      client instanceof Client
        ? await client.callTool(parameters, options)
        : await client.callTool(parameters, undefined, options);
    const parts = content as { text?: string }[];
    return {
      isError: isError === true,
      text: parts.map((part) => part.text ?? '').join('\n'),
      structured: structuredContent,
    };
  }

  async ok<T extends keyof Answers>(
    tool: T,
    args: Record<string, unknown> = {},
    options: CallOptions = {},
  ): Promise<Answers[T]> {
    const answer = await this.call(tool, args, options);
    expect(answer.isError, answer.text).toBe(false);
    return answer.structured as Answers[T];
  }

  /** Goes without a word, as a client that crashes or loses its network. */
  async close(): Promise<void> {
    await this.client.close();
  }
}
