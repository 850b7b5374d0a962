import { closeSync, openSync, readSync } from 'node:fs';
import {
  descriptorTarget,
  openDescriptors,
  programOf,
  readProcFile,
  threadIds,
  type ProcStat,
} from './proc-fs.ts';

type Call = 'read' | 'poll' | 'ppoll' | 'select' | 'pselect' | 'epoll' | 'epoll2' | 'futex';

/** System call numbers from the kernel's tables: a call has another number on each architecture. */
const CALLS: Readonly<Record<string, Readonly<Record<number, Call>>>> = {
  x64: {
    0: 'read',
    7: 'poll',
    19: 'read', // readv
    23: 'select',
    202: 'futex',
    232: 'epoll',
    270: 'pselect',
    271: 'ppoll',
    281: 'epoll', // epoll_pwait
    441: 'epoll2',
  },
  arm64: { 22: 'epoll', 63: 'read', 65: 'read', 72: 'pselect', 73: 'ppoll', 98: 'futex', 441: 'epoll2' },
};

/**
 * V8 has a look at the heap 8.1 s after a garbage collection (kLongDelayMs and kSlackMs in memory-reducer.h), and that
 * timer limits the poll of a Node program that sits at a prompt soon after its start. What began to wait more than
 * two seconds after the collection is not told from a program with a timer of its own.
 */
const HEAP_TIMER_MS = { min: 6000, max: 8100 };

const POLLIN = 1;
/** Bound on the descriptors of one poll: whoever watches more does not just wait for a person. */
const MAX_POLLED = 64;

export interface InputQuestion {
  /** Whether a descriptor's target is the tree's standard input or a terminal. */
  isInput: (target: string) => boolean;
  hasChildren: boolean;
}

/**
 * Whether nothing but input can make this process go on: a thread is blocked reading the tree's standard input or its
 * terminal, or blocked without a time limit in a poll that watches nothing else. Programs that merely hold standard
 * input open while they serve do not count. False where the kernel does not say (ptrace rights, other architectures).
 */
export function awaitsInput({ pid, state }: ProcStat, question: InputQuestion): boolean {
  if (state !== 'S') return false;
  // The main thread first: most programs that do not wait show it there.
  const threads = threadIds(pid).sort((one, other) => Number(other === pid) - Number(one === pid));
  if (!allWait(pid, threads, question)) return false;
  if (threads.length === 1) return true;
  // Threads that take turns, as Go's do, may each have been idle when it was looked at: none may have run meanwhile.
  const before = contextSwitches(pid, threads);
  return allWait(pid, threads, question) && contextSwitches(pid, threads) === before;
}

/** How often the threads have given up a CPU, each by itself. */
function contextSwitches(pid: number, threads: readonly number[]): string {
  return threads
    .map((thread) => /^voluntary_ctxt_switches:.*$/m.exec(readProcFile(pid, `task/${thread}/status`) ?? ''))
    .join();
}

function allWait(pid: number, threads: readonly number[], { isInput, hasChildren }: InputQuestion): boolean {
  let waiting = false;
  for (const thread of threads) {
    const wait = threadWaits(pid, thread, isInput);
    // A thread that serves keeps the program going, whichever other one reads; a pool that idles on a lock or a
    // wake-up does not. The end of a child is such a wake-up.
    if (wait === 'busy' || (wait === 'polls input' && hasChildren)) return false;
    if (wait !== 'idle') waiting = true;
  }
  return waiting;
}

type ThreadWait = 'reads input' | 'polls input' | 'idle' | 'busy';

function threadWaits(pid: number, thread: number, isInput: (target: string) => boolean): ThreadWait {
  // Number and six arguments; "running" while it is on a CPU.
  const [number = '', ...words] = (readProcFile(pid, `task/${thread}/syscall`) ?? '').split(' ');
  const call = /^\d+$/.test(number) ? CALLS[process.arch]?.[Number(number)] : undefined;
  const args = call === undefined ? [] : words.slice(0, 6).map((word) => BigInt(word));
  if (call === undefined) return 'busy';
  if (call === 'futex') return 'idle';
  if (call === 'read') return isInput(descriptorTarget(pid, Number(args[0])) ?? '') ? 'reads input' : 'busy';
  const watched = watchedForever(pid, call, args);
  return watched === undefined ? 'busy' : pollWaits(pid, watched, isInput);
}

/** Descriptors watched for reading by a poll without a time limit; undefined if it has one, or cannot be read. */
function watchedForever(pid: number, call: Call, args: readonly bigint[]): number[] | undefined {
  const [first = 0n, second = 0n, third = 0n, fourth = 0n, fifth = 0n] = args;
  const forever = (milliseconds: bigint): boolean => BigInt.asIntN(32, milliseconds) < 0n;
  switch (call) {
    case 'poll':
      return forever(third) ? polled(pid, first, second) : undefined;
    case 'ppoll':
      return third === 0n ? polled(pid, first, second) : undefined;
    case 'select':
    case 'pselect':
      return third === 0n && fifth === 0n ? selected(pid, first, second) : undefined;
    case 'epoll':
      return forever(fourth) || isHeapTimer(pid, Number(fourth)) ? epolled(pid, first) : undefined;
    case 'epoll2':
      return fourth === 0n ? epolled(pid, first) : undefined;
    case 'read':
    case 'futex':
      return undefined;
  }
}

function isHeapTimer(pid: number, limitMs: number): boolean {
  if (limitMs < HEAP_TIMER_MS.min || limitMs > HEAP_TIMER_MS.max) return false;
  return programOf(pid)?.endsWith('/node') === true;
}

/** An array of struct pollfd { int fd; short events; short revents }. */
function polled(pid: number, address: bigint, count: bigint): number[] | undefined {
  if (count > MAX_POLLED) return undefined;
  const memory = readMemory(pid, address, Number(count) * 8);
  if (memory === undefined) return undefined;
  const watched: number[] = [];
  for (let offset = 0; offset < memory.length; offset += 8) {
    const fd = memory.readInt32LE(offset);
    if (fd < 0) continue;
    // Waiting to write as well: something other than input can make it go on.
    if ((memory.readInt16LE(offset + 4) & POLLIN) === 0) return undefined;
    watched.push(fd);
  }
  return watched;
}

/** A bit set of descriptors below `count`. */
function selected(pid: number, count: bigint, address: bigint): number[] | undefined {
  const memory = readMemory(pid, address, Math.ceil(Number(count) / 8));
  const watched: number[] = [];
  memory?.forEach((byte, index) => {
    for (let bit = 0; bit < 8; bit++) if ((byte >> bit) & 1) watched.push(index * 8 + bit);
  });
  return memory === undefined ? undefined : watched.filter((fd) => fd < count);
}

/** The kernel lists what an epoll descriptor watches: `tfd: 0 events: 19 …`, events in hexadecimal. */
function epolled(pid: number, epoll: bigint): number[] | undefined {
  const text = readProcFile(pid, `fdinfo/${epoll}`);
  if (text === undefined) return undefined;
  const watched: number[] = [];
  for (const [, fd, events] of text.matchAll(/^tfd:\s*(\d+) events:\s*([0-9a-f]+)/gm)) {
    if ((parseInt(events ?? '0', 16) & POLLIN) !== 0) watched.push(Number(fd));
  }
  return watched;
}

/** Besides input only a runtime's own wake-ups may be watched: an eventfd, signals, a pipe or socket to itself. */
function pollWaits(
  pid: number,
  watched: readonly number[],
  isInput: (target: string) => boolean,
): ThreadWait {
  const targets = new Map(openDescriptors(pid).map(({ fd, target }) => [fd, target]));
  const holdsBothEnds = (pipe: string): boolean =>
    [...targets.values()].filter((one) => one === pipe).length > 1;
  const held = new Set(targets.values());
  let inputs = 0;
  for (const fd of watched) {
    const target = targets.get(fd) ?? '';
    if (isInput(target)) inputs++;
    else if (target === 'anon_inode:[eventfd]' || target === 'anon_inode:[signalfd]') continue;
    else if (target.startsWith('pipe:') && holdsBothEnds(target)) continue;
    else if (!isSocketToItself(pid, target, held)) return 'busy';
  }
  if (inputs === 0) return 'idle';
  // A poll that watches nothing else is a read by another name.
  return inputs === watched.length ? 'reads input' : 'polls input';
}

/**
 * One end of a socketpair(2) whose other end the process holds as well, as the loops of Python and Rust use them to
 * wake themselves. The kernel numbers the two ends one after the other, and tells no peer without a netlink query.
 */
function isSocketToItself(pid: number, target: string, held: ReadonlySet<string>): boolean {
  const [, digits] = /^socket:\[(\d+)\]$/.exec(target) ?? [];
  if (digits === undefined) return false;
  const inodes = [-1, 1].map((step) => Number(digits) + step);
  const pairs = inodes.filter((inode) => held.has(`socket:[${inode}]`));
  if (pairs.length === 0) return false;
  // Columns: address, references, protocol, flags, type, state (03: connected), inode, and a path if it has a name.
  const unix = readProcFile(pid, 'net/unix') ?? '';
  const isUnnamedPair = (inode: number | string): boolean =>
    new RegExp(`^\\S+ \\S+ \\S+ \\S+ \\S+ 03 +${inode}$`, 'm').test(unix);
  return isUnnamedPair(digits) && pairs.some(isUnnamedPair);
}

function readMemory(pid: number, address: bigint, bytes: number): Buffer | undefined {
  let file: number | undefined;
  try {
    file = openSync(`/proc/${pid}/mem`, 'r');
    const memory = Buffer.alloc(bytes);
    return readSync(file, memory, 0, bytes, address) === bytes ? memory : undefined;
  } catch {
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
