import type { OutputEvent } from '../wire.ts';
import { drawLine, hasControls, PLAIN, styleAfter, type Style } from './ansi.ts';

export type StreamName = 'stdout' | 'stderr';

export interface LogLine {
  /** `mark` is a line of the page's own: a run's border, a gap. */
  kind: StreamName | 'mark';
  /** When its last byte so far was printed, in milliseconds since the epoch. */
  at: number;
  /** Text with its control sequences, without the line end. */
  raw: string;
  /** The style in force where it begins. */
  start: Style;
  /** Text as it is shown. */
  text: string;
}

/** Lines held by the page; beyond it the oldest tenth goes. The server keeps more than a person scrolls through. */
export const MAX_LINES = 50_000;
/** Characters of one line; the rest of a longer one is not held. */
const MAX_LINE_CHARS = 20_000;

/** A line that is drawn over and over keeps only its last drawing from this length on, in characters. */
const REDRAWN_CHARS = 4000;

interface Writer {
  decoder: TextDecoder;
  /** The line that has no end yet. */
  open?: LogLine;
  style: Style;
}

/** Turns live output into lines. A line keeps its stream: two that print at the same time never mix in one line. */
export class LineStore {
  readonly lines: LogLine[] = [];
  /** How many lines went because there were too many. */
  dropped = 0;
  /** Counts up at each change. */
  version = 0;
  #changedFrom = 0;
  #writers: Record<StreamName, Writer> = newWriters();

  /** The first line that is new or different since the last call. */
  takeChanged(): number {
    const from = Math.min(this.#changedFrom, this.lines.length);
    this.#changedFrom = this.lines.length;
    return from;
  }

  push({ stream, at, bytes }: OutputEvent): void {
    const writer = this.#writers[stream];
    const pieces = writer.decoder.decode(bytes, { stream: true }).split('\n');
    pieces.forEach((piece, index) => {
      const ended = index < pieces.length - 1;
      if (piece !== '' || ended) this.#write(writer, stream, at, piece, ended);
    });
    this.#trim();
    this.version++;
  }

  /** A line of the page's own. What was begun before it is over. */
  mark(text: string, at: number): void {
    this.#writers = newWriters();
    this.#add({ kind: 'mark', at, raw: text, start: PLAIN, text });
    this.#trim();
    this.version++;
  }

  clear(): void {
    this.lines.length = 0;
    this.dropped = 0;
    this.#changedFrom = 0;
    this.#writers = newWriters();
    this.version++;
  }

  #write(writer: Writer, stream: StreamName, at: number, piece: string, ended: boolean): void {
    let line = writer.open;
    if (line === undefined) {
      line = { kind: stream, at, raw: '', start: writer.style, text: '' };
      this.#add(line);
      writer.open = line;
    } else this.#changedFrom = Math.min(this.#changedFrom, this.lines.lastIndexOf(line));
    line.at = at;
    append(line, piece);
    if (ended) {
      // A line end of two characters is one line end, and no redraw.
      if (line.raw.endsWith('\r')) line.raw = line.raw.slice(0, -1);
      writer.style = styleAfter(line.raw, line.start);
      delete writer.open;
    }
    line.text = hasControls(line.raw)
      ? drawLine(line.raw, line.start)
          .map((span) => span.text)
          .join('')
      : line.raw;
  }

  #add(line: LogLine): void {
    this.#changedFrom = Math.min(this.#changedFrom, this.lines.length);
    this.lines.push(line);
  }

  #trim(): void {
    if (this.lines.length <= MAX_LINES) return;
    const surplus = this.lines.length - Math.floor(MAX_LINES * 0.9);
    this.lines.splice(0, surplus);
    this.dropped += surplus;
    this.#changedFrom = 0;
  }
}

function append(line: LogLine, piece: string): void {
  line.raw += piece;
  const redraw = line.raw.length > REDRAWN_CHARS ? line.raw.lastIndexOf('\r', line.raw.length - 2) : -1;
  if (redraw > 0) {
    line.start = styleAfter(line.raw.slice(0, redraw), line.start);
    line.raw = line.raw.slice(redraw + 1);
  }
  line.raw = line.raw.slice(0, MAX_LINE_CHARS);
}

function newWriters(): Record<StreamName, Writer> {
  const writer = (): Writer => ({ decoder: new TextDecoder(), style: PLAIN });
  return { stdout: writer(), stderr: writer() };
}
