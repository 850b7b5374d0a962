import { clientName } from '../../core/client-name.ts';
import { ProcessError } from '../../core/errors.ts';
import type { ProcessService } from '../../core/service.ts';
import type { Logger } from '../../logger.ts';
import { problem } from '../problem.ts';
import type { WebHandler } from '../web.ts';
import { problemOf } from './errors.ts';
import { EventFeed } from './event-feed.ts';
import type { Route } from './route.ts';
import { ROUTES } from './routes.ts';

export interface Api {
  /** Serves one request whose host, origin and token have been checked. */
  handle: WebHandler;
  /** Stops listening to the service. */
  close(): void;
}

/** The HTTP API: the routes over one service, and the one place where errors become answers. */
export function createApi(service: ProcessService, logger: Logger): Api {
  const feed = new EventFeed(service);
  const matchers = ROUTES.map((route) => ({ route, pattern: patternOf(route.path) }));

  const serve = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    const found = matchers.flatMap(({ route, pattern }) => {
      const match = pattern.exec(pathname);
      return match ? [{ route, id: match[1] }] : [];
    });
    const chosen = found.find(({ route }) => route.method === request.method);
    if (chosen === undefined)
      return nothingThere(
        pathname,
        found.map(({ route }) => route),
      );
    const id = chosen.id === undefined ? '' : decodeId(chosen.id);
    const { headers, signal } = request;
    const client = clientOf(headers);
    const context = { signal, ...(client !== undefined && { client }) };
    return chosen.route.serve({ service, feed, id, context, headers }, request);
  };

  return {
    handle: async (request) => {
      try {
        return await serve(request);
      } catch (error) {
        if (error instanceof ProcessError) return problemOf(error);
        if (request.signal.aborted) throw error;
        logger.error(`${request.method} ${new URL(request.url).pathname} failed`, error);
        const reason = error instanceof Error ? error.message : String(error);
        const hint = 'This is a fault of the server; its log on stderr has the details.';
        return problemOf(new ProcessError('INTERNAL', reason, { hint }));
      }
    },
    close: () => {
      feed.close();
    },
  };
}

function nothingThere(path: string, routes: readonly Route[]): Response {
  if (routes.length === 0) return problem(404, `Nothing is at ${path}.`);
  const allow = routes.map(({ method }) => method).join(', ');
  return problem(405, `${path} takes ${allow}.`, { allow });
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replace('{id}', '([^/]+)')}$`);
}

function decodeId(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

/** Who asks: what it calls itself, else what its user agent says; that of a browser is a page of history. */
function clientOf(headers: Headers): string | undefined {
  const agent = headers.get('user-agent') ?? '';
  const told = headers.get('proctor-client') ?? (agent.startsWith('Mozilla/') ? 'browser' : agent);
  return clientName(told);
}
