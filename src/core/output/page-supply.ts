import { cutAround } from './line-cut.ts';
import { lineStart } from './line-starts.ts';
import type { OutputBuffer } from './output-buffer.ts';
import { besideText, lineCost, type Budget, type Supply } from './page-fill.ts';
import { pageLines, type LineRange } from './page-lines.ts';
import { searchedLines } from './page-search.ts';
import { everyLine, matchingLines, type SelectedLine, type Tally } from './page-selection.ts';
import type { Pattern } from './pattern.ts';

export interface Search {
  pattern: Pattern;
  context: number;
}

/** A hit that a page cannot hold is cut to a part of the page, which is not less than this many bytes if it can be. */
const LEAST_CUT_BYTES = 300;

/** All lines of the range. */
export function allLines(buffer: OutputBuffer, range: LineRange): Supply {
  return {
    lines: everyLine(pageLines(buffer, range)),
    begun: (last) =>
      [...pageLines(buffer, { ...range, to: last.to, ended: false })]
        .filter((line) => isCutInTwo(line, last))
        .map((line) => ({ ...line, ordinal: last.ordinal, until: last.ordinal, hit: true })),
    mostBegun: Infinity,
    searching: false,
  };
}

/** The hits of the range with their neighbours, those that no page could hold cut. */
export function hits(
  buffer: OutputBuffer,
  range: LineRange,
  { pattern, context }: Search,
  budget: Budget,
  tally: Tally,
): Supply {
  // A quarter is kept for the beginning of a hit that the page may end in.
  const quarter = budget.bytes >> 2;
  const most = budget.bytes - quarter - besideText(budget);
  const cut = (line: SelectedLine, maxBytes: number): SelectedLine => {
    const match = (line.hit ? pattern.find(line.text) : null) ?? [0, 0];
    const text = cutAround(line.text, match, Math.max(1, maxBytes), line.from);
    return { ...line, text, complete: true, continues: false };
  };
  function* fitting(): Generator<SelectedLine> {
    const lines = searchedLines(buffer, range, pattern, context === 0);
    for (const line of matchingLines(lines, { context, to: range.to }, tally)) {
      const fits = lineCost(line, budget) <= most;
      yield fits ? line : cut(line, Math.min(most - besideText(budget), Math.max(quarter, LEAST_CUT_BYTES)));
    }
  }
  return {
    lines: fitting(),
    begun: (last) => {
      const other = last.stream === 'stdout' ? 'stderr' : 'stdout';
      const from = Math.max(range.from, lineStart(buffer, last.to, other));
      const near = { ...range, from, to: last.to, ended: false };
      return [...searchedLines(buffer, near, pattern, true)]
        .filter((line) => line.hit && isCutInTwo(line, last))
        .map((line) => ({ ...line, ordinal: last.ordinal, until: last.ordinal }))
        .map((line) => (Buffer.byteLength(line.text) <= quarter ? line : cut(line, quarter)));
    },
    mostBegun: quarter,
    searching: true,
  };
}

/** Whether a page that ends after `last` ends within this line of the other stream. */
function isCutInTwo(
  line: Pick<SelectedLine, 'stream' | 'to' | 'last' | 'complete'>,
  last: SelectedLine,
): boolean {
  return line.last && !line.complete && line.stream !== last.stream && line.to === last.to;
}
