import { DEFAULT_PAGE_BYTES } from '../limits.ts';
import type { OutputBuffer } from './output-buffer.ts';
import { fillForward, joinLines, keepEnd, type Budget, type Filling } from './page-fill.ts';
import { beginAt, countLines, tailStart } from './line-starts.ts';
import { pageLines, type LineRange } from './page-lines.ts';
import { everyLine, matchingLines, type SelectedLine, type Tally } from './page-selection.ts';
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

/** A smaller page could not hold a border, a time and a piece of a line. */
const MIN_PAGE_BYTES = 200;
const DEFAULT_TAIL_LINES = 100;
/** Pieces of this part of the budget always fit, with what may stand beside them. */
const PIECES_PER_PAGE = 10;

interface View {
  buffer: OutputBuffer;
  range: LineRange;
  pattern: Pattern | undefined;
  context: number;
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
  const since = Math.max(0, Math.floor(request.since ?? runFrom));
  // A cursor beyond the end is one of an earlier record of this name.
  const wanted = since > buffer.end ? runFrom : since;
  const from = Math.min(Math.max(wanted, buffer.start), buffer.end);
  const { stream = 'both', raw = false, timestamps = false } = request;
  const view: View = {
    buffer,
    range: { from, to: buffer.end, stream, raw, ended, borderAtStart: wanted === request.since },
    pattern,
    context: request.context ?? 0,
    timestamps,
  };
  const bytes = Math.max(MIN_PAGE_BYTES, request.maxBytes ?? DEFAULT_PAGE_BYTES);
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
  const { range, timestamps } = view;
  const budget = { bytes, lines, timestamps };
  const searching = view.pattern !== undefined;
  const { filling, tally } = fit(view, budget, (selected, fitting) =>
    fillForward(view.buffer, fitting, selected, budget, searching),
  );
  const { next } = filling;
  const left = searching
    ? tally.matches - (filling.lines.findLast(({ hit }) => hit)?.ordinal ?? 0)
    : countLines(view.buffer, { ...range, from: next });
  return shown(view, filling, tally, left > 0 && next < range.to ? [{ lines: left, where: 'after' }] : []);
}

function end(view: View, bytes: number, lines: number): Shown {
  const { buffer, range, timestamps, pattern } = view;
  const budget = { bytes, lines, timestamps };
  // No line takes less than a byte of the page. A search has to see all lines.
  const late = pattern === undefined ? tailStart(buffer, range, Math.min(lines, bytes), bytes) : undefined;
  const tailView = { ...view, range: { ...range, ...(late && beginAt(late.starts)) } };
  const { filling, tally } = fit(tailView, budget, (selected, fitting) => keepEnd(fitting, selected, budget));
  const total = pattern === undefined ? countLines(buffer, range) : tally.matches;
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
  const first = forward(view, bytes >> 1, head);
  if (first.next >= view.range.to) return first;
  const rest = { ...view.range, from: first.next, borderAtStart: true };
  const last = end({ ...view, range: rest }, bytes >> 1, tail);
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
  view: View,
  budget: Budget,
  fill: (selected: Iterable<SelectedLine>, range: LineRange) => Filling | undefined,
): { filling: Filling; tally: Tally } {
  const pieces = { ...view.range, maxLineBytes: Math.floor(budget.bytes / PIECES_PER_PAGE) };
  for (const range of [view.range, pieces]) {
    const tally: Tally = { matches: 0 };
    const filling = fill(select(view, range, tally), range);
    if (filling !== undefined) return { filling, tally };
  }
  return {
    filling: { lines: [], from: view.range.from, next: view.range.from, offered: 0 },
    tally: { matches: 0 },
  };
}

function select({ buffer, pattern, context }: View, range: LineRange, tally: Tally): Iterable<SelectedLine> {
  if (pattern === undefined) return everyLine(pageLines(buffer, range));
  const lines = pageLines(
    buffer,
    context === 0 ? { ...range, only: ({ text }) => pattern.test(text) } : range,
  );
  return matchingLines(lines, pattern, context, tally);
}

function shown(view: View, filling: Filling, tally: Tally, omitted: Shown['omitted']): Shown {
  const { range, pattern, timestamps } = view;
  // A line that does not match yet is looked at again when there is more of it.
  const undecided = filling.next === range.to ? tally.undecidedFrom : undefined;
  const next = undecided === undefined ? filling.next : Math.max(range.from, undecided);
  return {
    from: Math.min(filling.from, next),
    to: next,
    next,
    text: joinLines(filling.lines, timestamps),
    omitted,
    ...(pattern && { matches: tally.matches }),
  };
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
