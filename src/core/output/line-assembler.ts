import { cleanLine, decode, splitCharacter, splitPoint } from './clean-text.ts';
import type { Segment } from './output-buffer.ts';
import type { StreamFilter, StreamName } from '../types.ts';

export interface Line {
  stream: StreamName;
  /** Absolute offset of its first byte. */
  from: number;
  /** Offset just after its newline, or after its last byte where it has none yet. */
  to: number;
  /** Arrival of its last byte, milliseconds since the epoch. */
  at: number;
  /** Without its newline. */
  text: string;
  /** False for an unfinished line and for the pieces of an over-long one before its last. */
  complete: boolean;
}

export interface LineOptions {
  stream: StreamFilter;
  /** Longest unfinished line held, in bytes; 64 KiB by default. */
  maxLineBytes?: number;
  /** Lines of the merged bytes as they came, decoded as UTF-8, not cleaned, and reported as stdout. */
  raw?: boolean;
}

const DEFAULT_MAX_LINE_BYTES = 65_536;
const INITIAL_BYTES = 256;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
/** What makes a chunk more than lines of ASCII; without it, text and bytes have the same offsets. */
const NOT_PLAIN = /[^\t\n\x20-\x7e]/;

/**
 * Turns segments into lines, each stream's on its own, as their newlines arrive. An over-long line is handed out in
 * pieces, `complete: false` up to the last; if it redraws itself with `\r`, its earlier frames are dropped instead, so
 * that an hour of a progress bar is still one line.
 */
export class LineAssembler {
  readonly #filter: StreamFilter;
  readonly #maxLineBytes: number;
  readonly #raw: boolean;
  readonly #onLine: (line: Line) => void;
  readonly #unfinished: Record<StreamName, Unfinished>;

  constructor(options: LineOptions, onLine: (line: Line) => void) {
    this.#filter = options.stream;
    this.#maxLineBytes = options.maxLineBytes ?? DEFAULT_MAX_LINE_BYTES;
    this.#raw = options.raw ?? false;
    this.#onLine = onLine;
    const stdout = new Unfinished('stdout');
    this.#unfinished = { stdout, stderr: this.#raw ? stdout : new Unfinished('stderr') };
  }

  /** Bytes of the other stream's unfinished line. */
  pendingBeside(stream: StreamName): number {
    const { stdout, stderr } = this.#unfinished;
    if (stdout === stderr) return 0;
    return stream === 'stdout' ? stderr.length : stdout.length;
  }

  /** Takes the next bytes; `onLine` is called for each line that they complete, before this returns. */
  push(segment: Segment): void {
    if (this.#filter !== 'both' && segment.stream !== this.#filter) return;
    const bytes = Buffer.from(segment.bytes.buffer, segment.bytes.byteOffset, segment.bytes.length);
    const latin1 = bytes.toString('latin1');
    const plain = NOT_PLAIN.test(latin1) ? undefined : latin1;
    const unfinished = this.#unfinished[segment.stream];
    let start = 0;
    for (;;) {
      const newline = plain === undefined ? bytes.indexOf(NEWLINE, start) : plain.indexOf('\n', start);
      if (newline === -1) break;
      const to = segment.from + newline + 1;
      if (unfinished.length === 0 && newline - start <= this.#maxLineBytes) {
        const text =
          plain === undefined ? this.#text(bytes.subarray(start, newline)) : plain.slice(start, newline);
        const { from, at } = segment;
        this.#onLine({ stream: unfinished.stream, from: from + start, to, at, text, complete: true });
      } else {
        this.#hold(unfinished, segment, bytes.subarray(start, newline), start);
        const text = this.#text(unfinished.bytes);
        this.#onLine({
          stream: unfinished.stream,
          from: unfinished.takeFrom(),
          to,
          at: segment.at,
          text,
          complete: true,
        });
      }
      start = newline + 1;
    }
    if (start < bytes.length) this.#hold(unfinished, segment, bytes.subarray(start), start);
  }

  /**
   * The unfinished last line of each stream that has one. A character or an escape sequence cut off at its end is not
   * in its text yet, unless nothing follows any more. The text is made when it is first asked for, which must be before
   * the next push.
   */
  partials(ended = false): Line[] {
    const { stdout, stderr } = this.#unfinished;
    return (stderr === stdout ? [stdout] : [stdout, stderr])
      .filter(({ length }) => length > 0)
      .sort((one, other) => one.from - other.from)
      .map(
        (unfinished) =>
          new PartialLine(unfinished, (bytes) => (ended ? this.#text(bytes) : this.#heldBack(bytes))),
      );
  }

  #heldBack(bytes: Uint8Array): string {
    return this.#text(bytes.subarray(0, this.#split(bytes)));
  }

  #text(bytes: Uint8Array): string {
    return this.#raw ? decode(bytes) : cleanLine(bytes);
  }

  #split(bytes: Uint8Array): number {
    return this.#raw ? splitCharacter(bytes) : splitPoint(bytes);
  }

  /** Adds bytes without a newline to the unfinished line, handing out pieces where it gets too long. */
  #hold(unfinished: Unfinished, segment: Segment, bytes: Uint8Array, start: number): void {
    const end = segment.from + start + bytes.length;
    let rest = bytes;
    while (unfinished.length + rest.length > this.#maxLineBytes) {
      const room = Math.max(0, this.#maxLineBytes - unfinished.length);
      unfinished.add(rest.subarray(0, room), end - rest.length, segment);
      rest = rest.subarray(room);
      if (!this.#raw && unfinished.dropFrames()) continue;
      const { stream, from } = unfinished;
      const split = this.#split(unfinished.bytes);
      if (split === 0) {
        // A character or escape sequence longer than a piece is held until it can be shown, or ends.
        if (rest.length === 0) break;
        unfinished.add(rest.subarray(0, 1), end - rest.length, segment);
        rest = rest.subarray(1);
        continue;
      }
      const text = this.#text(unfinished.bytes.subarray(0, split));
      const to = end - rest.length;
      // What is held back (a split character) lies before `to` and is shown with the next piece.
      unfinished.dropFirst(split, to);
      this.#onLine({ stream, from, to, at: segment.at, text, complete: false });
    }
    unfinished.add(rest, end - rest.length, segment);
  }
}

/** The bytes of a line whose newline has not come. */
class Unfinished {
  readonly stream: StreamName;
  from = 0;
  to = 0;
  at = 0;
  length = 0;
  #bytes = Buffer.alloc(0);

  constructor(stream: StreamName) {
    this.stream = stream;
  }

  /** A view, valid until the next change. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  add(bytes: Uint8Array, from: number, segment: Segment): void {
    if (bytes.length === 0) return;
    if (this.length === 0) this.from = from;
    if (this.length + bytes.length > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(INITIAL_BYTES, (this.length + bytes.length) * 2));
      grown.set(this.bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
    this.to = from + bytes.length;
    this.at = segment.at;
  }

  /** Empties it and tells where it began. */
  takeFrom(): number {
    this.length = 0;
    return this.from;
  }

  dropFirst(count: number, from: number): void {
    this.#bytes.copyWithin(0, count, this.length);
    this.length -= count;
    this.from = from;
  }

  /** Drops what `\r` redraws, keeping about half; false where there is no redraw to drop. */
  dropFrames(): boolean {
    const { bytes } = this;
    // A return at the very end may yet be half of a line end.
    let last = this.length - 1;
    while (last >= 0 && bytes[last] === RETURN) last--;
    const first = bytes.indexOf(RETURN, this.length >> 1);
    const frame = first !== -1 && first < last ? first : bytes.lastIndexOf(RETURN, last);
    if (frame <= 0) return false;
    this.dropFirst(frame, this.from);
    return true;
  }
}

class PartialLine implements Line {
  readonly stream: StreamName;
  readonly from: number;
  readonly to: number;
  readonly at: number;
  readonly complete = false;
  readonly #bytes: Uint8Array;
  readonly #clean: (bytes: Uint8Array) => string;
  #text: string | undefined;

  constructor(unfinished: Unfinished, clean: (bytes: Uint8Array) => string) {
    this.stream = unfinished.stream;
    this.from = unfinished.from;
    this.to = unfinished.to;
    this.at = unfinished.at;
    this.#bytes = unfinished.bytes;
    this.#clean = clean;
  }

  get text(): string {
    return (this.#text ??= this.#clean(this.#bytes));
  }
}
