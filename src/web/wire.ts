import type * as z from 'zod';
import type { processShape } from '../tools/shapes.ts';

/** One entry of `GET /v1/processes`. */
export type Process = z.output<typeof processShape>;

/** What `GET /v1/processes` answers. */
export interface Listing {
  processes: readonly Process[];
  /** What this machine's supervision lacks, in words. */
  warning?: string;
}

/** A stretch of output, as the live stream brings it. */
export interface OutputEvent {
  stream: 'stdout' | 'stderr';
  /** Offset of its first byte. */
  from: number;
  /** When it was printed, in milliseconds since the epoch. */
  at: number;
  bytes: Uint8Array;
}

/** Something that happened to a process, for the timeline. */
export interface LifeEvent {
  type: 'started' | 'ready' | 'exited' | 'removed';
  id: string;
  run: number;
  /** Milliseconds since the epoch. */
  at: number;
  /** How it stands after an exit. */
  status?: string;
}

type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Parses JSON whose shape is not known yet; undefined where it is no object. */
export function parseFields(json: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return isFields(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The page and its API come from one build: what tells a process from anything else is enough. */
function isProcess(value: unknown): value is Process {
  return (
    isFields(value) &&
    typeof value.id === 'string' &&
    typeof value.run === 'number' &&
    typeof value.status === 'string' &&
    Array.isArray(value.ports) &&
    isFields(value.output)
  );
}

export function toListing(value: unknown): Listing {
  if (!isFields(value) || !Array.isArray(value.processes))
    throw new Error('The answer is no list of processes.');
  const warning = value.warning;
  return {
    processes: value.processes.filter(isProcess),
    ...(typeof warning === 'string' && { warning }),
  };
}

/** Times come as ISO 8601 or as milliseconds. */
export function toTime(value: unknown): number {
  if (typeof value === 'number') return value;
  const parsed = typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isNaN(parsed) ? Date.now() : parsed;
}

export function toOutputEvent({ stream, from, at, bytes }: Fields): OutputEvent {
  return {
    stream: stream === 'stderr' ? 'stderr' : 'stdout',
    from: typeof from === 'number' ? from : 0,
    at: toTime(at),
    bytes: Uint8Array.from(atob(typeof bytes === 'string' ? bytes : ''), (char) => char.charCodeAt(0)),
  };
}

const LIFE_EVENTS = ['started', 'ready', 'exited', 'removed'] as const;

export function toLifeEvent(name: string, { id, run, at, status }: Fields): LifeEvent | undefined {
  const type = LIFE_EVENTS.find((known) => known === name);
  if (type === undefined || typeof id !== 'string') return undefined;
  return {
    ...{ type, id, run: typeof run === 'number' ? run : 1, at: toTime(at) },
    ...(typeof status === 'string' && { status }),
  };
}
