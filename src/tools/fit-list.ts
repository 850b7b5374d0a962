import type { WireProcess } from './wire.ts';

/** An answer of about this many bytes costs a model no more than one screen of output. */
const LIST_BYTES = 16_000;
const SHORT_TEXT = 60;

interface FittedList {
  shown: WireProcess[];
  /** Ended processes left out, the oldest first. */
  omittedEnded: number;
  detail: 'full' | 'short';
}

/**
 * A list that fits an answer: long texts are cut first, then the oldest ended processes go. What is alive and what
 * was asked for by name is always told.
 */
export function fitList(processes: readonly WireProcess[], named: boolean): FittedList {
  if (sizeOf(processes) <= LIST_BYTES) return { shown: [...processes], omittedEnded: 0, detail: 'full' };
  const cut = processes.map(shorten);
  if (named) return { shown: cut, omittedEnded: 0, detail: 'short' };
  let excess = sizeOf(cut) - LIST_BYTES;
  const oldestFirst = cut
    .filter((process) => process.ended_at !== undefined)
    .sort((a, b) => (a.ended_at ?? '').localeCompare(b.ended_at ?? ''));
  const left = new Set<WireProcess>();
  for (const process of oldestFirst) {
    if (excess <= 0) break;
    left.add(process);
    excess -= sizeOf(process);
  }
  return { shown: cut.filter((process) => !left.has(process)), omittedEnded: left.size, detail: 'short' };
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function shorten(process: WireProcess): WireProcess {
  const last_line = cut(process.output.last_line);
  return { ...process, command: cut(process.command), output: { ...process.output, last_line } };
}

function cut(text: string): string {
  return text.length <= SHORT_TEXT ? text : `${text.slice(0, SHORT_TEXT - 1)}…`;
}
