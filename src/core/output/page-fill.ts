import type { LineRange } from './page-lines.ts';
import type { SelectedLine } from './page-selection.ts';

/** Lines chosen for a page. */
export interface Filling {
  lines: SelectedLine[];
  /** First byte shown. */
  from: number;
  /** Just after the last byte shown or passed over. */
  next: number;
  /** Ordinal of the last line offered. */
  offered: number;
}

export interface Budget {
  /** UTF-8 bytes of the page's text. */
  bytes: number;
  /** Lines, or hits of a search. */
  lines: number;
  timestamps: boolean;
}

/** Where the lines of a page come from. */
export interface Supply {
  lines: Iterable<SelectedLine>;
  /** What is to be shown of the other stream's line where the page ends after `last`. */
  begun: (last: SelectedLine) => SelectedLine[];
  /** Most bytes of text that this takes. */
  mostBegun: number;
  /** The lines are the hits of a search: all are offered. */
  searching: boolean;
}

/** An invalid byte becomes U+FFFD, which takes three. */
const MAX_TEXT_PER_BYTE = 3;
/** `HH:MM:SS.mmm ` */
const TIMESTAMP_BYTES = 13;

/**
 * Takes lines from the front for as long as they fit. The page then ends where no line of either stream is cut in
 * two, or, where that would waste half of it, with the beginning of the other stream's line at its end: each byte up
 * to `next` is shown. Where not even one line fits it is undefined, or that line if something must be shown.
 */
export function fillForward(
  range: LineRange,
  { lines: supplied, begun, mostBegun, searching }: Supply,
  budget: Budget,
  must: boolean,
): Filling | undefined {
  const lines: SelectedLine[] = [];
  const cuts: { first?: Cut; whole?: Cut; any?: Cut } = {};
  let used = 0;
  let offered = 0;
  let full: 'lines' | 'bytes' | undefined;
  for (const line of supplied) {
    offered = line.ordinal;
    if (full !== undefined) continue;
    used += lineCost(line, budget);
    if (line.ordinal > budget.lines) full = 'lines';
    else if (used > budget.bytes && (!must || cuts.first !== undefined)) full = 'bytes';
    else {
      lines.push(line);
      const { pendingBytes, stream, to } = line;
      const cut = { count: lines.length, to, used };
      if (stream === undefined) continue;
      const pending = Math.min(pendingBytes * MAX_TEXT_PER_BYTE, mostBegun) + besideText(budget);
      cuts.first ??= cut;
      if (pendingBytes === 0) cuts.whole = cut;
      if (used + (pendingBytes === 0 ? 0 : pending) <= budget.bytes) cuts.any = cut;
    }
    if (full !== undefined && !searching) break;
  }
  if (full === undefined) return { lines, from: range.from, next: range.to, offered };
  if (budget.lines === 0) return { lines: [], from: range.from, next: range.from, offered };
  const { first, whole, any } = cuts;
  const best =
    full === 'bytes' && whole !== undefined && whole.used * 2 > (any?.used ?? 0) ? whole : (any ?? whole);
  const cut = best ?? (must ? first : undefined);
  if (cut === undefined) return undefined;
  const shown = lines.slice(0, cut.count);
  const last = shown.at(-1);
  if (last !== undefined && last.pendingBytes > 0) shown.push(...begun(last));
  return { lines: shown, from: range.from, next: cut.to, offered };
}

interface Cut {
  count: number;
  to: number;
  used: number;
}

/** Takes all lines and keeps those at the end that fit; where not even the last one does, as `fillForward`. */
export function keepEnd(
  range: LineRange,
  supplied: Iterable<SelectedLine>,
  budget: Budget,
  must: boolean,
): Filling | undefined {
  let lines: SelectedLine[] = [];
  let first = 0;
  let used = 0;
  let offered = 0;
  for (const line of supplied) {
    offered = line.ordinal;
    lines.push(line);
    used += lineCost(line, budget);
    for (let oldest = lines[first]; oldest !== undefined; oldest = lines[++first]) {
      const fits = used <= budget.bytes || (must && oldest === line);
      if (fits && oldest.until > offered - budget.lines) break;
      used -= lineCost(oldest, budget);
    }
    if (first > 1000 && first * 2 > lines.length) {
      lines = lines.slice(first);
      first = 0;
    }
  }
  // What separates groups of neighbours has nothing to stand between.
  if (lines[first]?.stream === undefined && lines[first]?.hit === false) first++;
  const kept = lines.slice(first);
  if (kept.length === 0 && lines.length > 0 && budget.lines > 0) return undefined;
  const from = kept.reduce((least, line) => Math.min(least, line.from), range.to);
  return { lines: kept, from: Math.max(range.from, from), next: range.to, offered };
}

/** Bytes that a line takes at most in a page. */
export function lineCost(line: SelectedLine, budget: Budget): number {
  return Buffer.byteLength(line.text) + besideText(budget);
}

/** A newline, and the time where it is shown. */
export function besideText({ timestamps }: Budget): number {
  return 1 + (timestamps ? TIMESTAMP_BYTES : 0);
}

/** The text of a page: each complete line ends in a newline, an unfinished last one does not. */
export function joinLines(lines: readonly SelectedLine[], timestamps: boolean): string {
  const parts: string[] = [];
  let open: SelectedLine | undefined;
  for (const line of lines) {
    const joined = open !== undefined && line.continues && open.stream === line.stream;
    if (open !== undefined && !joined) parts.push('\n');
    if (timestamps && !joined && line.stream !== undefined) parts.push(timestamp(line.at));
    parts.push(line.text);
    if (line.complete) parts.push('\n');
    open = line.complete ? undefined : line;
  }
  return parts.join('');
}

function timestamp(at: number): string {
  return `${new Date(at).toISOString().slice(11, 23)} `;
}
