import {
  descendantsOf,
  isSameProcessAlive,
  listDescendants,
  readStat,
  type ProcessIdentity,
  type ProcStat,
} from './proc-fs.ts';
import type { ProcessTable } from './process-table.ts';

export interface TreeOptions {
  /** The first member; it began a session of its own. */
  leader: number;
  /** A process outside the tree that adopts whatever of it is orphaned, while there is one. */
  supervisor?: number;
  /** Value of the tree marker that members carry in their environment, for those whose parent has died. */
  marker: string | undefined;
  table: ProcessTable;
}

/**
 * Which processes make up a tree, found through /proc. Membership is remembered by pid and start time, so a process
 * seen once stays known when its parent dies and it is adopted elsewhere. A process that left through setsid and a
 * double fork, and cleared its environment, between two looks cannot be found: only a supervisor holds such.
 */
export class TreeMembers {
  readonly #marker: string | undefined;
  readonly #table: ProcessTable;
  readonly #leader: ProcessIdentity;
  readonly #supervisor: ProcessIdentity | undefined;
  readonly #known = new Map<number, number>();

  constructor(options: TreeOptions) {
    this.#marker = options.marker;
    this.#table = options.table;
    this.#leader = identify(options.leader);
    this.#supervisor = options.supervisor === undefined ? undefined : identify(options.supervisor);
    this.#known.set(this.#leader.pid, this.#leader.startTicks);
  }

  /** The members alive now, oldest first. */
  look(): ProcStat[] {
    const held = this.#underSupervisor();
    const found = new Map((held ?? this.#search()).map((stat) => [stat.pid, stat]));
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

  /** Whatever loses its parent becomes the supervisor's child: while it lives, parent links alone are complete. */
  #underSupervisor(): ProcStat[] | undefined {
    const supervisor = this.#supervisor;
    return supervisor !== undefined && isSameProcessAlive(supervisor)
      ? (listDescendants(supervisor.pid) ?? descendantsOf([supervisor.pid], this.#table.processes()))
      : undefined;
  }

  /** What is known from before, what shares the leader's session or the tree's marker, and what descends from these. */
  #search(): ProcStat[] {
    const processes = this.#table.processes();
    const { pid: session, startTicks: born } = this.#leader;
    const holder = processes.get(session);
    // The number of a session is not given out again while the session has members.
    const ownsSession = holder === undefined || holder.startTicks === born;
    const found: ProcStat[] = [];
    for (const stat of processes.values()) {
      const isMember =
        this.#known.get(stat.pid) === stat.startTicks ||
        (stat.startTicks >= born &&
          ((ownsSession && stat.session === session) ||
            (this.#marker !== undefined && this.#table.marker(stat) === this.#marker)));
      if (isMember) found.push(stat);
    }
    return [
      ...found,
      ...descendantsOf(
        found.map(({ pid }) => pid),
        processes,
      ),
    ];
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
