import { TREE_MARKER } from './child-env.ts';
import { listeningSockets, type ListeningSocket } from './port-owner.ts';
import { environmentValue, readProcesses, type ProcStat } from './proc-fs.ts';

/**
 * One picture of the machine's processes and sockets for all that look in the same turn of the event loop: a listing
 * of many trees costs one scan of /proc, not one each.
 */
export class ProcessTable {
  #processes: ReadonlyMap<number, ProcStat> | undefined;
  #listening: readonly ListeningSocket[] | undefined;
  #markers = new Map<number, { startTicks: number; marker: string | undefined }>();

  /** Every process alive, by pid. */
  processes(): ReadonlyMap<number, ProcStat> {
    if (this.#processes === undefined) {
      this.#forgetNextTurn();
      this.#processes = readProcesses();
      this.#forgetMarkers(this.#processes);
    }
    return this.#processes;
  }

  listening(): readonly ListeningSocket[] {
    if (this.#listening === undefined) {
      this.#forgetNextTurn();
      this.#listening = listeningSockets();
    }
    return this.#listening;
  }

  /** The tree marker a process was started with; read once a process, since environments are the costly part. */
  marker({ pid, startTicks }: ProcStat): string | undefined {
    const known = this.#markers.get(pid);
    if (known?.startTicks === startTicks) return known.marker;
    const marker = environmentValue(pid, TREE_MARKER);
    this.#markers.set(pid, { startTicks, marker });
    return marker;
  }

  #forgetNextTurn(): void {
    setImmediate(() => {
      this.#processes = undefined;
      this.#listening = undefined;
    });
  }

  #forgetMarkers(alive: ReadonlyMap<number, ProcStat>): void {
    for (const [pid, { startTicks }] of this.#markers) {
      if (alive.get(pid)?.startTicks !== startTicks) this.#markers.delete(pid);
    }
  }
}
