import type { Transport } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import type { Logger } from '../logger.ts';

export interface StdioServer {
  /** Resolves when the client has gone: end of stdin, or a stdout that nobody reads. */
  readonly closed: Promise<void>;
  /** Ends the connection. Processes are not touched. */
  close(): Promise<void>;
}

/** Serves the one client of a transport by what `createServer` makes for its protocol era. */
export function serveConnection(
  createServer: Parameters<typeof serveStdio>[0],
  transport: Transport,
  logger: Logger,
): StdioServer {
  const connection = serveStdio(createServer, {
    transport,
    onerror: (error) => {
      logger.debug(`connection: ${error.message}`);
    },
  });
  const endConnection = transport.onclose;
  const closed = new Promise<void>((resolve) => {
    transport.onclose = () => {
      endConnection?.();
      resolve();
    };
  });
  return { closed, close: () => connection.close() };
}
