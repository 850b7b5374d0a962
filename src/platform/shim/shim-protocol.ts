import { constants } from 'node:os';
import type { LeaderExit, TerminalSize } from '../../core/types.ts';
import { parseSocket, type ListeningSocket } from '../proc/listening-socket.ts';

/**
 * The lines the server and the native supervisor exchange; the grammar is documented at the top of native/shim.c.
 * A supervisor that speaks another version is not used.
 */
export const PROTOCOL_VERSION = 4;

/** What the supervisor tells. Descriptor numbers are its own, undefined where it has none. */
export type Report =
  | { type: 'ready'; version: number; stdout?: number; stderr?: number; stdin?: number }
  | { type: 'forked' | 'started'; pid: number }
  | { type: 'error'; stage: string; errno: number }
  /** `asked`: the leader still ran when a termination began. */
  | { type: 'exited'; exit: LeaderExit; asked: boolean }
  | { type: 'killed' | 'survivor'; pids: number[] }
  | { type: 'listening'; sockets: ListeningSocket[] }
  | { type: 'listened'; errno: number }
  | { type: 'incomplete' | 'empty' };

export const commands = {
  signal: (signal: string) => `signal ${signalNumber(signal)}\n`,
  terminate: (signal: string, graceMs: number) =>
    `terminate ${signalNumber(signal)} ${Math.min(Math.max(Math.ceil(graceMs), 0), MAX_GRACE_MS)}\n`,
  listening: () => 'listening\n',
  resize: ({ cols, rows }: TerminalSize) => `resize ${cols} ${rows}\n`,
} as const;

/** The supervisor refuses longer ones. */
const MAX_GRACE_MS = 24 * 60 * 60 * 1000;

/** Undefined for a line that is no report. */
export function parseReport(line: string): Report | undefined {
  const [word = '', ...rest] = line.split(' ');
  const numbers = rest.map(Number);
  const first = numbers[0] ?? NaN;
  switch (word) {
    case 'ready': {
      const [version = 0, stdout = -1, stderr = -1, stdin = -1] = numbers;
      return {
        type: 'ready',
        version,
        ...(stdout >= 0 && { stdout }),
        ...(stderr >= 0 && { stderr }),
        ...(stdin >= 0 && { stdin }),
      };
    }
    case 'forked':
    case 'started':
      return { type: word, pid: first };
    case 'error':
      return { type: 'error', stage: rest[0] ?? '', errno: numbers[1] ?? 0 };
    case 'exit':
      return { type: 'exited', exit: { code: first, signal: null }, asked: numbers[1] === 1 };
    case 'signal':
      return { type: 'exited', exit: { code: null, signal: signalName(first) }, asked: numbers[1] === 1 };
    case 'killed':
    case 'survivor':
      return { type: word, pids: numbers };
    case 'listening': {
      const sockets = rest.map(parseSocket).filter((socket) => socket !== undefined);
      return sockets.length === rest.length ? { type: word, sockets } : undefined;
    }
    case 'listened':
      return { type: word, errno: first };
    case 'incomplete':
    case 'empty':
      return { type: word };
    default:
      return undefined;
  }
}

/** Throws a RangeError for a name this system does not know. */
export function signalNumber(name: string): number {
  const found = Object.entries(constants.signals).find(([known]) => known === name);
  if (found === undefined) throw new RangeError(`${name} is not a signal of this system`);
  return found[1];
}

/** Where two names share a number the usual one comes first: SIGABRT before SIGIOT. Real-time signals have no name. */
function signalName(number: number): string {
  const found = Object.entries(constants.signals).find(([, known]) => known === number);
  return found?.[0] ?? `SIG${number}`;
}
