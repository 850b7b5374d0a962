import * as z from 'zod';
import {
  STATUSES,
  type Cause,
  type EndedProcess,
  type ExitInfo,
  type ExitWaitOutcome,
  type KilledProcess,
  type LogWaitOutcome,
  type OutputPage,
  type PortWaitOutcome,
  type ProcessFacts,
  type ProcessSnapshot,
  type ReadyOutcome,
  type SendResult,
  type Status,
} from '../core/types.ts';
import type { WirePage } from '../tools/page.ts';
import { present } from '../tools/present.ts';
import type {
  WireExitWait,
  WireKill,
  WireLogWait,
  WirePortWait,
  WireProcess,
  WireReady,
  WireRun,
  WireSend,
} from '../tools/wire.ts';

const CAUSES = ['self', 'kill_process', 'timeout', 'shutdown', 'external'] as const satisfies Cause[];
const status = z.enum(STATUSES);
const stream = z.enum(['stdout', 'stderr']);
const exitCause = z.enum(CAUSES);

interface WireExit {
  cause?: string;
  exit_code?: number;
  signal?: string;
}

/** Present where the leader has ended. */
export function exitFrom({ cause, exit_code, signal }: WireExit): { exit?: ExitInfo } {
  if (cause === undefined) return {};
  return { exit: { code: exit_code ?? null, signal: signal ?? null, cause: exitCause.parse(cause) } };
}

export function statusFrom(text: string): Status {
  return status.parse(text);
}

function atPrompt(awaiting: boolean | undefined): { awaitingInput?: true } {
  return awaiting === true ? { awaitingInput: true } : {};
}

export function processFrom(wire: WireProcess): ProcessSnapshot {
  const { id, run, pid, command, cwd, client, error, ended_at, descendants = [], output } = wire;
  const [, code, message] = /^(\w+): (.*)$/s.exec(error ?? '') ?? [];
  return {
    ...{ id, run, pid, status: statusFrom(wire.status) },
    live: ended_at === undefined || descendants.length > 0,
    ...exitFrom(wire),
    ...present({ error: code === undefined ? undefined : { code, message: message ?? '' } }),
    ...{ command, cwd, ...present({ client }), startedAt: Date.parse(wire.started_at) },
    ...present({ endedAt: ended_at === undefined ? undefined : Date.parse(ended_at) }),
    ...{ uptimeMs: wire.uptime_ms, descendants, ports: wire.ports, memoryBytes: wire.memory_bytes },
    ...{ cpuPercent: wire.cpu_percent, awaitingInput: wire.awaiting_input },
    output: {
      ...{ bytes: output.bytes, lines: output.lines },
      ...{ droppedBytes: output.dropped_bytes, lastLine: output.last_line },
    },
  };
}

/** What the answer to a start says by itself; its output is not among it. */
export function factsFrom(wire: WireRun): ProcessFacts {
  const { id, run, pid, command, cwd } = wire;
  const state = statusFrom(wire.status);
  const startedAt = Date.parse(wire.started_at);
  return {
    ...{ id, run, pid, status: state, live: ['queued', 'starting', 'running'].includes(state) },
    ...exitFrom(wire),
    ...{ command, cwd, startedAt, uptimeMs: Math.max(0, Date.now() - startedAt) },
    output: { bytes: 0, lines: 0, droppedBytes: 0, lastLine: '' },
  };
}

export function pageFrom(wire: WirePage): OutputPage {
  const { id, run, from, to, next, end, gap, text, omitted, matches, screen } = wire;
  return {
    ...{ id, run, status: statusFrom(wire.status), ...exitFrom(wire), from, to, next, end, text, omitted },
    retainedFrom: wire.retained_from,
    ...present({ gap, matches, screen: screen && { ...screen, missingBytes: screen.missing_bytes } }),
    ...present({ alternateScreen: wire.alternate_screen, awaitingInput: wire.awaiting_input }),
  };
}

interface WireFacts extends WireExit {
  status?: string;
  awaiting_input?: boolean;
  waited_ms: number;
  tail?: string;
  cursor?: number;
}

function waitFactsFrom(wire: WireFacts) {
  return {
    ...{ status: statusFrom(wire.status ?? ''), ...exitFrom(wire), ...atPrompt(wire.awaiting_input) },
    ...{ waitedMs: wire.waited_ms, tail: wire.tail ?? '', cursor: wire.cursor ?? 0 },
  };
}

export function logWaitFrom(wire: WireLogWait): LogWaitOutcome {
  const { outcome, line = '', groups = [], named = {} } = wire;
  const facts = waitFactsFrom(wire);
  if (outcome !== 'matched' && outcome !== 'failed') return { ...facts, outcome };
  return { ...facts, outcome, line, groups, named, stream: stream.parse(wire.stream) };
}

export function portWaitFrom(wire: WirePortWait): PortWaitOutcome {
  const { outcome, port, host, url, owner, tail, cursor } = wire;
  return {
    outcome,
    ...present({ port, host, url, owner, tail, cursor, httpStatus: wire.http_status }),
    ...present({
      lastProbe: wire.last_probe,
      status: wire.status === undefined ? undefined : statusFrom(wire.status),
    }),
    ...{ waitedMs: wire.waited_ms, ...exitFrom(wire), ...atPrompt(wire.awaiting_input) },
  };
}

const portOutcome = z.enum(['ready', 'foreign', 'exited', 'timeout']);
const logOutcome = z.enum(['matched', 'failed']);
const otherOutcome = z.enum(['exited', 'idle', 'timeout', 'awaiting_input']);
const otherCondition = z.enum(['exit', 'idle', 'timeout', 'awaiting_input']);

export function readyFrom(wire: WireReady): ReadyOutcome {
  if (wire.by === 'port')
    return { by: 'port', ...portWaitFrom({ ...wire, outcome: portOutcome.parse(wire.outcome) }) };
  if (wire.by === 'log' || wire.by === 'failure_log') {
    const { line = '', groups = [], named = {}, outcome } = wire;
    const match = { line, groups, named, stream: stream.parse(wire.stream) };
    return { by: wire.by, ...waitFactsFrom(wire), ...match, outcome: logOutcome.parse(outcome) };
  }
  return {
    ...{ by: otherCondition.parse(wire.by), outcome: otherOutcome.parse(wire.outcome) },
    ...present({ port: wire.port, lastProbe: wire.last_probe }),
    ...waitFactsFrom(wire),
  };
}

export function exitWaitFrom({ outcome, processes, waited_ms }: WireExitWait): ExitWaitOutcome {
  const toEnded = (wire: WireExitWait['processes'][number]): EndedProcess => ({
    ...{ id: wire.id, status: statusFrom(wire.status), ...exitFrom(wire), tail: wire.tail },
    ...atPrompt(wire.awaiting_input),
  });
  return { outcome, processes: processes.map(toEnded), waitedMs: waited_ms };
}

const replyOutcome = z.enum(['matched', 'idle', 'exited', 'timeout', 'awaiting_input']);

export function sendFrom(wire: WireSend): SendResult {
  const { id, eof, cursor, outcome, output = '', waited_ms = 0 } = wire;
  return {
    ...{ id, status: statusFrom(wire.status), ...exitFrom(wire), eof, cursor },
    ...{ acceptedBytes: wire.accepted_bytes, totalBytes: wire.total_bytes },
    ...(outcome !== undefined && {
      reply: {
        ...{ outcome: replyOutcome.parse(outcome), page: { text: output, omitted: [] }, waitedMs: waited_ms },
        ...atPrompt(wire.awaiting_input),
      },
    }),
  };
}

export function killedFrom({ processes }: WireKill): KilledProcess[] {
  return processes.map((wire) => ({
    ...{ id: wire.id, status: statusFrom(wire.status), ...exitFrom(wire), killed: wire.killed },
    ...{ survivors: wire.survivors, waitedMs: wire.waited_ms, tail: wire.tail },
  }));
}
