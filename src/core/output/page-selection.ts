import type { PageLine } from './page-lines.ts';
import type { Pattern } from './pattern.ts';

/** A line on its way into a page. */
export interface SelectedLine extends PageLine {
  /** Which line of the range, or which hit, it belongs to: counts from 1. A border belongs to what follows it. */
  ordinal: number;
  /** The last hit it belongs to, as a neighbour of two. */
  until: number;
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
    yield { ...line, ordinal, until: ordinal, hit: true };
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
  // The last lines that may yet turn out to stand before a hit; those that stand after one have its ordinal.
  const held: { line: PageLine; after: number | undefined }[] = [];
  let after = 0;
  let skipped = false;
  let newest = 0;
  for (const line of lines) {
    if (line.stream === undefined) continue;
    const hit = pattern.test(line.text);
    if (hit) {
      const ordinal = ++tally.matches;
      const until = ordinal;
      const first = held[0]?.line ?? line;
      if (skipped && context > 0 && ordinal > 1) yield { ...separator(first), ordinal, until, hit: false };
      for (const neighbour of held.splice(0)) {
        yield { ...neighbour.line, ordinal: neighbour.after ?? ordinal, until, hit: false };
      }
      yield { ...line, ordinal, until, hit: true };
      after = context;
      skipped = false;
    } else if (context === 0) {
      skipped = true;
    } else {
      held.push({ line, after: after-- > 0 ? tally.matches : undefined });
      const oldest = held.length > context ? held.shift() : undefined;
      if (oldest?.after !== undefined)
        yield { ...oldest.line, ordinal: oldest.after, until: oldest.after, hit: false };
      else if (oldest !== undefined) skipped = true;
    }
    if (!hit && line.last && !line.complete && line.from >= newest) tally.undecidedFrom = line.from;
    newest = Math.max(newest, line.to);
  }
  for (const { line, after: ordinal } of held) {
    if (ordinal !== undefined) yield { ...line, ordinal, until: ordinal, hit: false };
  }
}

function separator({ from, at }: PageLine): PageLine {
  return { from, to: from, at, text: '--', complete: true, last: true, continues: false, pendingBytes: 0 };
}
