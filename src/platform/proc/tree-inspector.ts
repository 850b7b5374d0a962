import { uptime } from 'node:os';
import { portsOf } from '../../core/listeners.ts';
import type { Listener, TreeInspection } from '../../core/runner.ts';
import { awaitsInput } from './awaiting-input.ts';
import { listenersOf } from './port-owner.ts';
import {
  describeProcess,
  openDescriptors,
  residentBytes,
  TICKS_PER_SECOND,
  type ProcStat,
} from './proc-fs.ts';
import type { ProcessTable } from './process-table.ts';

/** Ticks are 10 ms: a shorter stretch would make a rate of a few ticks. */
const SHORTEST_STRETCH_MS = 250;

/** Looks up the facts of one tree; keeps what it needs to tell a rate from one look to the next. */
export class TreeInspector {
  readonly #cpu = new CpuMeter();
  readonly #table: ProcessTable;
  readonly #stdin: string | undefined;
  #foundStdin: string | undefined;

  /**
   * `stdin` is what the tree's standard input refers to, such as `socket:[123]`; without it, it is whichever pipe this
   * very process holds the other end of.
   */
  constructor(table: ProcessTable, stdin?: string) {
    this.#table = table;
    this.#stdin = stdin;
  }

  /** `members` are alive, oldest first. */
  async inspect(members: readonly ProcStat[], leader: number): Promise<TreeInspection> {
    return {
      descendants: members.filter(({ pid }) => pid !== leader).map(describeProcess),
      memoryBytes: members.reduce((sum, { pid }) => sum + residentBytes(pid), 0),
      cpuPercent: this.#cpu.percent(members),
      awaitingInput: this.awaitingInput(members),
      ports: portsOf(await this.listeners(members)),
    };
  }

  listeners(members: readonly ProcStat[]): Promise<Listener[]> {
    return listenersOf(
      members.map(({ pid }) => pid),
      () => this.#table.listening(),
    );
  }

  awaitingInput(members: readonly ProcStat[]): boolean {
    let held: Set<string> | undefined;
    const isInput = (target: string): boolean => {
      if (/^\/dev\/(pts\/\d+|tty\w*|console)$/.test(target)) return true;
      if (this.#stdin !== undefined || !target.startsWith('pipe:')) return target === this.#stdin;
      // A pipe of ours stays ours; reading all descriptors again costs as much as there are processes.
      if (target === this.#foundStdin) return true;
      held ??= new Set(openDescriptors(process.pid).map((descriptor) => descriptor.target));
      if (!held.has(target)) return false;
      this.#foundStdin = target;
      return true;
    };
    // A stopped child, such as the program under a debugger, does nothing until it is told to.
    const parents = new Set(members.filter(({ state }) => !/[Tt]/.test(state)).map(({ ppid }) => ppid));
    return members.some((member) => awaitsInput(member, { isInput, hasChildren: parents.has(member.pid) }));
  }
}

/** Share of one CPU, in percent: since the last look if that is long enough ago, else over the members' whole lives. */
class CpuMeter {
  #at = 0;
  #ticks = new Map<string, number>();
  #last: number | undefined;

  percent(members: readonly ProcStat[]): number {
    const now = performance.now();
    const elapsedMs = now - this.#at;
    if (this.#at !== 0 && elapsedMs < SHORTEST_STRETCH_MS) return this.#last ?? lifetimePercent(members);
    const ticks = new Map(members.map((stat) => [`${stat.pid} ${stat.startTicks}`, stat.cpuTicks]));
    // A member that is new since the last look has used all its time since then.
    let used = 0;
    for (const [identity, count] of ticks) used += count - (this.#ticks.get(identity) ?? 0);
    const percent =
      this.#at === 0 ? lifetimePercent(members) : round((used / TICKS_PER_SECOND / (elapsedMs / 1000)) * 100);
    this.#at = now;
    this.#ticks = ticks;
    this.#last = percent;
    return percent;
  }
}

function lifetimePercent(members: readonly ProcStat[]): number {
  const now = uptime();
  let percent = 0;
  for (const { cpuTicks, startTicks } of members) {
    const livedSeconds = Math.max(now - startTicks / TICKS_PER_SECOND, 1 / TICKS_PER_SECOND);
    percent += (cpuTicks / TICKS_PER_SECOND / livedSeconds) * 100;
  }
  return round(percent);
}

function round(percent: number): number {
  return Math.round(percent * 10) / 10;
}
