import type { ProcessSnapshot } from '../core/types.ts';
import { toProcess, type WireProcess } from './wire.ts';

/** An answer of about this many bytes costs a model no more than one screen of output. */
const LIST_BYTES = 16_000;
const SHORT_TEXT = 60;

export interface ListedProcess {
  process: WireProcess;
  /** True while anything of the tree is alive, even if the leader has ended. */
  live: boolean;
}

interface FittedList {
  shown: ListedProcess[];
  /** Ids of ended processes left out, the oldest first. */
  omitted: string[];
  detail: 'full' | 'short';
}

/**
 * A list that fits an answer: long texts are cut first, then the oldest ended processes go. What is alive and what
 * was asked for by name is always told.
 */
export function fitList(processes: readonly ProcessSnapshot[], named: boolean): FittedList {
  const whole = processes.map((snapshot) => ({ process: toProcess(snapshot), live: snapshot.live }));
  if (sizeOf(whole.map(({ process }) => process)) <= LIST_BYTES)
    return { shown: whole, omitted: [], detail: 'full' };
  const cut = whole.map(({ process, live }) => ({ process: shorten(process), live }));
  if (named) return { shown: cut, omitted: [], detail: 'short' };
  let excess = sizeOf(cut.map(({ process }) => process)) - LIST_BYTES;
  const oldestFirst = cut
    .filter(({ live }) => !live)
    .sort((a, b) => (a.process.ended_at ?? '').localeCompare(b.process.ended_at ?? ''));
  const left = new Set<ListedProcess>();
  for (const listed of oldestFirst) {
    if (excess <= 0) break;
    left.add(listed);
    excess -= sizeOf(listed.process);
  }
  return {
    shown: cut.filter((listed) => !left.has(listed)),
    omitted: [...left].map(({ process }) => process.id),
    detail: 'short',
  };
}

function sizeOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

function shorten(process: WireProcess): WireProcess {
  const { command, error, descendants, output } = process;
  return {
    ...process,
    command: cut(command),
    ...(error !== undefined && { error: cut(error) }),
    ...(descendants && {
      descendants: descendants.map((member) => ({ ...member, command: cut(member.command) })),
    }),
    output: { ...output, last_line: cut(output.last_line) },
  };
}

function cut(text: string): string {
  if (text.length <= SHORT_TEXT) return text;
  // Half of a surrogate pair is no text that every client can read.
  return `${text.slice(0, SHORT_TEXT - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
}
