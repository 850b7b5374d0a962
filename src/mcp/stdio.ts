import type { Transport } from '@modelcontextprotocol/server';
import type { ProcessService } from '../core/service.ts';
import { createMcpServer, type ServerInfo } from './server.ts';
import { serveConnection, type StdioServer } from './stdio-connection.ts';
import { StdioTransport } from './stdio-transport.ts';
import { Tasks } from './tasks.ts';

/** Serves one client of any protocol era, over stdin and stdout where no other channel is given. */
export function serveStdio(
  service: ProcessService,
  info: ServerInfo,
  transport: Transport = new StdioTransport(),
): StdioServer {
  const tasks = new Tasks();
  const server = serveConnection(
    ({ era }) =>
      era === 'modern'
        ? createMcpServer(service, info, 'all', tasks)
        : createMcpServer(service, info, 'subscribed'),
    transport,
    info.logger,
  );
  void server.closed.then(() => {
    // Nobody else knows their ids.
    tasks.close();
  });
  return server;
}
