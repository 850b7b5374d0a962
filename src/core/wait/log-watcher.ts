import { LineAssembler, type Line } from '../output/line-assembler.ts';
import { lineHeads } from '../output/line-starts.ts';
import type { ManagedProcess } from '../process/managed-process.ts';
import type { OutputBuffer, Segment } from '../output/output-buffer.ts';
import type { Pattern } from '../output/pattern.ts';
import type { PatternMatch, StreamFilter, StreamName } from '../types.ts';
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
  /** Offset to begin at, not beyond the end; retained output from there on is looked at first. */
  from: number;
  /** A line that began before `from` counts as a whole too, where what matches ends after it. */
  wholeLines?: boolean | undefined;
  /** Lines that are not to be matched; asked once for each, and for an unfinished one whenever it grows. */
  ignores?: ((text: string, complete: boolean) => boolean) | undefined;
}

/** An unfinished line up to this long is matched anew whenever it grows. */
const EAGER_PARTIAL_BYTES = 1024;
/** A longer one when it has grown by a quarter, or this much later: matching stays linear in what arrives. */
const PARTIAL_DELAY_MS = 20;
/** History is looked at in slices, so that a hit near its start does not pay for the rest. */
const HISTORY_SLICE_BYTES = 65_536;

/** What of a piece of an over-long line may be the beginning of a match in the next, in characters. */
const OVERLAP_CHARS = 1024;

/**
 * Settles on the first line that contains a pattern, in the same turn of the event loop in which its bytes arrive.
 * Each byte is split into lines and matched once; an unfinished last line (a prompt) counts as well.
 */
export function logCondition(process: ManagedProcess, watch: LogWatch): Arm<LogHit> {
  return (settle) => {
    const scan = new LogScan(watch, settle);
    scanHistory(scan, process.buffer, watch);
    const removeOutput = process.outputArrived.add((segment) => {
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

function scanHistory(scan: LogScan, buffer: OutputBuffer, { from, wholeLines }: LogWatch): void {
  if (wholeLines === true) scan.begin(lineHeads(buffer, from));
  let offset = Math.max(from, buffer.start);
  const scanTo = (end: number): void => {
    while (offset < end && !scan.done) {
      const to = Math.min(offset + HISTORY_SLICE_BYTES, end);
      for (const segment of buffer.segments(offset, to)) scan.push(segment);
      offset = to;
    }
    scan.matchPartials(true);
  };
  for (const border of buffer.borders(offset + 1, buffer.end + 1)) {
    scanTo(border.offset);
    scan.beginRun();
  }
  scanTo(buffer.end);
}

/** A text to match, in which only matches that end after `beyond` are new. */
interface Candidate {
  text: string;
  beyond?: number;
}

class LogScan {
  done = false;
  readonly #watch: LogWatch;
  readonly #settle: (hit: LogHit) => void;
  #lines: LineAssembler;
  /** How far the unfinished line of each stream had been matched. */
  readonly #matchedTo = new Map<StreamName, number>();
  /** What each stream's line held where the watch began. */
  readonly #heads = new Map<StreamName, string>();
  /** End of the piece before, where an over-long line goes on. */
  readonly #pieces = new Map<StreamName, string>();
  #timer: NodeJS.Timeout | undefined;

  constructor(watch: LogWatch, settle: (hit: LogHit) => void) {
    this.#watch = watch;
    this.#settle = settle;
    this.#lines = this.#assembler();
  }

  /** Takes the beginnings of lines that go on where the watch begins; they are not matched by themselves. */
  begin(heads: readonly Segment[]): void {
    for (const segment of heads) this.#lines.push(segment);
    for (const line of this.#lines.partials()) this.#heads.set(line.stream, line.text);
  }

  /** An unfinished line of the run before ends here. */
  beginRun(): void {
    this.#lines = this.#assembler();
    this.#pieces.clear();
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

  stop(): void {
    this.done = true;
    clearTimeout(this.#timer);
  }

  #assembler(): LineAssembler {
    return new LineAssembler({ stream: this.#watch.stream }, (line) => {
      this.#match(line);
      if (line.complete) this.#pieces.delete(line.stream);
      else this.#pieces.set(line.stream, line.text.slice(-OVERLAP_CHARS));
    });
  }

  #match(line: Line): void {
    const { pattern, failurePattern, ignores, from } = this.#watch;
    if (this.done || line.to <= from) return;
    if (ignores?.(line.text, line.complete) === true) return;
    const candidates = this.#candidates(line);
    const hit = firstMatch(pattern, candidates);
    const found = hit ?? firstMatch(failurePattern, candidates);
    if (!found) return;
    this.stop();
    const { stream, to: cursor } = line;
    this.#settle({ outcome: hit ? 'matched' : 'failed', ...found, stream, cursor });
  }

  #candidates({ stream, from, text }: Line): Candidate[] {
    const piece = this.#pieces.get(stream);
    if (piece !== undefined) return [{ text: piece + text, beyond: piece.length }];
    const head = from < this.#watch.from ? this.#heads.get(stream) : undefined;
    // What a redraw leaves is new as a whole.
    if (head === undefined || !text.startsWith(head)) return [{ text }];
    return [{ text: text.slice(head.length) }, { text, beyond: head.length }];
  }
}

function firstMatch(
  pattern: Pattern | undefined,
  candidates: readonly Candidate[],
): Pick<LogHit, 'line' | 'groups' | 'named'> | undefined {
  for (const { text, beyond } of candidates) {
    const hit = pattern?.exec(text, beyond);
    if (hit) return { line: text, ...hit };
  }
  return undefined;
}
