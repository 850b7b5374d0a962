import type { OutputBuffer, Segment } from './output-buffer.ts';
import type { StreamName } from '../types.ts';

const NEWLINE = 0x0a;
/** How far back the beginning of a line is looked for. */
const MAX_HEAD_BYTES = 65_536;

/** What stands before the offset of lines that may go on there: each stream's bytes since its last newline, in order. */
export function lineHeads(buffer: OutputBuffer, offset: number): Segment[] {
  const run = buffer.borders(0, offset + 1).at(-1)?.offset ?? 0;
  const before = [...buffer.segments(Math.max(run, offset - MAX_HEAD_BYTES), offset)];
  const heads: Segment[] = [];
  const begun = new Set<StreamName>();
  for (const segment of before.reverse()) {
    const { stream, from, bytes } = segment;
    if (begun.has(stream)) continue;
    const start = bytes.lastIndexOf(NEWLINE) + 1;
    if (start > 0) begun.add(stream);
    if (start < bytes.length) heads.unshift({ ...segment, from: from + start, bytes: bytes.subarray(start) });
  }
  return heads;
}
