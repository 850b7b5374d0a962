import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import type { Listener } from '../../core/runner.ts';

/** A listener of some process of this network namespace. */
export interface ListeningSocket extends Listener {
  /** What descriptors of its holders point to: `socket:[inode]`. */
  inode: number;
}

const LISTEN = '0A';
const SOCKET = /^([0-9a-f]{8}|[0-9a-f]{32}):(\d{1,5}):(\d{1,10}):([01])$/;

/**
 * Every listening TCP socket of this network namespace, of both address families, as /proc/net tells them: in some
 * 10 ms, since the kernel walks through all connections, and without a word on which of IPv6 refuse IPv4.
 */
export function listeningSockets(): ListeningSocket[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => parseListening(readTable(file)));
}

/** Picks the listening sockets out of a table in the format of /proc/net/tcp. */
export function parseListening(table: string): ListeningSocket[] {
  const sockets: ListeningSocket[] = [];
  for (const line of table.split('\n')) {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/, 10);
    if (state !== LISTEN) continue;
    const [words = '', port = ''] = local.split(':');
    // The address is in 32-bit words, each in the byte order of the machine.
    const bytes = Buffer.from(words, 'hex');
    if (endianness() === 'LE') bytes.swap32();
    sockets.push({ port: parseInt(port, 16), address: addressOf(bytes), inode: Number(inode) });
  }
  return sockets;
}

/** Reads one socket as the supervisor tells it; the grammar is at the top of native/shim.c. Undefined if it is none. */
export function parseSocket(word: string): ListeningSocket | undefined {
  const [, hex, port, inode, v6only] = SOCKET.exec(word) ?? [];
  if (hex === undefined) return undefined;
  const socket = { port: Number(port), address: addressOf(Buffer.from(hex, 'hex')), inode: Number(inode) };
  return v6only === '1' ? { ...socket, ipv6Only: true } : socket;
}

/** `bytes` are 4 or 16, most significant first. */
function addressOf(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16));
  // In the one spelling that Node gives addresses, too.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** A kernel without IPv6 has no table for it. */
function readTable(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
