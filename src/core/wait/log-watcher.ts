import { LineAssembler, type Line } from '../output/line-assembler.ts';
import type { ManagedProcess } from '../process/managed-process.ts';
import type { Segment } from '../output/output-buffer.ts';
import type { Pattern } from '../output/pattern.ts';
import type { PatternMatch, StreamFilter } from '../types.ts';
import type { Arm } from './wait.ts';

export interface LogHit extends PatternMatch {
  outcome: 'matched' | 'failed';
  /** Offset just after what matched: where to read or wait on from. */
  cursor: number;
}

export interface LogWatch {
  pattern?: Pattern | undefined;
  failurePattern?: Pattern | undefined;
  stream: StreamFilter;
  /** Offset to begin at; retained output from there on is looked at first. */
  from: number;
  /** Lines that are not to be matched; asked once for each, and for an unfinished one whenever it grows. */
  ignores?: ((text: string, complete: boolean) => boolean) | undefined;
}

/** An unfinished line up to this long is matched anew whenever it grows. */
const EAGER_PARTIAL_BYTES = 1024;
/** A longer one when it has grown by a quarter, or this much later: matching stays linear in what arrives. */
const PARTIAL_DELAY_MS = 20;
/** History is looked at in slices, so that a hit near its start does not pay for the rest. */
const HISTORY_SLICE_BYTES = 65_536;

/**
 * Settles on the first line that contains a pattern, in the same turn of the event loop in which its bytes arrive.
 * Each byte is split into lines and matched once; an unfinished last line (a prompt) counts as well.
 */
export function logCondition(process: ManagedProcess, watch: LogWatch): Arm<LogHit> {
  return (settle) => {
    const scan = new LogScan(watch, settle);
    for (let from = Math.max(watch.from, process.buffer.start); from < process.buffer.end && !scan.done;) {
      const to = Math.min(from + HISTORY_SLICE_BYTES, process.buffer.end);
      for (const segment of process.buffer.segments(from, to)) scan.push(segment);
      from = to;
    }
    scan.matchPartials(true);
    const removeOutput = process.outputArrived.add((segment) => {
      if (segment.from + segment.bytes.length <= watch.from) return;
      scan.push(segment);
      scan.matchPartials(false);
    });
    const removeEnd = process.leaderEnded.add(() => {
      scan.matchPartials(true);
    });
    return () => {
      removeOutput();
      removeEnd();
      scan.stop();
    };
  };
}

class LogScan {
  done = false;
  readonly #watch: LogWatch;
  readonly #settle: (hit: LogHit) => void;
  readonly #lines: LineAssembler;
  /** How far the unfinished line of each stream had been matched. */
  readonly #matchedTo = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(watch: LogWatch, settle: (hit: LogHit) => void) {
    this.#watch = watch;
    this.#settle = settle;
    this.#lines = new LineAssembler({ stream: watch.stream }, (line) => {
      this.#match(line);
    });
  }

  push(segment: Segment): void {
    if (!this.done) this.#lines.push(segment);
  }

  matchPartials(force: boolean): void {
    if (this.done) return;
    for (const line of this.#lines.partials()) {
      const before = this.#matchedTo.get(line.stream) ?? 0;
      const length = line.to - line.from;
      const grown = line.to - Math.max(before, line.from);
      if (grown <= 0) continue;
      if (force || length <= EAGER_PARTIAL_BYTES || grown * 4 >= length) {
        this.#matchedTo.set(line.stream, line.to);
        this.#match(line);
      } else {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.matchPartials(true);
        }, PARTIAL_DELAY_MS);
      }
    }
  }

  #match(line: Line): void {
    if (this.done) return;
    const { pattern, failurePattern, ignores } = this.#watch;
    if (ignores?.(line.text, line.complete) === true) return;
    const hit = pattern?.exec(line.text);
    const failure = hit ? null : failurePattern?.exec(line.text);
    const found = hit ?? failure;
    if (!found) return;
    this.stop();
    this.#settle({
      outcome: hit ? 'matched' : 'failed',
      line: line.text,
      ...found,
      stream: line.stream,
      cursor: line.to,
    });
  }

  stop(): void {
    this.done = true;
    clearTimeout(this.#timer);
  }
}
