import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import { acceptsFor } from '../core/listeners.ts';
import type { Listener } from '../core/runner.ts';
import type { ProcessBrief } from '../core/types.ts';
import { describeProcess, hasProcFs, openDescriptors, readProcesses, type ProcStat } from './proc-fs.ts';

/** A listener of some process of this network namespace. */
export interface ListeningSocket extends Listener {
  /** What descriptors of its holders point to: `socket:[inode]`. */
  inode: number;
}

const LISTEN = '0A';

/** Every listening TCP socket of this network namespace, of both address families. */
export function listeningSockets(): ListeningSocket[] {
  return ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) => parseListening(readTable(file)));
}

/** Picks the listening sockets out of a table in the format of /proc/net/tcp. */
export function parseListening(table: string): ListeningSocket[] {
  const sockets: ListeningSocket[] = [];
  for (const line of table.split('\n')) {
    const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/, 10);
    if (state !== LISTEN) continue;
    const [address = '', port = ''] = local.split(':');
    sockets.push({ port: parseInt(port, 16), address: addressOf(address), inode: Number(inode) });
  }
  return sockets;
}

/** Tables show an address as 32-bit words in hexadecimal, each in the byte order of the machine. */
function addressOf(words: string): string {
  const bytes = Buffer.from(words, 'hex');
  if (endianness() === 'LE') bytes.swap32();
  if (bytes.length === 4) return bytes.join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16));
  // In the one spelling that Node gives addresses, too.
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/**
 * Where any of these processes listens, by ascending port. The table of sockets is asked for only if they have any:
 * reading it takes the kernel some 10 ms.
 */
export function listenersOf(
  pids: Iterable<number>,
  listening: () => readonly ListeningSocket[] = listeningSockets,
): Listener[] {
  const inodes = new Set<number>();
  for (const pid of pids) for (const inode of socketInodes(pid)) inodes.add(inode);
  if (inodes.size === 0) return [];
  return listening()
    .filter(({ inode }) => inodes.has(inode))
    .map(({ port, address }) => ({ port, address }))
    .sort((a, b) => a.port - b.port);
}

/**
 * Who takes connections to an address and port: of several holders (workers that inherited the socket) the oldest. Undefined when nobody
 * does, or when the holder belongs to a user whose processes may not be seen.
 */
export async function portOwner(port: number, host: string): Promise<ProcessBrief | undefined> {
  if (!hasProcFs()) return (await import('./portable-tree.ts')).lsofPortOwner(port);
  const inodes = new Set<number>();
  for (const socket of listeningSockets()) {
    if (socket.port === port && acceptsFor(socket.address, host)) inodes.add(socket.inode);
  }
  if (inodes.size === 0) return undefined;
  let owner: ProcStat | undefined;
  for (const stat of readProcesses().values()) {
    if (owner !== undefined && stat.startTicks >= owner.startTicks) continue;
    if (socketInodes(stat.pid).some((inode) => inodes.has(inode))) owner = stat;
  }
  return owner === undefined ? undefined : describeProcess(owner);
}

function socketInodes(pid: number): number[] {
  const inodes: number[] = [];
  for (const { target } of openDescriptors(pid)) {
    if (target.startsWith('socket:[')) inodes.push(Number(target.slice('socket:['.length, -1)));
  }
  return inodes;
}

/** A kernel without IPv6 has no table for it. */
function readTable(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
