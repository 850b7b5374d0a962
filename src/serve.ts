import type { ServeConfig } from './config.ts';
import type { ProcessService } from './core/service.ts';
import { createApi } from './http/api/api.ts';
import { createDashboard } from './http/dashboard.ts';
import { health, isHealth } from './http/health.ts';
import { isLoopback } from './http/hosts.ts';
import { HttpServer, localUrl } from './http/server.ts';
import { createMcpEndpoint } from './mcp/http.ts';
import type { ServerInfo } from './mcp/server.ts';
import { ownIdentity } from './platform/identity.ts';
import { StateDirectory, type ServerState } from './state-file.ts';

/** A server that is not busy answers within milliseconds. */
const HEALTH_MS = 1000;
/** The built page: the same place from the source and from the bundle. */
const DASHBOARD = new URL('../dist/web/', import.meta.url);

export interface SharedServer {
  /** Where MCP clients connect. */
  mcpUrl: string;
  /** How they get in, in words. */
  access: string;
  close(): Promise<void>;
}

/**
 * Serves MCP over HTTP, and tells in the state directory where. Rejects with the system's error, or with what there is
 * to know of who has the port; with `unlessRunning` also where that directory has a server already.
 */
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
  const url = await directory.exclusively(async () => {
    const other = await directory.runningServer();
    if (other !== undefined && config.unlessRunning) throw new Error(alreadyRunning(other, directory));
    const { url } = await http.listen(config.port).catch((error: unknown) => explainTaken(error, config));
    await directory.publish({
      ...{ url, ...ownIdentity(), version, token: kind },
      startedAt: new Date().toISOString(),
    });
    if (other !== undefined) logger.info(`warning: ${nowHidden(other)}`);
    return url;
  });
  return {
    mcpUrl: `${url}/mcp`,
    access,
    close: async () => {
      await directory.withdraw();
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

function alreadyRunning({ url, pid }: ServerState, { path }: StateDirectory): string {
  return `a server is running at ${url} (pid ${pid}) for the state directory ${path}`;
}

function nowHidden({ url, pid }: ServerState): string {
  return `the command line and bridges find this server now, and the one at ${url} (pid ${pid}) again when this one has ended; --url ${url} reaches that, and --state-dir keeps servers apart`;
}

/** Whoever has the port is asked only what everybody may ask. */
async function explainTaken(error: unknown, { host, port }: ServeConfig): Promise<never> {
  if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
  const holder = (await isProctor(localUrl(host, port)))
    ? 'a Proctor server that this state directory does not know: one with another --state-dir, or of another user'
    : 'another program';
  throw new Error(
    `port ${port} of ${host} is taken by ${holder}. Choose another with --port; 0 picks a free one.`,
    { cause: error },
  );
}

async function isProctor(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/healthz`, {
      redirect: 'error',
      signal: AbortSignal.timeout(HEALTH_MS),
    });
    return isHealth(await response.json());
  } catch {
    return false;
  }
}
