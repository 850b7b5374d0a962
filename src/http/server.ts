import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Logger } from '../logger.ts';
import { Guard, type GuardOptions } from './guard.ts';
import { problem } from './problem.ts';
import { BodyTooLarge, readBody, sendResponse, toRequest, type WebHandler } from './web.ts';

export interface HttpServerOptions extends GuardOptions {
  /** Largest request body, in bytes. */
  maxBodyBytes: number;
  /** Handlers by exact path, or by all paths under one: `/v1/*`. */
  routes: Readonly<Record<string, WebHandler>>;
  logger: Logger;
}

/** Times in milliseconds and sizes that keep slow and greedy clients from holding the server. */
const LIMITS = {
  /** A whole head within this time, from the connection's start: slower ones are an attack or a dead link. */
  headersTimeout: 10_000,
  /** A whole request, body included. */
  requestTimeout: 30_000,
  /** An idle connection between two requests. */
  keepAliveTimeout: 15_000,
  /** How often the two above are looked at. */
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 16_384,
};
const MAX_CONNECTIONS = 1024;

/** For answers that are no page; a page brings a policy of its own. */
const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

export interface Listening {
  port: number;
  /** Base address that programs on this machine can use, without a slash at its end. */
  url: string;
}

/** The HTTP face: one port, guarded as a whole, with handlers behind it. */
export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #guard: Guard;
  readonly #server: Server;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#guard = new Guard(options);
    this.#server = createServer(LIMITS, (req, res) => {
      this.#serve(req, res).catch((error: unknown) => {
        options.logger.error('a request failed', error);
        res.destroy();
      });
    });
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Resolves once connections are accepted; rejects with the system's error, EADDRINUSE among them. */
  async listen(port: number): Promise<Listening> {
    const { bindHost } = this.#options;
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, bindHost, () => {
        server.off('error', reject);
        resolve();
      });
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('bound to no TCP port');
    return { port: address.port, url: localUrl(bindHost, address.port) };
  }

  /** Stops accepting and cuts every connection. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => {
        resolve();
      });
      this.#server.closeAllConnections();
    });
  }

  async #serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) res.setHeader(name, value);
    const gone = new AbortController();
    const closed = new Promise<void>((resolve) => {
      res.once('close', () => {
        if (!res.writableFinished) gone.abort();
        resolve();
      });
    });
    await sendResponse(res, await this.#answer(req, res, gone.signal, closed));
  }

  async #answer(
    req: IncomingMessage,
    res: ServerResponse,
    signal: AbortSignal,
    closed: Promise<void>,
  ): Promise<Response> {
    const { routes, maxBodyBytes, logger } = this.#options;
    const url = targetOf(req);
    if (url === undefined) return problem(400, 'The request target is not a path.', { connection: 'close' });
    const verdict = this.#guard.check(req, url.pathname);
    if (!verdict.pass) {
      logger.debug(`refused ${req.method ?? ''} ${url.pathname} with ${verdict.response.status}`);
      return verdict.response;
    }
    for (const [name, value] of Object.entries(verdict.headers)) res.setHeader(name, value);
    const handler = handlerOf(routes, url.pathname);
    if (handler === undefined) return problem(404, `Nothing is at ${url.pathname}.`, { connection: 'close' });
    try {
      const body = await readBody(req, maxBodyBytes);
      return await handler(toRequest(req, url, body, signal), { closed });
    } catch (error) {
      if (error instanceof BodyTooLarge)
        return problem(413, `A request body has at most ${maxBodyBytes} bytes.`, { connection: 'close' });
      // The client went away while it was sending, or before its answer was ready.
      if (signal.aborted || !req.complete) return new Response(null, { status: 499 });
      throw error;
    }
  }
}

function handlerOf(routes: HttpServerOptions['routes'], path: string): WebHandler | undefined {
  if (Object.hasOwn(routes, path)) return routes[path];
  return Object.entries(routes).find(([key]) => key.endsWith('/*') && path.startsWith(key.slice(0, -1)))?.[1];
}

/** Only paths are served: an absolute target could name another host than the Host header does. */
function targetOf({ url = '' }: IncomingMessage): URL | undefined {
  if (!url.startsWith('/')) return undefined;
  return URL.canParse(`http://localhost${url}`) ? new URL(`http://localhost${url}`) : undefined;
}

/** Base address under which programs on this machine reach what is bound there, without a slash at its end. */
export function localUrl(bindHost: string, port: number): string {
  return `http://${reachableHost(bindHost)}:${port}`;
}

function reachableHost(bindHost: string): string {
  if (bindHost === '0.0.0.0') return '127.0.0.1';
  if (bindHost === '::') return '[::1]';
  return bindHost.includes(':') ? `[${bindHost}]` : bindHost;
}
