import type { IncomingMessage } from 'node:http';
import { hostCheck, originCheck, type HostOptions } from './hosts.ts';
import { problem } from './problem.ts';
import { RateLimit } from './rate-limit.ts';
import { tokenCheck } from './token.ts';

export interface GuardOptions extends HostOptions {
  /** Absent: everybody who reaches the server may use it. */
  token?: string;
  /** Requests a second from one address that may go on for ever; ten times as many at once. */
  ratePerSecond: number;
}

/** Paths that answer without a token; one that ends in `*` stands for all below it. They must tell nothing about what runs. */
export const PUBLIC_PATHS: readonly string[] = ['/healthz', '/', '/assets/*'];

/** Headers that decide who is heard: two of one kind are an attempt to show different readers different ones. */
const SINGLE = ['host', 'origin', 'authorization', 'mcp-session-id', 'mcp-protocol-version', 'content-type'];

/** Wrong tokens from one address before it is told to slow down: a person mistypes, a program guesses. */
const WRONG_TOKENS = { perSecond: 0.5, burst: 20 };

const CORS_HEADERS = {
  'access-control-allow-methods': 'GET, POST, DELETE',
  'access-control-allow-headers':
    'authorization, content-type, last-event-id, mcp-method, mcp-name, mcp-protocol-version, mcp-session-id',
  'access-control-max-age': '600',
};

export type Verdict =
  /** Headers to add to whatever the answer will be. */
  { pass: true; headers: Readonly<Record<string, string>> } | { pass: false; response: Response };

/** Decides about each request from its head alone, before a byte of its body is read. */
export class Guard {
  readonly #hostIsOurs: (host: string | undefined) => boolean;
  readonly #originOf: ReturnType<typeof originCheck>;
  readonly #hasToken: ((authorization: string | undefined) => boolean) | undefined;
  readonly #requests: RateLimit;
  readonly #wrongTokens = new RateLimit(WRONG_TOKENS);

  constructor(options: GuardOptions) {
    const { ratePerSecond: perSecond, token } = options;
    this.#hostIsOurs = hostCheck(options);
    this.#originOf = originCheck(options);
    this.#hasToken = token === undefined ? undefined : tokenCheck(token);
    this.#requests = new RateLimit({ perSecond, burst: perSecond * 10 });
  }

  /** The checks in order: a well-formed head, the right host, the right page, a bearable rate, the token. */
  check(req: IncomingMessage, path: string): Verdict {
    const twice = repeatedHeader(req.rawHeaders);
    if (twice !== undefined) return refuse(400, `The header ${twice} is given twice.`);
    const { host, origin, authorization } = req.headers;
    if (!this.#hostIsOurs(host))
      return refuse(
        403,
        'The Host header names another server. Start this one with --allow-host to add a name.',
      );
    const from = this.#originOf(origin, host);
    if (from === 'foreign')
      return refuse(
        403,
        'Pages of this origin may not call. Start the server with --allow-origin to add one.',
      );
    const headers = corsHeaders(from === 'allowed' ? origin : undefined);
    const address = req.socket.remoteAddress ?? '';
    const busyMs = this.#requests.take(address);
    if (busyMs > 0) return slowDown('Too many requests from this address.', busyMs);
    // A browser asks first, without credentials, whether it may ask.
    if (req.method === 'OPTIONS' && from === 'allowed')
      return {
        pass: false,
        response: new Response(null, { status: 204, headers: { ...headers, ...CORS_HEADERS } }),
      };
    if (isPublic(path) || this.#hasToken === undefined || this.#hasToken(authorization))
      return { pass: true, headers };
    return this.#refuseToken(authorization, address, headers);
  }

  /** Only a wrong token costs one of the few: an attacker cannot lock out who has the right one. */
  #refuseToken(
    authorization: string | undefined,
    address: string,
    headers: Readonly<Record<string, string>>,
  ): Verdict {
    const waitMs = authorization === undefined ? 0 : this.#wrongTokens.take(address);
    if (waitMs > 0) return slowDown('Too many wrong tokens from this address.', waitMs);
    return refuse(401, 'This needs the header "Authorization: Bearer TOKEN" with the server\'s token.', {
      ...headers,
      'www-authenticate': 'Bearer realm="proctor"',
    });
  }
}

function isPublic(path: string): boolean {
  return PUBLIC_PATHS.some((open) =>
    open.endsWith('*') ? path.startsWith(open.slice(0, -1)) : path === open,
  );
}

function repeatedHeader(rawHeaders: readonly string[]): string | undefined {
  const names = rawHeaders.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
  return SINGLE.find((name) => names.indexOf(name) !== names.lastIndexOf(name));
}

function corsHeaders(origin: string | undefined): Record<string, string> {
  if (origin === undefined) return {};
  return {
    'access-control-allow-origin': origin,
    'access-control-expose-headers': 'mcp-session-id, www-authenticate',
    vary: 'origin',
  };
}

function slowDown(what: string, waitMs: number): Verdict {
  const seconds = Math.ceil(waitMs / 1000);
  return refuse(429, `${what} Try again in ${seconds} s.`, { 'retry-after': String(seconds) });
}

function refuse(status: number, detail: string, headers: Readonly<Record<string, string>> = {}): Verdict {
  // The body that may follow is not read: the connection cannot be used for another request.
  return { pass: false, response: problem(status, detail, { ...headers, connection: 'close' }) };
}
