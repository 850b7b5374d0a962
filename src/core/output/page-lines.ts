import { splitCharacter, splitPoint } from './clean-text.ts';
import { LineAssembler, type Line } from './line-assembler.ts';
import type { OutputBuffer, RunBorder, Segment } from './output-buffer.ts';
import type { StreamFilter, StreamName } from '../types.ts';

/** What a page is made from: a range of the merged output, and how its lines are to be made. */
export interface LineRange {
  from: number;
  to: number;
  stream: StreamFilter;
  raw: boolean;
  /** Offset from which each stream counts, where one must begin later than `from`. */
  starts?: Record<StreamName, number>;
  /** Whether a border exactly at `from` belongs to the range: it does when the reader came from the run before. */
  borderAtStart: boolean;
  maxLineBytes?: number;
  /** No more is printed after the end of the range: what is cut off there stays so. */
  ended?: boolean;
  /** Finished lines that are not wanted are left out early: most of the cost of a search that needs no neighbours. */
  only?: (line: Line) => boolean;
}

/** One line, or piece of an over-long line, of a page; or the border of a run, which has no stream. */
export interface PageLine {
  stream?: StreamName;
  from: number;
  to: number;
  at: number;
  text: string;
  /** Ended by a newline. */
  complete: boolean;
  /** Nothing more of this line follows in the range. */
  last: boolean;
  /** Goes on with the line of the piece before. */
  continues: boolean;
  /** Bytes of the other stream's line that lie before `to` and end after it. */
  pendingBytes: number;
}

const NEWLINE = 0x0a;
/** Lines are made in slices of this size, so that a page that is full soon does not pay for the rest. */
const SLICE_BYTES = 65_536;
/** Short pieces are asked for by pages that hold only some of them. */
const LINES_PER_SLICE = 16;
/** How far before a cursor the beginning of a split character or escape sequence is looked for. */
const CARRY_BYTES = 4096;

/** The lines of the range in order of completion, unfinished ones last, with the borders of runs between them. */
export function* pageLines(buffer: OutputBuffer, range: LineRange): Generator<PageLine> {
  let from = range.from;
  for (const border of shownBorders(buffer, range)) {
    yield* linesOfRun(buffer, { ...range, from, to: border.offset, ended: true });
    yield borderLine(border);
    from = border.offset;
  }
  yield* linesOfRun(buffer, { ...range, from });
}

/** Runs that printed nothing leave no border: of several at one offset only the last is shown. */
function shownBorders(buffer: OutputBuffer, { from, to, borderAtStart }: LineRange): RunBorder[] {
  return buffer
    .borders(from, to)
    .filter(({ run, offset }) => run > 1 && (borderAtStart || offset > from))
    .filter(({ offset }, index, all) => all[index + 1]?.offset !== offset);
}

/** The line that stands between runs; `at` in milliseconds since the epoch. */
export function borderText(run: number, at: number): string {
  return `--- run ${run} started ${new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')} ---`;
}

function borderLine({ run, offset, at }: RunBorder): PageLine {
  const text = borderText(run, at);
  const place = { from: offset, to: offset, at };
  return { ...place, text, complete: true, last: true, continues: false, pendingBytes: 0 };
}

function* linesOfRun(buffer: OutputBuffer, range: LineRange): Generator<PageLine> {
  const { from, to, stream, raw, maxLineBytes, starts, only } = range;
  if (from >= to) return;
  const continuing = { stdout: false, stderr: false };
  let lines: PageLine[] = [];
  const add = (line: Line, last: boolean, pendingBytes: number): void => {
    const { stream: name, at, text, complete } = line;
    const continues = continuing[name];
    lines.push({
      stream: name,
      from: line.from,
      to: line.to,
      at,
      text,
      complete,
      last,
      continues,
      pendingBytes,
    });
    continuing[name] = !last;
  };
  const assembler = new LineAssembler({ stream, raw, ...(maxLineBytes && { maxLineBytes }) }, (line) => {
    if (only !== undefined && line.complete && !only(line)) continuing[line.stream] = false;
    else add(line, line.complete, assembler.pendingBeside(line.stream));
  });
  for (const segment of carried(buffer, range)) assembler.push(segment);
  const slice = Math.min(SLICE_BYTES, (maxLineBytes ?? SLICE_BYTES) * LINES_PER_SLICE);
  for (let offset = from; offset < to; offset += slice) {
    const end = Math.min(offset + slice, to);
    const segments = starts ? buffer.segmentsFrom(starts, offset, end) : buffer.segments(offset, end);
    for (const segment of segments) assembler.push(segment);
    yield* lines;
    lines = [];
  }
  const partials = assembler.partials(range.ended).filter(({ text }) => text !== '');
  for (const [index, partial] of partials.entries()) {
    // Only after the last of them everything up to the end has been shown.
    const pendingBytes = index === partials.length - 1 ? 0 : Infinity;
    add(
      { stream: partial.stream, from: partial.from, to, at: partial.at, text: partial.text, complete: false },
      true,
      pendingBytes,
    );
  }
  yield* lines;
}

/**
 * The beginnings of characters and escape sequences that were cut off, and so not shown, where the range begins. They
 * are shown together with their ends.
 */
function carried(buffer: OutputBuffer, { from, stream, raw, starts }: LineRange): Segment[] {
  const streams: StreamFilter[] = raw ? [stream] : stream === 'both' ? ['stdout', 'stderr'] : [stream];
  return streams.flatMap((name) => {
    const offset = name === 'both' ? from : Math.max(from, starts?.[name] ?? 0);
    const floor = Math.max(offset - CARRY_BYTES, buffer.borders(0, offset + 1).at(-1)?.offset ?? 0);
    const before = [...buffer.segments(floor, offset)].filter(
      (segment) => name === 'both' || segment.stream === name,
    );
    const bytes = Buffer.concat(before.map((segment) => segment.bytes));
    const line = bytes.subarray(bytes.lastIndexOf(NEWLINE) + 1);
    const rest = line.subarray(raw ? splitCharacter(line) : splitPoint(line));
    const last = before.at(-1);
    return last === undefined || rest.length === 0
      ? []
      : [{ ...last, from: offset - rest.length, bytes: rest }];
  });
}
