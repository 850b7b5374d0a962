import * as z from 'zod';
import type { OutputEvent, ServiceEvent } from '../core/types.ts';
import { present } from './present.ts';
import { exitFields } from './shapes.ts';
import { exitOf, isoTime } from './wire.ts';

/*
 * Events as other programs read them: what happens to processes, and one process's output as it comes.
 */
const optional = z.exactOptional;
const text = z.string();
const whole = z.int();

const about = { id: text, run: whole, at: text };

/** By the event's name. `output` carries no bytes: it says that there are some. */
export const serviceEventShapes = {
  started: z.object(about),
  ready: z.object({
    ...about,
    by: z.enum(['log', 'port', 'idle']),
    port: optional(whole),
    url: optional(text),
  }),
  exited: z.object({ ...about, status: text, ...exitFields }),
  removed: z.object(about),
  output: z.object(about),
  /** So many events are no longer kept. */
  gap: z.object({ events: whole }),
} as const;

/** By the event's name. Offsets are bytes; `bytes` of output is base64. */
export const outputEventShapes = {
  output: z.object({ stream: z.enum(['stdout', 'stderr']), from: whole, at: text, bytes: z.base64() }),
  gap: z.object({ from: whole, to: whole, bytes: whole }),
  run: z.object({ run: whole, from: whole, at: text }),
  exit: z.object({ run: whole, to: whole, at: text, status: text, ...exitFields }),
} as const;

/** The data of a service event that happened at this time, milliseconds since the epoch. */
export function toServiceEvent(event: ServiceEvent, happenedAt: number): object {
  const { id, run } = event;
  const facts = { id, run, at: isoTime(happenedAt) };
  switch (event.type) {
    case 'started':
    case 'removed':
    case 'output':
      return facts;
    case 'ready':
      return { ...facts, by: event.by, ...present({ port: event.port, url: event.url }) };
    case 'exited':
      return { ...facts, status: event.status, ...exitOf(event.exit) };
  }
}

export function toOutputEvent(event: OutputEvent): object {
  switch (event.type) {
    case 'output': {
      const { stream, from, at, bytes } = event;
      const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
      return { stream, from, at: isoTime(at), bytes: base64 };
    }
    case 'gap':
      return { from: event.from, to: event.to, bytes: event.bytes };
    case 'run':
      return { run: event.run, from: event.from, at: isoTime(event.at) };
    case 'exit': {
      const { run, to, at, status, exit } = event;
      return { run, to, at: isoTime(at), status, ...exitOf(exit) };
    }
  }
}

/** Cursor just after an event: to go on from there repeats no byte and misses none. */
export function cursorAfter(event: OutputEvent): number {
  switch (event.type) {
    case 'output':
      return event.from + event.bytes.length;
    case 'gap':
    case 'exit':
      return event.to;
    case 'run':
      return event.from;
  }
}
