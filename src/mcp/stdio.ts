import { serveStdio as serveConnection, StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import type { Readable, Writable } from 'node:stream';
import type { ProcessService } from '../core/service.ts';
import { createMcpServer, type ServerInfo } from './server.ts';

export interface StdioServer {
  /** Resolves when the client has gone: end of stdin, or a stdout that nobody reads. */
  readonly closed: Promise<void>;
  /** Ends the connection. Processes are not touched. */
  close(): Promise<void>;
}

/** Serves one client of any protocol era over stdin and stdout. */
export function serveStdio(
  service: ProcessService,
  info: ServerInfo,
  stdin: Readable = process.stdin,
  stdout: Writable = process.stdout,
): StdioServer {
  const transport = new StdioServerTransport(stdin, stdout);
  const connection = serveConnection(
    ({ era }) => createMcpServer(service, info, era === 'modern' ? 'all' : 'subscribed'),
    {
      transport,
      onerror: (error) => {
        info.logger.debug(`connection: ${error.message}`);
      },
    },
  );
  const onClose = transport.onclose;
  const closed = new Promise<void>((resolve) => {
    transport.onclose = () => {
      onClose?.();
      resolve();
    };
  });
  return { closed, close: () => connection.close() };
}
