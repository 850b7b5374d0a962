import type { Line } from './line-assembler.ts';
import { beginAt, linesBegun } from './line-starts.ts';
import type { OutputBuffer } from './output-buffer.ts';
import { pageLines, type LineRange, type PageLine } from './page-lines.ts';
import type { Pattern } from './pattern.ts';
import type { StreamName } from '../types.ts';

/** A line that a search has looked at. */
export interface SearchedLine extends PageLine {
  stream: StreamName;
  hit: boolean;
}

/**
 * The lines that end in the range, matched whole even where they began before it. Where such a beginning is a hit by
 * itself, who read up to here has been shown it: only what follows is shown.
 *
 * @param hitsOnly Finished lines that are no hits may be left out.
 */
export function* searchedLines(
  buffer: OutputBuffer,
  range: LineRange,
  pattern: Pattern,
  hitsOnly: boolean,
): Generator<SearchedLine> {
  const starts = linesBegun(buffer, range);
  const isBegun = ({ stream, from }: Pick<Line, 'stream' | 'from'>): boolean =>
    starts[stream] < range.from && from < range.from;
  const only = (line: Line): boolean => isBegun(line) || pattern.test(line.text);
  for (const line of pageLines(buffer, { ...range, ...beginAt(starts), ...(hitsOnly && { only }) })) {
    const { stream } = line;
    if (stream === undefined) continue;
    const whole = { ...line, stream };
    const searched = isBegun(whole)
      ? continued(buffer, range, whole, starts[stream], pattern)
      : { ...whole, hit: pattern.test(line.text) };
    if (searched !== undefined) yield searched;
  }
}

/** A line begun before the range, or what is new of it; undefined where nothing is. */
function continued(
  buffer: OutputBuffer,
  range: LineRange,
  line: Omit<SearchedLine, 'hit'>,
  start: number,
  pattern: Pattern,
): SearchedLine | undefined {
  const own = range.raw ? range : { ...range, stream: line.stream };
  const rest = firstLine(pageLines(buffer, { ...own, to: line.to }));
  if (rest === undefined) return undefined;
  // Some cursors stand where a program's answer begins behind its prompt.
  const hit = pattern.test(line.text) || pattern.test(rest.text);
  const head = firstLine(pageLines(buffer, { ...own, from: start, to: range.from, ended: false }));
  if (head === undefined || !pattern.test(head.text)) return { ...line, hit };
  return rest.text === '' ? undefined : { ...line, from: rest.from, text: rest.text, hit };
}

function firstLine(lines: Iterable<PageLine>): PageLine | undefined {
  for (const line of lines) if (line.stream !== undefined) return line;
  return undefined;
}
