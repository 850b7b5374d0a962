import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { ProcessBrief } from '../../core/types.ts';

/** Clock ticks a second in /proc: USER_HZ, 100 on every architecture that Node runs on. */
export const TICKS_PER_SECOND = 100;
const COMMAND_CHARACTERS = 200;

/** One process as /proc/PID/stat tells it. */
export interface ProcStat {
  pid: number;
  /** File name of the program, cut to 15 characters by the kernel. */
  comm: string;
  /** One letter: R, S, D, T, Z … */
  state: string;
  ppid: number;
  pgrp: number;
  session: number;
  /** User and system time used, in ticks. */
  cpuTicks: number;
  /** Start in ticks since boot: with the pid, this names one process for good, though pids come round again. */
  startTicks: number;
}

/** What tells a process from a later one with the same pid. */
export interface ProcessIdentity {
  pid: number;
  startTicks: number;
}

/** True where processes can be seen through /proc, and under the pids that they have here: it may be of another namespace. */
export function hasProcFs(): boolean {
  if (process.platform !== 'linux') return false;
  try {
    return readlinkSync('/proc/self') === `${process.pid}`;
  } catch {
    return false;
  }
}

/** Undefined once the process is gone. Zombies are still there: see isAlive. */
export function readStat(pid: number): ProcStat | undefined {
  const text = readProcFile(pid, 'stat');
  return text === undefined ? undefined : parseStat(text);
}

/** A zombie has ended: only its exit status is left for its parent. */
export function isAlive(stat: ProcStat | undefined): stat is ProcStat {
  return stat !== undefined && stat.state !== 'Z' && stat.state !== 'X';
}

/** Whether this very process, and not a later one with its pid, is alive. */
export function isSameProcessAlive({ pid, startTicks }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  return isAlive(stat) && stat.startTicks === startTicks;
}

/** Parses a line of /proc/PID/stat. The program name stands in parentheses and may hold both spaces and parentheses. */
export function parseStat(text: string): ProcStat | undefined {
  const open = text.indexOf('(');
  const close = text.lastIndexOf(')');
  if (open < 0 || close < open) return undefined;
  // Field 3 (state) is the first after the name.
  const fields = text.slice(close + 2).split(' ');
  const field = (number: number): number => Number(fields[number - 3]);
  return {
    pid: Number(text.slice(0, open)),
    comm: text.slice(open + 1, close),
    state: fields[0] ?? '',
    ppid: field(4),
    pgrp: field(5),
    session: field(6),
    cpuTicks: field(14) + field(15),
    startTicks: field(22),
  };
}

/** All pids at this moment; those of other PID namespaces are not among them. */
export function listPids(): number[] {
  const pids: number[] = [];
  for (const name of readdirSync('/proc')) {
    const first = name.charCodeAt(0);
    if (first >= 0x30 && first <= 0x39) pids.push(Number(name));
  }
  return pids;
}

/** Every process that is alive, by pid. One look costs about 15 µs a process. */
export function readProcesses(): Map<number, ProcStat> {
  const processes = new Map<number, ProcStat>();
  for (const pid of listPids()) {
    const stat = readStat(pid);
    if (isAlive(stat)) processes.set(pid, stat);
  }
  return processes;
}

/** The processes below `roots`, which are not among them, by parent links only. */
export function descendantsOf(roots: Iterable<number>, processes: ReadonlyMap<number, ProcStat>): ProcStat[] {
  const children = new Map<number, ProcStat[]>();
  for (const stat of processes.values()) {
    const siblings = children.get(stat.ppid);
    if (siblings === undefined) children.set(stat.ppid, [stat]);
    else siblings.push(stat);
  }
  const seen = new Set(roots);
  const pending = [...seen];
  const found: ProcStat[] = [];
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    for (const child of children.get(pid) ?? []) {
      if (seen.has(child.pid)) continue;
      seen.add(child.pid);
      found.push(child);
      pending.push(child.pid);
    }
  }
  return found;
}

/**
 * Descendants from the kernel's own lists of children, at a cost that grows with the tree and not with the machine.
 * Undefined where the kernel keeps no such lists (CONFIG_PROC_CHILDREN).
 */
export function listDescendants(root: number): ProcStat[] | undefined {
  const found = new Map<number, ProcStat>();
  const pending = [root];
  for (let pid = pending.pop(); pid !== undefined; pid = pending.pop()) {
    for (const child of childPids(pid)) {
      const stat = readStat(child);
      if (found.has(child) || !isAlive(stat)) continue;
      found.set(child, stat);
      pending.push(child);
    }
  }
  return found.size === 0 && readProcFile(root, `task/${root}/children`) === undefined
    ? undefined
    : [...found.values()];
}

/** Children of every thread of a process; none where the kernel keeps no list. */
export function childPids(pid: number): number[] {
  const children: number[] = [];
  for (const thread of threadIds(pid)) {
    const text = readProcFile(pid, `task/${thread}/children`) ?? '';
    for (const child of text.split(' ')) if (child !== '') children.push(Number(child));
  }
  return children;
}

export function threadIds(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number);
  } catch {
    return [];
  }
}

/** A process as people recognise it: its command line, else its name in brackets, cut to 200 characters. */
export function describeProcess(stat: ProcStat): ProcessBrief {
  const line = (readProcFile(stat.pid, 'cmdline') ?? '').replace(/\0+$/, '').replaceAll('\0', ' ').trim();
  return { pid: stat.pid, command: line === '' ? `[${stat.comm}]` : line.slice(0, COMMAND_CHARACTERS) };
}

/** Resident memory. From the text file, whose unit is kB: pages, as stat counts them, differ in size between machines. */
export function residentBytes(pid: number): number {
  const [, kilobytes = '0'] = /^VmRSS:\s*(\d+) kB/m.exec(readProcFile(pid, 'status') ?? '') ?? [];
  return Number(kilobytes) * 1024;
}

/** A variable of the environment a process was started with; undefined where it may not be read. */
export function environmentValue(pid: number, name: string): string | undefined {
  const prefix = `${name}=`;
  const entry = readProcFile(pid, 'environ')
    ?.split('\0')
    .find((line) => line.startsWith(prefix));
  return entry?.slice(prefix.length);
}

/** Open descriptors with what each refers to, such as `socket:[123]`. Empty where it may not be seen. */
export function openDescriptors(pid: number): { fd: number; target: string }[] {
  let names: string[];
  try {
    names = readdirSync(`/proc/${pid}/fd`);
  } catch {
    return [];
  }
  const descriptors: { fd: number; target: string }[] = [];
  for (const name of names) {
    const target = descriptorTarget(pid, Number(name));
    if (target !== undefined) descriptors.push({ fd: Number(name), target });
  }
  return descriptors;
}

export function descriptorTarget(pid: number, fd: number): string | undefined {
  return readProcLink(pid, `fd/${fd}`);
}

/** Path of the program a process runs; undefined where it may not be seen. */
export function programOf(pid: number): string | undefined {
  return readProcLink(pid, 'exe');
}

function readProcLink(pid: number, name: string): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/${name}`);
  } catch {
    return undefined;
  }
}

/** A small file of a process; undefined when the process has vanished or may not be read. */
export function readProcFile(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return undefined;
  }
}
