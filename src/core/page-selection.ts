import type { PageLine } from './page-lines.ts';
import type { Pattern } from './pattern.ts';

/** A line on its way into a page. */
export interface SelectedLine extends PageLine {
  /** Which line of the range, or which hit, it belongs to: counts from 1. A border belongs to what follows it. */
  ordinal: number;
  /** False for the neighbours of a hit. */
  hit: boolean;
}

/** What a search found, kept up while its lines are taken. */
export interface Tally {
  matches: number;
  /** Where an unfinished line begins that is last of all and does not match yet. */
  undecidedFrom?: number;
}

/** All lines, numbered. */
export function* everyLine(lines: Iterable<PageLine>): Generator<SelectedLine> {
  let ordinal = 1;
  for (const line of lines) {
    yield { ...line, ordinal, hit: true };
    if (line.stream !== undefined && line.last) ordinal++;
  }
}

/** Lines that match, each with its neighbours, and `--` between groups that are not adjacent. */
export function* matchingLines(
  lines: Iterable<PageLine>,
  pattern: Pattern,
  context: number,
  tally: Tally,
): Generator<SelectedLine> {
  const before: PageLine[] = [];
  let after = 0;
  let skipped = false;
  let newest = 0;
  for (const line of lines) {
    if (line.stream === undefined) continue;
    if (pattern.test(line.text)) {
      const ordinal = ++tally.matches;
      const first = before[0] ?? line;
      if (skipped && context > 0 && ordinal > 1) yield { ...separator(first), ordinal, hit: false };
      for (const neighbour of before.splice(0)) yield { ...neighbour, ordinal, hit: false };
      yield { ...line, ordinal, hit: true };
      after = context;
      skipped = false;
    } else if (after > 0) {
      after--;
      yield { ...line, ordinal: tally.matches, hit: false };
    } else {
      before.push(line);
      if (before.length > context) {
        before.shift();
        skipped = true;
      }
    }
    if (line.last && !line.complete && line.from >= newest && !pattern.test(line.text))
      tally.undecidedFrom = line.from;
    newest = Math.max(newest, line.to);
  }
}

function separator({ from, at }: PageLine): PageLine {
  return { from, to: from, at, text: '--', complete: true, last: true, continues: false, pendingBytes: 0 };
}
