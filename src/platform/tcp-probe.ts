import { get } from 'node:http';
import { connect, isIPv6 } from 'node:net';
import type { PortTarget, ProbeResult } from '../core/runner.ts';

/** A listener on this machine takes a connection within microseconds: later means that its backlog is full. */
const CONNECT_LIMIT_MS = 1000;
const REFUSED = 'connection refused';

type Refusal = Extract<ProbeResult, { open: false }>;

/**
 * Looks at a port once. `localhost` means 127.0.0.1 and ::1, since a server may listen on either alone; the answer
 * names the address that served. An aborted look rejects with the signal's reason, and leaves no socket behind.
 */
export async function probePort(target: PortTarget, signal: AbortSignal): Promise<ProbeResult> {
  signal.throwIfAborted();
  const look = new AbortController();
  const stop = (): void => {
    look.abort();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const hosts = target.host === 'localhost' ? ['127.0.0.1', '::1'] : [target.host];
    const result = await firstOpen(
      hosts.map((host) => probeHost({ ...target, host }, target.http?.name ?? target.host, look.signal)),
    );
    signal.throwIfAborted();
    return result;
  } finally {
    signal.removeEventListener('abort', stop);
    look.abort();
  }
}

/** Whether nobody listens at an HTTP address. A listener that is merely slow to accept is there. */
export async function isRefused(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  const probe = await probePort({ host, port: Number(port || 80) }, new AbortController().signal);
  return !probe.open && probe.reason === REFUSED;
}

/** The first success; else the refusal that came furthest. */
function firstOpen(looks: readonly Promise<ProbeResult>[]): Promise<ProbeResult> {
  return new Promise((resolve, reject) => {
    const refusals: Refusal[] = [];
    for (const look of looks) {
      look.then((result) => {
        if (result.open) resolve(result);
        else if (refusals.push(result) === looks.length) {
          resolve(refusals.find(({ accepted }) => accepted) ?? refusals[0] ?? result);
        }
      }, reject);
    }
  });
}

function probeHost(target: PortTarget, nameAsked: string, signal: AbortSignal): Promise<ProbeResult> {
  return target.http === undefined
    ? probeTcp(target, signal)
    : probeHttp(target, target.http, nameAsked, signal);
}

function probeTcp({ host, port }: PortTarget, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (result: ProbeResult): void => {
      clearTimeout(limit);
      signal.removeEventListener('abort', onAbort);
      // An orderly end: a reset is an error to the server, and ends one that handles none.
      socket.destroy();
      resolve(result);
    };
    const limit = setTimeout(() => {
      end(refused(`no connection in ${CONNECT_LIMIT_MS / 1000} s`));
    }, CONNECT_LIMIT_MS);
    const onAbort = (): void => {
      end(refused('aborted'));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('connect', () => {
      // Where nobody listens, a connection from the very port it goes to meets itself.
      const own = socket.localPort === port && socket.localAddress === socket.remoteAddress;
      end(own ? refused(REFUSED) : { open: true, host: socket.remoteAddress ?? host });
    });
    socket.on('error', (error) => {
      end(refused(reasonOf(error)));
    });
  });
}

function probeHttp(
  { host, port }: PortTarget,
  { path, status: [lowest, highest], limitMs }: NonNullable<PortTarget['http']>,
  nameAsked: string,
  signal: AbortSignal,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    /** The address that took the connection. */
    let taken: string | undefined;
    const name = isIPv6(nameAsked) ? `[${nameAsked}]` : nameAsked;
    // Without an agent the connection is used once, and closed with the request. Redirects are answers like any other.
    const request = get({
      host,
      port,
      path: asBrowsersAsk(path),
      agent: false,
      headers: { host: `${name}:${port}`, accept: '*/*' },
    });
    const end = (result: ProbeResult): void => {
      clearTimeout(limit);
      signal.removeEventListener('abort', onAbort);
      request.destroy();
      resolve(result);
    };
    const limit = setTimeout(() => {
      end(refused(`no answer in ${limitMs / 1000} s`, taken));
    }, limitMs);
    const onAbort = (): void => {
      end(refused('aborted', taken));
    };
    signal.addEventListener('abort', onAbort, { once: true });
    request.once('socket', (socket) => {
      socket.once('connect', () => {
        if (socket.localPort !== port) taken = socket.remoteAddress ?? host;
      });
    });
    request.once('response', ({ statusCode = 0 }) => {
      const served = taken ?? host;
      const open = statusCode >= lowest && statusCode <= highest;
      end(open ? { open, host: served, httpStatus: statusCode } : refused(`HTTP ${statusCode}`, served));
    });
    request.on('error', (error) => {
      end(refused(taken === undefined ? reasonOf(error) : `no HTTP answer: ${reasonOf(error)}`, taken));
    });
  });
}

/** A path as it goes over the wire: percent-encoded where it must be, without a fragment. */
function asBrowsersAsk(path: string): string {
  const { pathname, search } = new URL(`http://localhost${path}`);
  return pathname + search;
}

/** `host` is the address that took the connection all the same. */
function refused(reason: string, host?: string): Refusal {
  return { open: false, reason, accepted: host !== undefined, ...(host !== undefined && { host }) };
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: REFUSED,
  ECONNRESET: 'connection reset',
  EADDRNOTAVAIL: 'address not available',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ENOTFOUND: 'unknown host',
};

function reasonOf(error: Error): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  return REASONS[code] ?? error.message;
}
