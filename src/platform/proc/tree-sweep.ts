import { setTimeout as delay } from 'node:timers/promises';
import type { Termination } from '../../core/runner.ts';
import type { ProcStat } from './proc-fs.ts';
import type { TreeMembers } from './tree-members.ts';

/** Time SIGKILL is repeated for before those still alive are reported as survivors. */
const KILL_PHASE_MS = 3000;
/** A process that forks while it is killed leaves a gap of one look: two empty ones in a row end the sweep. */
const EMPTY_LOOKS = 2;
const LOOK_EVERY_MS = 10;

/**
 * Ends a tree without a supervisor: the signal to every member, SIGKILL after the grace, repeated until two looks find
 * nobody. Weaker than waiting for one's own children, and honest about it: whoever is left is a survivor.
 */
export class TreeSweep {
  readonly #members: TreeMembers;
  readonly #seen = new Map<string, ProcStat>();
  #deadline = Infinity;
  #result: Promise<Termination> | undefined;

  constructor(members: TreeMembers) {
    this.#members = members;
  }

  /** A second call while one is under way only brings the end of the grace forward, and shares the result. */
  run(signal: string, graceMs: number): Promise<Termination> {
    this.#deadline = Math.min(this.#deadline, performance.now() + (signal === 'SIGKILL' ? 0 : graceMs));
    this.#result ??= this.#sweep(signal);
    return this.#result;
  }

  async #sweep(signal: string): Promise<Termination> {
    const first = this.#look();
    this.#members.signalAll(first, signal);
    // A stopped process acts on no signal but SIGKILL until it goes on.
    this.#members.signalAll(first, 'SIGCONT');
    let emptyLooks = 0;
    let alive: ProcStat[] = [];
    while (emptyLooks < EMPTY_LOOKS && performance.now() < this.#deadline + KILL_PHASE_MS) {
      alive = this.#look();
      emptyLooks = alive.length === 0 ? emptyLooks + 1 : 0;
      const killing = performance.now() >= this.#deadline;
      if (killing) this.#members.signalAll(alive, 'SIGKILL');
      await delay(killing && alive.length > 0 ? 1 : LOOK_EVERY_MS);
    }
    const survivors = emptyLooks < EMPTY_LOOKS ? alive.map(({ pid }) => pid) : [];
    const killed = [...this.#seen.values()].map(({ pid }) => pid).filter((pid) => !survivors.includes(pid));
    return { killed, survivors };
  }

  #look(): ProcStat[] {
    const members = this.#members.look();
    for (const member of members) this.#seen.set(`${member.pid} ${member.startTicks}`, member);
    return members;
  }
}
