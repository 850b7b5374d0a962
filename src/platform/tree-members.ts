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
  /** The process whose descendants are the tree; it belongs to the tree itself unless it is a supervisor. */
  root: number;
  rootIsMember: boolean;
  /** Value of the tree marker that members carry in their environment, for those whose parent has died. */
  marker: string | undefined;
}

/**
 * Which processes make up a tree, found through /proc. Membership is remembered by pid and start time, so a process
 * seen once stays known when its parent dies and it is adopted elsewhere. A process that left through setsid and a
 * double fork, and cleared its environment, between two looks cannot be found: only a supervisor holds such.
 */
export class TreeMembers {
  readonly #options: TreeOptions;
  readonly #root: ProcessIdentity | undefined;
  readonly #known = new Map<number, number>();
  /** Processes whose environment lacks the marker: read once each, since that is the costly part of a look. */
  #strangers = new Map<number, number>();

  constructor(options: TreeOptions) {
    this.#options = options;
    this.#root = readStat(options.root);
    if (options.rootIsMember && this.#root !== undefined)
      this.#known.set(this.#root.pid, this.#root.startTicks);
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
    const roots = this.#rootOf(processes);
    for (const stat of descendantsOf([...roots, ...found.keys()], processes)) found.set(stat.pid, stat);
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
    const group = this.#options.rootIsMember ? this.#options.root : undefined;
    if (members.some(({ pgrp }) => pgrp === group)) tryKill(-this.#options.root, signal);
    for (const member of members) {
      if (member.pgrp !== group && isSameProcessAlive(member)) tryKill(member.pid, signal);
    }
  }

  #rootOf(processes: ReadonlyMap<number, ProcStat>): number[] {
    const stat = processes.get(this.#options.root);
    return stat !== undefined && stat.startTicks === this.#root?.startTicks ? [stat.pid] : [];
  }

  /** Members by session (the leader begins one) or by environment. */
  *#marked(
    processes: ReadonlyMap<number, ProcStat>,
    found: ReadonlyMap<number, ProcStat>,
  ): Generator<ProcStat> {
    const { root, rootIsMember, marker } = this.#options;
    const born = this.#root?.startTicks ?? 0;
    const holder = processes.get(root);
    // The number of a session is not given out again while the session has members.
    const ownsSession = rootIsMember && (holder === undefined || holder.startTicks === born);
    const strangers = new Map<number, number>();
    for (const stat of processes.values()) {
      if (found.has(stat.pid) || stat.startTicks < born) continue;
      if (ownsSession && stat.session === root) yield stat;
      else if (marker === undefined || this.#strangers.get(stat.pid) === stat.startTicks) {
        strangers.set(stat.pid, stat.startTicks);
      } else if (environmentHas(stat.pid, TREE_MARKER, marker)) yield stat;
      else strangers.set(stat.pid, stat.startTicks);
    }
    this.#strangers = strangers;
  }
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
