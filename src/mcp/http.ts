import { createMcpHandler, isLegacyRequest } from '@modelcontextprotocol/server';
import type { ProcessService } from '../core/service.ts';
import { HttpSessions, type SessionLimits } from './http-sessions.ts';
import { rpcError } from './json-rpc.ts';
import { watchResources } from './resource-changes.ts';
import { createMcpServer, type ServerInfo } from './server.ts';
import { Tasks, type TaskLimits } from './tasks.ts';

export interface McpEndpoint {
  /** Serves one request whose host, origin and token have been checked. `closed` resolves when its exchange is over. */
  handle(request: Request, exchange: { closed: Promise<void> }): Promise<Response>;
  /** Ends every session and stream. Processes are not touched. */
  close(): Promise<void>;
}

export interface EndpointOptions {
  sessionLimits?: SessionLimits;
  taskLimits?: TaskLimits;
  /** What makes the server of one request or session; default: the process tools. */
  createServer?: typeof createMcpServer;
}

/**
 * MCP over Streamable HTTP, all protocol eras on one endpoint: from 2026-07-28 on each request stands alone, and its
 * end cancels it; before that clients hold sessions, and only notifications/cancelled cancels.
 */
export function createMcpEndpoint(
  service: ProcessService,
  info: ServerInfo,
  { sessionLimits, taskLimits, createServer = createMcpServer }: EndpointOptions = {},
): McpEndpoint {
  const tasks = new Tasks(taskLimits);
  const modern = createMcpHandler(() => createServer(service, info, 'none', tasks), {
    legacy: 'reject',
    onerror: (error) => {
      info.logger.debug(`request: ${error.message}`);
    },
  });
  const sessions = new HttpSessions(
    () => createServer(service, info, 'subscribed'),
    info.logger,
    sessionLimits,
  );
  const stopWatching = watchResources(service, {
    updated: (uri) => {
      modern.notify.resourceUpdated(uri);
    },
    listChanged: () => {
      modern.notify.resourcesChanged();
    },
  });
  return {
    handle: async (request, { closed }) => {
      const parsed = await parseBody(request);
      if (!parsed.ok) return rpcError(400, -32700, 'Parse error: the request body is not valid JSON');
      if (await isLegacyRequest(request, parsed.body)) return sessions.fetch(request, parsed.body, closed);
      return modern.fetch(request, { parsedBody: parsed.body });
    },
    close: async () => {
      stopWatching();
      await Promise.all([modern.close(), sessions.close()]);
      tasks.close();
    },
  };
}

/** The body is parsed once, for both eras. */
async function parseBody(request: Request): Promise<{ ok: true; body: unknown } | { ok: false }> {
  if (request.method !== 'POST') return { ok: true, body: undefined };
  try {
    const body: unknown = await request.json();
    return { ok: true, body };
  } catch {
    return { ok: false };
  }
}
