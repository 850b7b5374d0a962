import { TREE_MARKER } from './child-env.ts';
import {
  descendantsOf,
  environmentHas,
  isSameProcessAlive,
  readProcesses,
  readStat,
  type ProcessIdentity,
  type ProcStat,
} from './proc-fs.ts';

export interface TreeOptions {
  /** The first member; it began a session of its own. */
  leader: number;
  /** A process outside the tree that adopts whatever of it is orphaned, while there is one. */
  supervisor?: number;
  /** Value of the tree marker that members carry in their environment, for those whose parent has died. */
  marker: string | undefined;
}

/**
 * Which processes make up a tree, found through /proc. Membership is remembered by pid and start time, so a process
 * seen once stays known when its parent dies and it is adopted elsewhere. A process that left through setsid and a
 * double fork, and cleared its environment, between two looks cannot be found: only a supervisor holds such.
 */
export class TreeMembers {
  readonly #marker: string | undefined;
  readonly #leader: ProcessIdentity;
  readonly #supervisor: ProcessIdentity | undefined;
  readonly #known = new Map<number, number>();
  /** Processes whose environment lacks the marker: read once each, since that is the costly part of a look. */
  #strangers = new Map<number, number>();

  constructor(options: TreeOptions) {
    this.#marker = options.marker;
    this.#leader = identify(options.leader);
    this.#supervisor = options.supervisor === undefined ? undefined : identify(options.supervisor);
    this.#known.set(this.#leader.pid, this.#leader.startTicks);
  }

  /**
   * The members alive now, oldest first. `thorough` also searches the environment of every process on the machine,
   * which a living supervisor makes unnecessary.
   */
  look(thorough: boolean, processes: ReadonlyMap<number, ProcStat> = readProcesses()): ProcStat[] {
    const found = new Map<number, ProcStat>();
    for (const [pid, startTicks] of this.#known) {
      const stat = processes.get(pid);
      if (stat?.startTicks === startTicks) found.set(pid, stat);
    }
    if (thorough) for (const stat of this.#marked(processes, found)) found.set(stat.pid, stat);
    const roots = new Set(found.keys());
    const supervisor = this.#supervisor;
    if (supervisor !== undefined && processes.get(supervisor.pid)?.startTicks === supervisor.startTicks) {
      roots.add(supervisor.pid);
    }
    for (const stat of descendantsOf(roots, processes)) found.set(stat.pid, stat);
    found.delete(process.pid);

    this.#known.clear();
    for (const { pid, startTicks } of found.values()) this.#known.set(pid, startTicks);
    return [...found.values()].sort((a, b) => a.startTicks - b.startTicks || a.pid - b.pid);
  }

  /**
   * Signals these members: those in the leader's process group with one call, which a fork cannot slip past, the
   * others one by one unless their pid has passed to another process.
   */
  signalAll(members: readonly ProcStat[], signal: string): void {
    const group = this.#leader.pid;
    if (members.some(({ pgrp }) => pgrp === group)) tryKill(-group, signal);
    for (const member of members) {
      if (member.pgrp !== group && isSameProcessAlive(member)) tryKill(member.pid, signal);
    }
  }

  /** Members by session (the leader begins one) or by environment. */
  *#marked(
    processes: ReadonlyMap<number, ProcStat>,
    found: ReadonlyMap<number, ProcStat>,
  ): Generator<ProcStat> {
    const { pid: session, startTicks: born } = this.#leader;
    const marker = this.#marker;
    const holder = processes.get(session);
    // The number of a session is not given out again while the session has members.
    const ownsSession = holder === undefined || holder.startTicks === born;
    const strangers = new Map<number, number>();
    for (const stat of processes.values()) {
      if (found.has(stat.pid) || stat.startTicks < born) continue;
      if (ownsSession && stat.session === session) yield stat;
      else if (marker === undefined || this.#strangers.get(stat.pid) === stat.startTicks) {
        strangers.set(stat.pid, stat.startTicks);
      } else if (environmentHas(stat.pid, TREE_MARKER, marker)) yield stat;
      else strangers.set(stat.pid, stat.startTicks);
    }
    this.#strangers = strangers;
  }
}

/** A process that has ended already has no start time to go by; no process has this one. */
function identify(pid: number): ProcessIdentity {
  return { pid, startTicks: readStat(pid)?.startTicks ?? -1 };
}

/** A process that is gone, or that may not be signalled, shows in the next look. */
function tryKill(pid: number, signal: string): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM')))
      throw error;
  }
}
