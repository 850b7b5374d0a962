import type { ManagedProcess } from '../process/managed-process.ts';
import type { RunBorder, Segment } from './output-buffer.ts';
import type { OutputEvent, ServiceEvent } from '../types.ts';

/** Largest piece of output in one event, in bytes. */
const MAX_EVENT_BYTES = 65_536;
/** Exits that a stalled reader is still told of, as many as the ring keeps borders between runs. */
const MAX_PENDING_EXITS = 1000;

type ExitEvent = Extract<OutputEvent, { type: 'exit' }>;

export interface FollowOptions {
  /** Offset of the first byte wanted, not beyond the end. */
  from: number;
  /** False once the record has been removed. */
  isKept: () => boolean;
  /** Tells every event of this id until the returned function is called. */
  subscribe: (listener: (event: ServiceEvent) => void) => () => void;
  signal?: AbortSignal;
}

/**
 * The output from an offset on, as it comes. It is read from the ring whenever the reader asks, so nothing is queued for
 * a slow one: what is evicted meanwhile becomes a gap.
 */
export async function* followOutput(
  process: ManagedProcess,
  { from, isKept, subscribe, signal }: FollowOptions,
): AsyncGenerator<OutputEvent, void, undefined> {
  const reader = new OutputReader(process, from);
  let wake = (): void => undefined;
  const unsubscribe = subscribe((event) => {
    if (event.type === 'exited') reader.noteExit();
    wake();
  });
  const onAbort = (): void => {
    wake();
  };
  signal?.addEventListener('abort', onAbort);
  try {
    while (signal?.aborted !== true) {
      const event = reader.next();
      if (event !== undefined) yield event;
      else if (!isKept()) return;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    unsubscribe();
    signal?.removeEventListener('abort', onAbort);
  }
}

/** One reader's place in a process's output. */
class OutputReader {
  readonly #process: ManagedProcess;
  /** Ends of runs not told yet, in order. */
  readonly #exits: ExitEvent[] = [];
  #cursor: number;
  /** The run whose beginning was told last, or lies before where the reader began. */
  #toldRun: number;

  constructor(process: ManagedProcess, from: number) {
    this.#process = process;
    this.#cursor = from;
    this.#toldRun = process.buffer.borders(0, from).at(-1)?.run ?? 0;
    if (process.ended) this.noteExit();
  }

  /** Remembers how the current run ended, to be told after the bytes that are there now. */
  noteExit(): void {
    const { run, status, exit, endedAt, buffer } = this.#process;
    const at = endedAt ?? Date.now();
    this.#exits.push({ type: 'exit', run, to: buffer.end, at, status, ...(exit && { exit }) });
    if (this.#exits.length > MAX_PENDING_EXITS) this.#exits.shift();
  }

  /** What comes next, or undefined where nothing has come yet. */
  next(): OutputEvent | undefined {
    const { buffer } = this.#process;
    if (this.#cursor < buffer.start) {
      const gap = { from: this.#cursor, to: buffer.start, bytes: buffer.start - this.#cursor };
      this.#cursor = buffer.start;
      return { type: 'gap', ...gap };
    }
    const border = buffer.borders(0, Infinity).find(({ run }) => run > this.#toldRun);
    const [exit] = this.#exits;
    const exitFirst = exit !== undefined && (border === undefined || exit.run < border.run);
    if (exitFirst && exit.to <= this.#cursor) return this.#exits.shift();
    if (!exitFirst && border !== undefined && border.offset <= this.#cursor) return this.#begin(border);
    const stop = exitFirst ? exit.to : (border?.offset ?? Infinity);
    const [segment] = buffer.segments(this.#cursor, Math.min(stop, this.#cursor + MAX_EVENT_BYTES));
    return segment && this.#take(segment);
  }

  #begin({ run, offset, at }: RunBorder): OutputEvent {
    this.#toldRun = run;
    return { type: 'run', run, from: offset, at };
  }

  #take({ stream, from, at, bytes }: Segment): OutputEvent {
    this.#cursor = from + bytes.length;
    // The segment is a view of the ring, which the next arrival may overwrite.
    return { type: 'output', stream, from, at, bytes: Uint8Array.from(bytes) };
  }
}
