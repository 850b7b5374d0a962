import type { Transport } from '@modelcontextprotocol/server';
import { serveStdio as serveConnection } from '@modelcontextprotocol/server/stdio';
import type { ProcessService } from '../core/service.ts';
import { createMcpServer, type ServerInfo } from './server.ts';
import { StdioTransport } from './stdio-transport.ts';
import { Tasks } from './tasks.ts';

export interface StdioServer {
  /** Resolves when the client has gone: end of stdin, or a stdout that nobody reads. */
  readonly closed: Promise<void>;
  /** Ends the connection. Processes are not touched. */
  close(): Promise<void>;
}

/** Serves one client of any protocol era, over stdin and stdout where no other channel is given. */
export function serveStdio(
  service: ProcessService,
  info: ServerInfo,
  transport: Transport = new StdioTransport(),
): StdioServer {
  const tasks = new Tasks();
  const connection = serveConnection(
    ({ era }) =>
      era === 'modern'
        ? createMcpServer(service, info, 'all', tasks)
        : createMcpServer(service, info, 'subscribed'),
    {
      transport,
      onerror: (error) => {
        info.logger.debug(`connection: ${error.message}`);
      },
    },
  );
  const endConnection = transport.onclose;
  const closed = new Promise<void>((resolve) => {
    transport.onclose = () => {
      endConnection?.();
      // Nobody else knows their ids.
      tasks.close();
      resolve();
    };
  });
  return { closed, close: () => connection.close() };
}
