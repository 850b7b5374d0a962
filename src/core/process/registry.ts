import { ProcessError } from '../errors.ts';
import type { Limits } from '../limits.ts';
import type { ManagedProcess } from './managed-process.ts';

/** What an ended record keeps of its output while others have more: enough for the last lines of it. */
const LAST_WORDS_BYTES = 4096;
/** The last words of all ended records together take at most this share of the total budget. */
const LAST_WORDS_SHARE = 1 / 4;
/** Least share of a ring that is taken at once: what stays is copied each time, and arrivals may be small. */
const LEAST_TAKEN = 1 / 8;

/** All processes known to this server, by id: the live ones, and the last ended ones with their output. */
export class Registry {
  readonly #processes = new Map<string, ManagedProcess>();
  readonly #limits: Pick<Limits, 'keepEnded' | 'totalRingBytes' | 'ringBytes'>;
  /** Ids that are being handed over to their next run, with by how many callers. */
  readonly #handovers = new Map<string, number>();
  #retainedBytes = 0;

  constructor(limits: Pick<Limits, 'keepEnded' | 'totalRingBytes' | 'ringBytes'>) {
    this.#limits = limits;
  }

  has(id: string): boolean {
    return this.#processes.has(id);
  }

  find(id: string): ManagedProcess | undefined {
    return this.#processes.get(id);
  }

  /** Throws PROCESS_NOT_FOUND with the ids that exist. */
  get(id: string): ManagedProcess {
    const process = this.#processes.get(id);
    if (process) return process;
    const ids = [...this.#processes.keys()];
    const shown = ids.slice(0, 20).join(', ') + (ids.length > 20 ? `, and ${ids.length - 20} more` : '');
    throw new ProcessError('PROCESS_NOT_FOUND', `No process has the id ${JSON.stringify(id.slice(0, 80))}.`, {
      hint:
        ids.length > 0
          ? `Ids that exist: ${shown}.`
          : 'There are no processes yet: start one with run_background.',
      details: { ids },
    });
  }

  /** In order of their first start. */
  all(): ManagedProcess[] {
    return [...this.#processes.values()];
  }

  live(): ManagedProcess[] {
    return this.all().filter((process) => process.live);
  }

  /** Ended processes, the longest ended first. */
  ended(): ManagedProcess[] {
    return this.all()
      .filter((process) => !process.live)
      .sort((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
  }

  add(process: ManagedProcess): void {
    this.#processes.set(process.id, process);
  }

  remove(process: ManagedProcess): void {
    if (this.#processes.get(process.id) !== process) return;
    this.#processes.delete(process.id);
    this.#retainedBytes -= process.buffer.retainedBytes;
  }

  /** Keeps the record of an id whose tree is ended for its next run, until the returned function is called. */
  hold(id: string): () => void {
    this.#handovers.set(id, (this.#handovers.get(id) ?? 0) + 1);
    return () => {
      const left = (this.#handovers.get(id) ?? 0) - 1;
      if (left > 0) this.#handovers.set(id, left);
      else this.#handovers.delete(id);
    };
  }

  /** Ended records that are kept no longer: those for one run only, and the longest ended beyond the limit. */
  surplus(): ManagedProcess[] {
    const ended = this.ended().filter(({ id }) => !this.#handovers.has(id));
    const brief = ended.filter(({ spec }) => spec.autoCleanup);
    const lasting = ended.filter(({ spec }) => !spec.autoCleanup);
    return [...brief, ...lasting.slice(0, Math.max(0, lasting.length - this.#limits.keepEnded))];
  }

  /** Accounts for output that changed a ring by `delta` bytes and keeps all rings together within the total budget. */
  chargeOutput(delta: number): void {
    this.#retainedBytes += delta;
    if (this.#retainedBytes > this.#limits.totalRingBytes) this.#squeeze();
  }

  /** Takes the excess from the longest ended first, then halves the largest ring; what goes is told as dropped bytes. */
  #squeeze(): void {
    const total = this.#limits.totalRingBytes;
    const ended = this.ended();
    const lastWords = Math.min(LAST_WORDS_BYTES, (total * LAST_WORDS_SHARE) / ended.length);
    for (const process of ended) {
      const excess = this.#retainedBytes - total;
      if (excess <= 0) return;
      const { retainedBytes } = process.buffer;
      const left = Math.min(retainedBytes - excess, retainedBytes * (1 - LEAST_TAKEN));
      if (retainedBytes > lastWords) this.#resize(process, Math.max(lastWords, left));
    }
    while (this.#retainedBytes > total) {
      const largest = this.all().reduce((a, b) => (b.buffer.retainedBytes > a.buffer.retainedBytes ? b : a));
      // Each ring keeps its last byte: there are more of them than the budget has bytes.
      if (largest.buffer.retainedBytes <= 1) return;
      this.#resize(largest, largest.buffer.retainedBytes / 2);
    }
  }

  #resize(process: ManagedProcess, capacity: number): void {
    const before = process.buffer.retainedBytes;
    process.buffer.setCapacity(capacity);
    this.#retainedBytes += process.buffer.retainedBytes - before;
  }
}
