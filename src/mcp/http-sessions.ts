import { randomUUID } from 'node:crypto';
import {
  isInitializeRequest,
  isJSONRPCNotification,
  WebStandardStreamableHTTPServerTransport,
  type McpServer,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import type { Logger } from '../logger.ts';
import { EventLog } from './event-log.ts';
import { rpcError } from './json-rpc.ts';

interface Session {
  transport: WebStandardStreamableHTTPServerTransport;
  /** Requests and streams under way. */
  open: number;
  /** When the last of them ended, in milliseconds, monotonic. */
  idleSince: number;
}

export interface SessionLimits {
  /** Sessions at the same time; the one idle for longest makes room for a new one. */
  maxSessions: number;
  /** A session with nothing under way for this long is forgotten; its client begins another. */
  idleMs: number;
}

export const DEFAULT_SESSION_LIMITS: SessionLimits = { maxSessions: 256, idleMs: 60 * 60_000 };

/**
 * The sessions of clients up to 2025-11-25. A session holds subscriptions and the events its client may have missed,
 * nothing about processes: ending one ends no process.
 */
export class HttpSessions {
  /** In order of last use. */
  readonly #sessions = new Map<string, Session>();
  readonly #connect: () => McpServer;
  readonly #logger: Logger;
  readonly #limits: SessionLimits;
  readonly #sweeper: NodeJS.Timeout;

  /** `connect` makes the server of a new session. */
  constructor(connect: () => McpServer, logger: Logger, limits: SessionLimits = DEFAULT_SESSION_LIMITS) {
    this.#connect = connect;
    this.#logger = logger;
    this.#limits = limits;
    this.#sweeper = setInterval(() => {
      void this.#sweep();
    }, limits.idleMs / 10).unref();
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Serves one request; `body` is its parsed JSON, undefined where the method has none. */
  async fetch(request: Request, body: unknown, closed: Promise<void>): Promise<Response> {
    const id = request.headers.get('mcp-session-id');
    if (id !== null) {
      const session = this.#sessions.get(id);
      // 404 is what tells a client to begin a new session.
      if (session === undefined) return rpcError(404, -32001, 'Session not found');
      return this.#serve(id, session, { request, body, closed });
    }
    if (request.method !== 'POST' || !isInitializeRequest(body))
      return rpcError(400, -32000, 'Bad Request: no Mcp-Session-Id header; a session begins with initialize');
    return this.#begin({ request, body, closed });
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    await Promise.all([...this.#sessions.values()].map(({ transport }) => transport.close()));
  }

  async #begin(exchange: ServedExchange): Promise<Response> {
    if (this.#sessions.size >= this.#limits.maxSessions && !(await this.#dropLongestIdle()))
      return rpcError(503, -32000, 'Too many sessions are in use');
    const id = randomUUID();
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: () => id,
      eventStore: new EventLog(),
    });
    transport.onerror = (error) => {
      this.#logger.debug(`session: ${error.message}`);
    };
    transport.onclose = () => {
      this.#sessions.delete(id);
    };
    await this.#connect().connect(transport);
    const session = { transport, open: 0, idleSince: performance.now() };
    this.#sessions.set(id, session);
    const response = await this.#serve(id, session, exchange);
    // An initialize that was refused leaves nothing behind.
    if (!response.ok) await transport.close();
    return response;
  }

  async #serve(id: string, session: Session, { request, body, closed }: ServedExchange): Promise<Response> {
    session.open++;
    this.#touch(id, session);
    void closed.then(() => {
      session.open--;
      this.#touch(id, session);
    });
    const { transport } = session;
    const response = await transport.handleRequest(request, {
      ...(body !== undefined && { parsedBody: body }),
    });
    if (response.ok) await releaseCancelled(transport, body);
    return response;
  }

  #touch(id: string, session: Session): void {
    session.idleSince = performance.now();
    if (this.#sessions.delete(id)) this.#sessions.set(id, session);
  }

  async #sweep(): Promise<void> {
    const before = performance.now() - this.#limits.idleMs;
    for (const { transport, open, idleSince } of [...this.#sessions.values()])
      if (open === 0 && idleSince < before) await transport.close();
  }

  async #dropLongestIdle(): Promise<boolean> {
    const idle = [...this.#sessions.values()].find(({ open }) => open === 0);
    await idle?.transport.close();
    return idle !== undefined;
  }
}

const cancelledSchema = z.object({ requestId: z.union([z.string(), z.number()]) });

/**
 * Answers the requests that a message cancels. The protocol would leave them without an answer, but only an answer
 * lets the transport close the stream that was to carry it; without one each cancelled call would hold a connection.
 */
async function releaseCancelled(
  transport: WebStandardStreamableHTTPServerTransport,
  body: unknown,
): Promise<void> {
  for (const message of Array.isArray(body) ? body : [body]) {
    if (!isJSONRPCNotification(message) || message.method !== 'notifications/cancelled') continue;
    const { success, data } = cancelledSchema.safeParse(message.params);
    if (!success) continue;
    const error = { code: -32000, message: 'Request cancelled' };
    // It may have been answered already.
    await transport.send({ jsonrpc: '2.0', id: data.requestId, error }).catch(() => undefined);
  }
}

interface ServedExchange {
  request: Request;
  body: unknown;
  closed: Promise<void>;
}
