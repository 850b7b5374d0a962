import { readFileSync } from 'node:fs';
import type { ProcessBrief } from '../core/types.ts';
import { describeProcess, hasProcFs, openDescriptors, readProcesses, type ProcStat } from './proc-fs.ts';

/** A TCP socket that accepts connections. */
export interface ListeningSocket {
  port: number;
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
    sockets.push({ port: parseInt(local.slice(local.lastIndexOf(':') + 1), 16), inode: Number(inode) });
  }
  return sockets;
}

/**
 * TCP ports that any of these processes listens on, ascending. The table of sockets is asked for only if they have
 * any: reading it takes the kernel some 10 ms.
 */
export function portsOf(
  pids: Iterable<number>,
  listening: () => readonly ListeningSocket[] = listeningSockets,
): number[] {
  const inodes = new Set<number>();
  for (const pid of pids) for (const inode of socketInodes(pid)) inodes.add(inode);
  if (inodes.size === 0) return [];
  const ports = listening()
    .filter(({ inode }) => inodes.has(inode))
    .map(({ port }) => port);
  return [...new Set(ports)].sort((a, b) => a - b);
}

/**
 * Who listens on a port: of several holders (workers that inherited the socket) the oldest. Undefined when nobody
 * does, or when the holder belongs to a user whose processes may not be seen.
 */
export async function portOwner(port: number): Promise<ProcessBrief | undefined> {
  if (!hasProcFs()) return (await import('./portable-tree.ts')).lsofPortOwner(port);
  const inodes = new Set<number>();
  for (const socket of listeningSockets()) if (socket.port === port) inodes.add(socket.inode);
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
