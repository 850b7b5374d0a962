import type { ServeConfig } from './config.ts';
import type { ProcessService } from './core/service.ts';
import { createApi } from './http/api/api.ts';
import { createDashboard } from './http/dashboard.ts';
import { health } from './http/health.ts';
import { isLoopback } from './http/hosts.ts';
import { HttpServer } from './http/server.ts';
import { createMcpEndpoint } from './mcp/http.ts';
import type { ServerInfo } from './mcp/server.ts';
import { StateDirectory, type ServerState } from './state-file.ts';

/** The built page: the same place from the source and from the bundle. */
const DASHBOARD = new URL('../dist/web/', import.meta.url);

export interface SharedServer {
  /** Where MCP clients connect. */
  mcpUrl: string;
  /** How they get in, in words. */
  access: string;
  close(): Promise<void>;
}

/** Serves MCP over HTTP, and tells in the state directory where. Rejects with the system's error, EADDRINUSE among them. */
export async function startSharedServer(
  service: ProcessService,
  info: ServerInfo,
  config: ServeConfig,
): Promise<SharedServer> {
  const { version, logger } = info;
  const directory = new StateDirectory(config.stateDirectory);
  const { token, kind, access } = await resolveToken(config.token, directory);
  if (kind === 'none')
    logger.info('warning: no token is asked for; every program on this machine may run commands');
  if (!isLoopback(config.host)) {
    logger.info(
      `warning: ${config.host} can be reached from other machines, and the token travels there unencrypted; put TLS in front`,
    );
  }
  const endpoint = createMcpEndpoint(service, info);
  const api = createApi(service, logger);
  const dashboard = createDashboard(DASHBOARD);
  const http = new HttpServer({
    bindHost: config.host,
    allowHosts: config.allowHosts,
    allowOrigins: config.allowOrigins,
    ratePerSecond: config.ratePerSecond,
    maxBodyBytes: config.maxBodyBytes,
    ...(token !== undefined && { token }),
    logger,
    routes: {
      '/healthz': health,
      '/mcp': (request, exchange) => endpoint.handle(request, exchange),
      '/v1/*': api.handle,
      '/': dashboard,
      '/assets/*': dashboard,
    },
  });
  const { url } = await http.listen(config.port);
  await directory.publish({
    ...{ url, pid: process.pid, version, token: kind },
    startedAt: new Date().toISOString(),
  });
  return {
    mcpUrl: `${url}/mcp`,
    access,
    close: async () => {
      await directory.withdraw(process.pid);
      api.close();
      await endpoint.close();
      await http.close();
    },
  };
}

async function resolveToken(
  configured: string | false | undefined,
  directory: StateDirectory,
): Promise<{ token?: string; kind: ServerState['token']; access: string }> {
  if (configured === false) return { kind: 'none', access: 'no token needed' };
  if (configured !== undefined) return { token: configured, kind: 'given', access: 'token: as given' };
  return { token: await directory.token(), kind: 'file', access: `token: in ${directory.tokenFile}` };
}
