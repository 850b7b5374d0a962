import { countNewlines } from './count-newlines.ts';
import type { OutputBuffer, Segment } from './output-buffer.ts';
import { pageLines, type LineRange } from './page-lines.ts';
import type { StreamFilter, StreamName } from '../types.ts';

const NEWLINE = 0x0a;
/** Bytes looked at in one step, and the longest line that is followed back where the page asks for no more. */
const SLICE_BYTES = 65_536;
/** How far back the beginning of a line is looked for that another stream's output has followed. */
const MAX_BACK_BYTES = 1024 * 1024;

/** Where the end of a range begins, in each stream. */
export interface TailStart {
  starts: Record<StreamName, number>;
  /** It is in the middle of a line, too long to be followed back to its beginning. */
  cut: boolean;
}

/** Where the last `lines` lines of the range begin, or the end of a line of which a page shows at most `bytes`. */
export function tailStart(buffer: OutputBuffer, range: LineRange, lines: number, bytes = 0): TailStart {
  const { from, to, stream, raw } = range;
  const longest = Math.max(bytes, SLICE_BYTES);
  const newlines = newlinesBackward(buffer, from, to, stream, longest);
  let found = newlines.next();
  for (let passed = 0; !found.done && passed < lines; passed++) found = newlines.next();
  if (found.done) return { starts: { stdout: found.value, stderr: found.value }, cut: found.value > from };
  const start = found.value.offset + 1;
  const starts = { stdout: start, stderr: start };
  if (!raw && stream === 'both') {
    // The other stream may be in the middle of a line there.
    const other = found.value.stream === 'stdout' ? 'stderr' : 'stdout';
    const before = newlinesBackward(buffer, Math.max(from, start - longest), start, other, longest).next();
    starts[other] = before.done ? before.value : before.value.offset + 1;
  }
  return { starts, cut: false };
}

/** Newlines from the end on. Returns where it stopped: `from`, or earlier inside a line of more than `longest` bytes. */
function* newlinesBackward(
  buffer: OutputBuffer,
  from: number,
  to: number,
  stream: StreamFilter,
  longest: number,
): Generator<{ offset: number; stream: StreamName }, number> {
  let length = 0;
  for (let high = to; high > from; high -= SLICE_BYTES) {
    if (length > longest) return high;
    for (const segment of [...buffer.segments(Math.max(from, high - SLICE_BYTES), high)].reverse()) {
      if (stream !== 'both' && segment.stream !== stream) continue;
      for (let index = segment.bytes.length - 1; index >= 0; index--) {
        length++;
        if (segment.bytes[index] !== NEWLINE) continue;
        length = 0;
        yield { offset: segment.from + index, stream: segment.stream };
      }
    }
  }
  return from;
}

/** Where the line begins that each stream is in the middle of at the start of the range, which is meant otherwise. */
export function linesBegun(buffer: OutputBuffer, range: LineRange): Record<StreamName, number> {
  const { from, stream, raw } = range;
  if (raw || stream !== 'both') {
    const start = lineStart(buffer, from, stream);
    return { stdout: start, stderr: start };
  }
  return lineStarts(buffer, from);
}

function lineStarts(buffer: OutputBuffer, offset: number): Record<StreamName, number> {
  return { stdout: lineStart(buffer, offset, 'stdout'), stderr: lineStart(buffer, offset, 'stderr') };
}

/** Where the line begins that lies across an offset; the offset itself where there is none, or none so short or near. */
export function lineStart(buffer: OutputBuffer, to: number, stream: StreamFilter): number {
  const begin = Math.max(buffer.start, buffer.borders(0, to + 1).at(-1)?.offset ?? 0);
  const floor = Math.max(begin, to - MAX_BACK_BYTES);
  let start = to;
  let length = 0;
  for (let high = to; high > floor; high -= SLICE_BYTES) {
    for (const { from, bytes, ...segment } of [
      ...buffer.segments(Math.max(floor, high - SLICE_BYTES), high),
    ].reverse()) {
      if (stream !== 'both' && segment.stream !== stream) continue;
      const newline = bytes.lastIndexOf(NEWLINE);
      if (newline !== -1) return newline + 1 < bytes.length ? from + newline + 1 : start;
      start = from;
      length += bytes.length;
      if (length > SLICE_BYTES) return to;
    }
  }
  return floor === begin ? start : to;
}

/** What stands before the offset of lines that go on there, in order. */
export function lineHeads(buffer: OutputBuffer, offset: number): Segment[] {
  const { starts, from } = beginAt(lineStarts(buffer, offset));
  return [...buffer.segmentsFrom(starts, from, offset)];
}

/** Lines in the range, unfinished ones at its end included where they have text. */
export function countLines(buffer: OutputBuffer, range: LineRange): number {
  let count = 0;
  for (const segment of buffer.segments(range.from, range.to)) {
    if (range.stream === 'both' || segment.stream === range.stream) count += countNewlines(segment.bytes);
  }
  const { starts } = tailStart(buffer, range, 0);
  for (const line of pageLines(buffer, { ...range, ...beginAt(starts) })) {
    if (line.last && !line.complete) count++;
  }
  return count;
}

/** What makes a range begin at different offsets in each stream. */
export function beginAt(starts: Record<StreamName, number>): Required<Pick<LineRange, 'from' | 'starts'>> {
  return { from: Math.min(starts.stdout, starts.stderr), starts };
}
