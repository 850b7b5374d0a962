import { drawLine, type Style } from './ansi.ts';
import type { LogLine } from './line-store.ts';

/** A stretch of a row that looks the same throughout. */
export interface Segment {
  text: string;
  style: Style;
  hit: boolean;
  /** The address it is part of. */
  href?: string;
}

interface Range {
  from: number;
  to: number;
  href?: string;
}

const ADDRESS = /https?:\/\/[^\s"'<>`]+[^\s"'<>`.,:;!?)\]}]/g;
/** Hits marked in one line: one that matches everywhere needs no mark at every character. */
const MAX_HITS = 200;

/** What one row shows: colours from the output, hits of the search, addresses to follow. */
export function segmentsOf(line: LogLine, from: number, to: number, search: RegExp | undefined): Segment[] {
  const hits =
    search === undefined || line.kind === 'mark' ? [] : ranges(line.text, new RegExp(search, 'gi'));
  const links = line.text.includes('://') ? ranges(line.text, ADDRESS, true) : [];
  const segments: Segment[] = [];
  let at = 0;
  for (const { text, style } of drawLine(line.raw, line.start)) {
    const end = at + text.length;
    const cuts = [at, end, from, to, ...[...hits, ...links].flatMap((range) => [range.from, range.to])]
      .filter((cut) => cut >= Math.max(at, from) && cut <= Math.min(end, to))
      .sort((a, b) => a - b);
    cuts.forEach((start, index) => {
      const stop = cuts[index + 1];
      if (stop === undefined || stop === start) return;
      const href = links.find((range) => range.from <= start && start < range.to)?.href;
      const hit = hits.some((range) => range.from <= start && start < range.to);
      segments.push({ text: text.slice(start - at, stop - at), style, hit, ...(href && { href }) });
    });
    at = end;
  }
  return segments;
}

function ranges(text: string, pattern: RegExp, links = false): Range[] {
  const found: Range[] = [];
  for (const match of text.matchAll(pattern)) {
    const [matched] = match;
    if (matched !== '')
      found.push({ from: match.index, to: match.index + matched.length, ...(links && { href: matched }) });
    if (found.length === MAX_HITS) break;
  }
  return found;
}
