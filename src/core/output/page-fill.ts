import { pageLines, type LineRange } from './page-lines.ts';
import type { SelectedLine } from './page-selection.ts';
import type { OutputBuffer } from './output-buffer.ts';

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

/** An invalid byte becomes U+FFFD, which takes three. */
const MAX_TEXT_PER_BYTE = 3;
/** `HH:MM:SS.mmm ` */
const TIMESTAMP_BYTES = 13;

/**
 * Takes lines from the front for as long as they fit. The page then ends where no line of either stream is cut in
 * two, or, where that would waste half of it, with the beginning of the other stream's line at its end: each byte up
 * to `next` is shown. Undefined when not even one line fits.
 *
 * @param searching The lines are the hits of a search: all are offered, and no beginnings of lines are added.
 */
export function fillForward(
  buffer: OutputBuffer,
  range: LineRange,
  selected: Iterable<SelectedLine>,
  budget: Budget,
  searching: boolean,
): Filling | undefined {
  const lines: SelectedLine[] = [];
  const cuts: { whole?: Cut; any?: Cut } = {};
  let used = 0;
  let offered = 0;
  let full: 'lines' | 'bytes' | undefined;
  for (const line of selected) {
    offered = line.ordinal;
    if (full !== undefined) continue;
    used += cost(line, budget);
    if (line.ordinal > budget.lines) full = 'lines';
    else if (used > budget.bytes) full = 'bytes';
    else {
      lines.push(line);
      const cut = { count: lines.length, to: line.to, used };
      const pending = searching ? 0 : line.pendingBytes * MAX_TEXT_PER_BYTE + TIMESTAMP_BYTES + 1;
      if (line.pendingBytes === 0 && line.stream !== undefined) cuts.whole = cut;
      if (line.stream !== undefined && used + pending <= budget.bytes) cuts.any = cut;
    }
    if (full !== undefined && !searching) break;
  }
  if (full === undefined) return { lines, from: range.from, next: range.to, offered };
  if (budget.lines === 0) return { lines: [], from: range.from, next: range.from, offered };
  const { whole, any } = cuts;
  const cut =
    full === 'bytes' && whole !== undefined && whole.used * 2 > (any?.used ?? 0) ? whole : (any ?? whole);
  if (cut === undefined) return undefined;
  const shown = lines.slice(0, cut.count);
  const last = shown.at(-1);
  if (!searching && last !== undefined && last.pendingBytes > 0) {
    shown.push(...beginnings(buffer, range, cut.to, last));
  }
  return { lines: shown, from: range.from, next: cut.to, offered };
}

interface Cut {
  count: number;
  to: number;
  used: number;
}

/** What the other stream had printed of its line when the last line shown was complete. */
function beginnings(buffer: OutputBuffer, range: LineRange, to: number, last: SelectedLine): SelectedLine[] {
  return [...pageLines(buffer, { ...range, to })]
    .filter((line) => line.last && !line.complete && line.stream !== last.stream && line.to === to)
    .map((line) => ({ ...line, ordinal: last.ordinal, until: last.ordinal, hit: true }));
}

/** Takes all lines and keeps those at the end that fit. Undefined when not even the last one does. */
export function keepEnd(
  range: LineRange,
  selected: Iterable<SelectedLine>,
  budget: Budget,
): Filling | undefined {
  let lines: SelectedLine[] = [];
  let first = 0;
  let used = 0;
  let offered = 0;
  for (const line of selected) {
    offered = line.ordinal;
    lines.push(line);
    used += cost(line, budget);
    for (let oldest = lines[first]; oldest !== undefined; oldest = lines[++first]) {
      if (used <= budget.bytes && oldest.until > offered - budget.lines) break;
      used -= cost(oldest, budget);
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

function cost(line: SelectedLine, { timestamps }: Budget): number {
  return Buffer.byteLength(line.text) + 1 + (timestamps ? TIMESTAMP_BYTES : 0);
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
