import { acceptsFor } from '../../core/listeners.ts';
import type { Listener } from '../../core/runner.ts';
import type { ProcessBrief } from '../../core/types.ts';
import { listeningSockets, type ListeningSocket } from './listening-socket.ts';
import { describeProcess, hasProcFs, openDescriptors, readProcesses, type ProcStat } from './proc-fs.ts';

/** Tells every listening socket of this network namespace. */
export type ListeningSource = () => readonly ListeningSocket[] | Promise<readonly ListeningSocket[]>;

/**
 * Where any of these processes listens, by ascending port. The listening sockets are asked for only if the processes
 * have any sockets.
 */
export async function listenersOf(
  pids: Iterable<number>,
  listening: ListeningSource = listeningSockets,
): Promise<Listener[]> {
  const inodes = new Set<number>();
  for (const pid of pids) for (const inode of socketInodes(pid)) inodes.add(inode);
  if (inodes.size === 0) return [];
  return (await listening())
    .filter(({ inode }) => inodes.has(inode))
    .map(({ port, address, ipv6Only }) => ({ port, address, ...(ipv6Only !== undefined && { ipv6Only }) }))
    .sort((a, b) => a.port - b.port);
}

/**
 * Who takes connections to an address and port: of several holders (workers that inherited the socket) the oldest.
 * Undefined when nobody does, or when the holder belongs to a user whose processes may not be seen.
 */
export async function portOwner(
  port: number,
  host: string,
  listening: ListeningSource = listeningSockets,
): Promise<ProcessBrief | undefined> {
  if (!hasProcFs()) return (await import('../group/portable-tree.ts')).lsofPortOwner(port);
  const inodes = new Set<number>();
  for (const socket of await listening()) {
    if (socket.port === port && acceptsFor(socket, host)) inodes.add(socket.inode);
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
