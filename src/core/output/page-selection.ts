import type { PageLine } from './page-lines.ts';
import type { SearchedLine } from './page-search.ts';

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
  /** End of the last hit. */
  hitsTo: number;
  /** Where the first of the lines begins that are unfinished at the end of the range and do not match yet. */
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
  lines: Iterable<SearchedLine>,
  { context, to }: { context: number; to: number },
  tally: Tally,
): Generator<SelectedLine> {
  // The last lines that may yet turn out to stand before a hit; those that stand after one have its ordinal.
  const held: { line: PageLine; after: number | undefined }[] = [];
  // Whether the piece before was a hit, where an over-long line goes on: it is one hit in all.
  const shown = { stdout: false, stderr: false };
  let after = 0;
  let skipped = false;
  for (const line of lines) {
    const continues = line.continues && shown[line.stream];
    shown[line.stream] = line.hit;
    if (line.hit) {
      const ordinal = continues ? tally.matches : ++tally.matches;
      const until = ordinal;
      const first = held[0]?.line ?? line;
      if (skipped && context > 0 && ordinal > 1) yield { ...separator(first), ordinal, until, hit: false };
      for (const neighbour of held.splice(0)) {
        yield { ...neighbour.line, ordinal: neighbour.after ?? ordinal, until, hit: false };
      }
      yield { ...line, continues, ordinal, until };
      tally.hitsTo = Math.max(tally.hitsTo, line.to);
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
    if (!line.hit && line.last && !line.complete && line.to === to) {
      tally.undecidedFrom = Math.min(tally.undecidedFrom ?? Infinity, line.from);
    }
  }
  for (const { line, after: ordinal } of held) {
    if (ordinal !== undefined) yield { ...line, ordinal, until: ordinal, hit: false };
  }
}

function separator({ from, at }: PageLine): PageLine {
  return { from, to: from, at, text: '--', complete: true, last: true, continues: false, pendingBytes: 0 };
}
