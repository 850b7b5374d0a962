import type { LifeEvent, Process } from '../wire.ts';

/** One run of one process, as the timeline shows it. Times in milliseconds since the epoch. */
export interface RunRecord {
  id: string;
  run: number;
  start: number;
  ready?: number;
  end?: number;
  status: string;
}

/** Runs remembered by the page; the oldest goes first. */
const MAX_RUNS = 400;
/** The event of a start and the listing tell its time this closely, in milliseconds. */
const SAME_START_MS = 1000;
/** Samples kept of a process's processor time: two minutes at one every two seconds. */
const MAX_SAMPLES = 60;

/** What the page has seen happen. Immutable from outside: each change makes a new list. */
export class History {
  #runs = new Map<string, RunRecord>();
  readonly #samples = new Map<string, number[]>();

  get runs(): readonly RunRecord[] {
    return [...this.#runs.values()];
  }

  cpuSamples(id: string): readonly number[] {
    return [...(this.#samples.get(id) ?? [])];
  }

  /** Takes over what a listing tells; it is right about the present runs. */
  observe(processes: readonly Process[]): void {
    for (const { id, run, status, started_at, ended_at, cpu_percent } of processes) {
      const key = `${id}#${run}`;
      const start = Date.parse(started_at);
      if (Math.abs((this.#runs.get(key)?.start ?? start) - start) > SAME_START_MS) this.#setAside(key, start);
      const known = this.#runs.get(key);
      this.#runs.set(key, {
        ...{ id, run, start, status },
        ...(known?.ready !== undefined && { ready: known.ready }),
        ...(ended_at !== undefined && { end: Date.parse(ended_at) }),
      });
      this.#endEarlier(id, run, start);
      const samples = this.#samples.get(id) ?? [];
      samples.push(cpu_percent);
      if (samples.length > MAX_SAMPLES) samples.shift();
      this.#samples.set(id, samples);
    }
    this.#bound();
  }

  record({ type, id, run, at, status }: LifeEvent): void {
    const key = `${id}#${run}`;
    const known = this.#runs.get(key);
    if (type === 'started') this.#runs.set(key, { ...{ id, run, start: at, status: 'running' }, ...known });
    else if (known === undefined) return;
    else if (type === 'removed') this.#setAside(key, at);
    else if (type === 'ready') this.#runs.set(key, { ...known, ready: known.ready ?? at });
    else this.#runs.set(key, { ...known, end: known.end ?? at, status: status ?? known.status });
  }

  /** Keeps what a forgotten process, or one of an earlier server, did: the next of its name counts from 1 again. */
  #setAside(key: string, at: number): void {
    const record = this.#runs.get(key);
    if (record === undefined) return;
    this.#runs.delete(key);
    const status = record.status === 'running' ? 'killed' : record.status;
    this.#runs.set(`${key}@${record.start}`, { ...record, end: record.end ?? at, status });
  }

  /** A run whose end was missed, while the page was away, ended before the next began. */
  #endEarlier(id: string, run: number, start: number): void {
    for (const [key, record] of this.#runs) {
      if (record.id !== id || record.run >= run) continue;
      if (record.end === undefined) this.#runs.set(key, { ...record, end: start });
      if (record.status === 'running')
        this.#runs.set(key, { ...record, end: record.end ?? start, status: 'killed' });
    }
  }

  #bound(): void {
    for (const key of this.#runs.keys()) {
      if (this.#runs.size <= MAX_RUNS) return;
      this.#runs.delete(key);
    }
  }
}
