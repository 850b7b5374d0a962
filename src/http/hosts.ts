/** Where the server is bound, and under which other names and from which pages it may be used. */
export interface HostOptions {
  bindHost: string;
  /** Host names without port, as a reverse proxy or a DNS name needs them. */
  allowHosts: readonly string[];
  /** Origins such as `https://app.example`, whose pages may call the server. */
  allowOrigins: readonly string[];
}

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** True for names and addresses that never leave this machine. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/**
 * Tells whether a Host header names this server. A page that rebinds its own name to this machine's address sends that
 * name, so names must be known; an IP address cannot be rebound, and passes where the server is not bound to loopback.
 */
export function hostCheck({ bindHost, allowHosts }: HostOptions): (host: string | undefined) => boolean {
  const known = new Set(
    [...LOOPBACK, bindHost, `[${bindHost}]`, ...allowHosts].map((name) => name.toLowerCase()),
  );
  const anyAddress = !isLoopback(bindHost);
  return (host) => {
    const [, name = ''] = /^(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(host ?? '') ?? [];
    const address = name.startsWith('[') || /^\d{1,3}(?:\.\d{1,3}){3}$/.test(name);
    return known.has(name.toLowerCase()) || (anyAddress && address);
  };
}

/**
 * Tells whether a page may call. Programs send no Origin; the server's own page sends the origin it was loaded from.
 * Another local port is another origin: a development server's page has no business here.
 */
export function originCheck({
  allowOrigins,
}: HostOptions): (
  origin: string | undefined,
  host: string | undefined,
) => 'none' | 'own' | 'allowed' | 'foreign' {
  const allowed = new Set(allowOrigins.map((origin) => origin.toLowerCase()));
  return (origin, host) => {
    if (origin === undefined) return 'none';
    const lower = origin.toLowerCase();
    if (allowed.has(lower)) return 'allowed';
    const own = host?.toLowerCase() ?? '';
    return lower === `http://${own}` || lower === `https://${own}` ? 'own' : 'foreign';
  };
}
