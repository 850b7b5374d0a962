import { ApiError } from '../api.ts';
import { parseFields, toOutputEvent, toTime, type OutputEvent, type Process } from '../wire.ts';
import { isLive, sleep, type Store } from './store.ts';

/** Where a process's output goes to. */
export interface OutputSink {
  output(event: OutputEvent): void;
  /** Bytes that the server no longer had, or could not hand over in time. */
  gap(bytes: number): void;
  run(run: number, at: number): void;
  /** How it ended, in words. */
  exit(how: string, at: number): void;
  /** What came before was another server's: all begins anew. */
  reset(): void;
}

const RETRY_MS = 400;

/** Follows one process's output over broken connections and server restarts: every byte comes once. */
export class OutputFeed {
  readonly #store: Store;
  readonly #id: string;
  readonly #sink: OutputSink;
  readonly #stop = new AbortController();
  #lastId: string | undefined;
  #known: Process | undefined;

  constructor(store: Store, id: string, sink: OutputSink) {
    this.#store = store;
    this.#id = id;
    this.#sink = sink;
    void this.#follow();
  }

  close(): void {
    this.#stop.abort();
  }

  /** A function, since it changes during every await. */
  #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #follow(): Promise<void> {
    this.#known = this.#store.find(this.#id);
    while (!this.#stopped()) {
      try {
        await this.#read();
        await this.#nextRun();
      } catch (error) {
        if (this.#stopped()) return;
        // The server has never had this offset: it is not the one that gave it.
        if (error instanceof ApiError && error.status === 400) this.#startOver();
      }
      await sleep(RETRY_MS);
      if (!this.#stopped()) await this.#resume();
    }
  }

  async #read(): Promise<void> {
    for await (const { event, data, id } of this.#store.api.output(
      this.#id,
      this.#lastId,
      this.#stop.signal,
    )) {
      if (this.#stopped()) return;
      if (id !== undefined) this.#lastId = id;
      const fields = parseFields(data) ?? {};
      const number = (value: unknown): number => (typeof value === 'number' ? value : 0);
      if (event === 'output') this.#sink.output(toOutputEvent(fields));
      else if (event === 'gap') this.#sink.gap(number(fields.bytes));
      else if (event === 'run') this.#sink.run(number(fields.run), toTime(fields.at));
      else if (event === 'exit') this.#sink.exit(howEnded(fields), toTime(fields.at));
    }
  }

  /** A stream that ended in good order goes on when there is something to come. */
  async #nextRun(): Promise<void> {
    const seen = this.#store.find(this.#id)?.run;
    while (!this.#stopped()) {
      const process = this.#store.find(this.#id);
      if (process !== undefined && (process.run !== seen || isLive(process))) return;
      await sleep(RETRY_MS);
    }
  }

  async #resume(): Promise<void> {
    await this.#store.refresh().catch(() => undefined);
    const process = this.#store.find(this.#id);
    const known = this.#known;
    if (process === undefined) return;
    this.#known = process;
    const older = known !== undefined && process.run < known.run;
    const other = known?.run === process.run && known.started_at !== process.started_at;
    if (older || other) this.#startOver();
  }

  #startOver(): void {
    this.#lastId = undefined;
    this.#sink.reset();
  }
}

function howEnded({ status, exit_code, signal }: Readonly<Record<string, unknown>>): string {
  const how =
    typeof signal === 'string'
      ? ` by ${signal}`
      : typeof exit_code === 'number'
        ? ` with code ${exit_code}`
        : '';
  return `${typeof status === 'string' ? status : 'ended'}${how}`;
}
