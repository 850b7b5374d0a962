import { DEFAULT_PAGE_BYTES } from '../limits.ts';
import type { OutputBuffer } from './output-buffer.ts';
import { fillForward, joinLines, keepEnd, type Budget, type Filling, type Supply } from './page-fill.ts';
import { beginAt, countLines, tailStart } from './line-starts.ts';
import { pageLines, type LineRange } from './page-lines.ts';
import type { Tally } from './page-selection.ts';
import { allLines, hits, type Search } from './page-supply.ts';
import type { Pattern } from './pattern.ts';
import type { ReadRequest } from '../service.ts';
import type { OutputPage, StreamFilter } from '../types.ts';

/** The output a page is read from. */
export interface PageSource {
  buffer: OutputBuffer;
  /** Start of the current run, where a read without a cursor begins. */
  runFrom: number;
  /** Nothing is left of the process, so nothing more will be printed. */
  ended?: boolean;
}

export type RenderedPage = Omit<OutputPage, 'id' | 'run' | 'status' | 'exit'>;

const DEFAULT_TAIL_LINES = 100;
/** Bytes before the end of the output that a search goes back to, at most. */
const MOST_READ_AGAIN = 65_536;
/** Pieces of this part of the budget always fit, with what may stand beside them. */
const PIECES_PER_PAGE = 10;

interface View {
  buffer: OutputBuffer;
  range: LineRange;
  search: Search | undefined;
  timestamps: boolean;
}

/**
 * One page of output, in lines by order of completion. With `since` alone or `head` it is filled from the start and
 * `next` is where it stopped, so that reading on by `next` shows every byte exactly once; with `tail` it keeps the
 * end. `timestamps` puts the arrival of each line before it as `HH:MM:SS.mmm`, UTC. With `grep`, which is `pattern`
 * compiled, `tail` and `head` count hits, and `omitted` hits left out.
 */
export function renderPage(
  { buffer, runFrom, ended = false }: PageSource,
  request: Omit<ReadRequest, 'grep'>,
  pattern?: Pattern,
): RenderedPage {
  const wanted = buffer.beginning(Math.max(0, Math.floor(request.since ?? runFrom)), runFrom);
  const from = Math.min(Math.max(wanted, buffer.start), buffer.end);
  const { stream = 'both', raw = false, timestamps = false } = request;
  const view: View = {
    buffer,
    range: { from, to: buffer.end, stream, raw, ended, borderAtStart: wanted === request.since },
    search: pattern && { pattern, context: request.context ?? 0 },
    timestamps,
  };
  const bytes = Math.max(1, request.maxBytes ?? DEFAULT_PAGE_BYTES);
  return {
    ...choose(view, request, bytes),
    retainedFrom: buffer.start,
    end: buffer.end,
    ...(wanted < from && { gap: { from: wanted, to: from, bytes: from - wanted } }),
  };
}

type Shown = Pick<RenderedPage, 'from' | 'to' | 'next' | 'text' | 'omitted' | 'matches'>;

function choose(view: View, { since, head, tail }: ReadRequest, bytes: number): Shown {
  if (head !== undefined && tail !== undefined) return bothEnds(view, head, tail, bytes);
  if (head !== undefined) return forward(view, bytes, head);
  if (tail === undefined && since !== undefined) return forward(view, bytes, Infinity);
  return end(view, bytes, tail ?? DEFAULT_TAIL_LINES);
}

function forward(view: View, bytes: number, lines: number): Shown {
  const { buffer, range, timestamps } = view;
  const budget = { bytes, lines, timestamps };
  const { filling, tally } = fit(view, budget, (supply, must) => fillForward(range, supply, budget, must));
  const { next } = filling;
  const left =
    view.search !== undefined
      ? tally.matches - (filling.lines.findLast(({ hit }) => hit)?.ordinal ?? 0)
      : countLines(buffer, { ...range, from: next });
  return shown(view, filling, tally, left > 0 && next < range.to ? [{ lines: left, where: 'after' }] : []);
}

function end(view: View, bytes: number, lines: number): Shown {
  const { buffer, timestamps, search } = view;
  const budget = { bytes, lines, timestamps };
  // No line takes less than a byte of the page. A search has to see all lines.
  const late = search ? undefined : tailStart(buffer, view.range, Math.min(lines, bytes), bytes);
  const range = { ...view.range, ...(late && beginAt(late.starts)) };
  const { filling, tally } = fit({ ...view, range }, budget, (supply, must) =>
    keepEnd(range, supply.lines, budget, must),
  );
  const total = search ? tally.matches : countLines(buffer, view.range);
  const left = total - wholeLines(filling, late?.cut ?? false);
  return shown(view, filling, tally, left > 0 ? [{ lines: left, where: 'before' }] : []);
}

/** Lines or hits of which nothing is missing, in a page that keeps the end. */
function wholeLines({ lines, offered }: Filling, firstIsCut: boolean): number {
  const first = lines.find(({ hit }) => hit);
  if (first === undefined) return 0;
  const cut = first.continues || (firstIsCut && first.ordinal === 1);
  return offered - first.ordinal + (cut ? 0 : 1);
}

function bothEnds(view: View, head: number, tail: number, bytes: number): Shown {
  const half = Math.max(1, bytes >> 1);
  const first = forward(view, half, head);
  if (first.next >= view.range.to) return first;
  const rest = { ...view.range, from: first.next, borderAtStart: true };
  const last = end({ ...view, range: rest }, half, tail);
  const left = last.omitted.reduce((sum, { lines }) => sum + lines, 0);
  const marker = left === 0 ? '' : `${/[^\n]$/.test(first.text) ? '\n' : ''}--- ${left} omitted ---\n`;
  return {
    ...last,
    from: first.from,
    text: first.text + marker + last.text,
    omitted: left === 0 ? [] : [{ lines: left, where: 'middle' }],
    ...(first.matches !== undefined && { matches: first.matches }),
  };
}

/** Fills a page, with over-long lines in pieces small enough if nothing fits otherwise. */
function fit(
  { buffer, range, search }: View,
  budget: Budget,
  fill: (supply: Supply, must: boolean) => Filling | undefined,
): { filling: Filling; tally: Tally } {
  const tally: Tally = { matches: 0, hitsTo: 0 };
  const maxLineBytes = Math.max(1, Math.floor(budget.bytes / PIECES_PER_PAGE));
  const filling = search
    ? fill(hits(buffer, range, search, budget, tally), true)
    : (fill(allLines(buffer, range), false) ?? fill(allLines(buffer, { ...range, maxLineBytes }), true));
  return { filling: filling ?? { lines: [], from: range.from, next: range.from, offered: 0 }, tally };
}

function shown(view: View, filling: Filling, tally: Tally, omitted: Shown['omitted']): Shown {
  const { range, search, timestamps } = view;
  const next = filling.next === range.to ? nextSearch(range, tally) : filling.next;
  return {
    from: Math.min(filling.from, next),
    to: next,
    next,
    text: joinLines(filling.lines, timestamps),
    omitted,
    ...(search && { matches: tally.matches }),
  };
}

/**
 * Where to go on after all of the range: at a line that does not match yet, which is looked at again when there is more
 * of it, unless a hit has been shown that ended later. A search from any later cursor sees the line whole as well.
 */
function nextSearch({ from, to, ended }: LineRange, { undecidedFrom = to, hitsTo }: Tally): number {
  const again = !ended && hitsTo <= undecidedFrom && to - undecidedFrom <= MOST_READ_AGAIN;
  return again ? Math.max(from, undecidedFrom) : to;
}

export interface TailOptions {
  lines?: number;
  maxBytes?: number;
  stream?: StreamFilter;
}

/** The last lines from an offset on, 20 and 2000 bytes at most by default, without a newline at the end. */
export function tailText(buffer: OutputBuffer, from: number, options: TailOptions = {}): string {
  const { lines = 20, maxBytes = 2000, stream = 'both' } = options;
  const { text } = renderPage({ buffer, runFrom: from }, { tail: lines, maxBytes, stream });
  return text.endsWith('\n') ? text.slice(0, -1) : text;
}

/** How far from the end a last line is looked for, in bytes; the second only where the first holds blanks alone. */
const LAST_LINE_WINDOWS = [2048, 65_536];

/** Half of a character outside the basic plane. */
const SPLIT_PAIR = /[\ud800-\udbff]$/;

/** The last line from an offset on that is not blank, cut to a number of characters; empty where there is none. */
export function lastLine(buffer: OutputBuffer, from: number, maxChars = 200): string {
  for (const bytes of LAST_LINE_WINDOWS) {
    const start = Math.max(from, buffer.start, buffer.end - bytes);
    const range: LineRange = {
      from: start,
      to: buffer.end,
      stream: 'both',
      raw: false,
      borderAtStart: false,
    };
    const last = [...pageLines(buffer, range)].findLast(
      ({ text, stream }) => stream !== undefined && text.trim() !== '',
    );
    if (last !== undefined) return last.text.slice(0, maxChars).replace(SPLIT_PAIR, '');
  }
  return '';
}
