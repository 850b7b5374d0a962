import type { Listener } from './runner.ts';

/** Addresses that stand for all addresses of their family; `::` takes connections over IPv4, too, unless told not to. */
const ANY = new Set(['0.0.0.0', '::', '*']);

/** The IPv4 address behind its IPv6 spelling, `::ffff:127.0.0.1` or `::ffff:7f00:1`. */
const MAPPED = /^::ffff:(?:(\d+\.\d+\.\d+\.\d+)|([0-9a-f]{1,4}):([0-9a-f]{1,4}))$/i;

/**
 * Whether a listener takes connections to the numeric address `host`. What is not numeric matches: a name has been
 * resolved elsewhere, so nothing speaks against it.
 */
export function acceptsFor(
  { address, ipv6Only = false }: Pick<Listener, 'address' | 'ipv6Only'>,
  host: string,
): boolean {
  const bound = plain(address);
  const wanted = plain(host);
  if (bound === wanted || !isNumeric(wanted)) return true;
  if (!ANY.has(bound)) return false;
  const family = bound === '0.0.0.0' ? 4 : ipv6Only ? 6 : undefined;
  return family === undefined || (family === 6) === wanted.includes(':');
}

function plain(address: string): string {
  const [, dotted, high, low] = MAPPED.exec(address) ?? [];
  if (dotted !== undefined) return dotted;
  if (high === undefined || low === undefined) return address.toLowerCase();
  const [a, b] = [parseInt(high, 16), parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join('.');
}

function isNumeric(host: string): boolean {
  return host.includes(':') || /^\d+(\.\d+){3}$/.test(host);
}

/** The ports of listeners, each once, in their order. */
export function portsOf(listeners: readonly Listener[]): number[] {
  return [...new Set(listeners.map(({ port }) => port))];
}
