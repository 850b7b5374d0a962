import type * as z from 'zod';
import type {
  EndedProcess,
  ExitInfo,
  ExitWaitOutcome,
  KilledProcess,
  LogWaitOutcome,
  PatternMatch,
  PortWaitOutcome,
  ProcessSnapshot,
  ReadyOutcome,
  RunResult,
  ScreenFacts,
  SendResult,
} from '../core/types.ts';
import { present } from './present.ts';
import type {
  exitWaitShape,
  killShape,
  logWaitShape,
  portWaitShape,
  processShape,
  readyShape,
  runShape,
  sendShape,
} from './shapes.ts';

export type WireProcess = z.output<typeof processShape>;
export type WireRun = z.output<typeof runShape>;
export type WireReady = z.output<typeof readyShape>;
export type WireLogWait = z.output<typeof logWaitShape>;
export type WirePortWait = z.output<typeof portWaitShape>;
export type WireExitWait = z.output<typeof exitWaitShape>;
export type WireSend = z.output<typeof sendShape>;
export type WireKill = z.output<typeof killShape>;

/** Bytes of last output in an answer, over all processes it tells of. */
const TAIL_BYTES = 6000;
/** Each process keeps at least this much of its last output, however many are told of. */
const MIN_TAIL_BYTES = 200;
/** Characters of the matched line and its groups together, named ones told twice. */
const MATCH_CHARS = 4000;
/** Each group keeps at least this much, however many there are. */
const MIN_GROUP_CHARS = 40;
/** Pids named for one process: a killed tree can be larger than an answer should be. */
const MAX_PIDS = 1000;
/** Characters of a terminal's title shown. */
const MAX_TITLE = 100;

export function isoTime(at: number): string {
  return new Date(at).toISOString();
}

export function exitOf(exit: ExitInfo | undefined) {
  return present({
    cause: exit?.cause,
    exit_code: exit?.code ?? undefined,
    signal: exit?.signal ?? undefined,
  });
}

/** The end of a text, at most so many bytes, whole lines where possible. */
export function cutTail(text: string, maxBytes: number = TAIL_BYTES): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  let from = bytes.length - maxBytes;
  // A UTF-8 sequence continues in bytes of the form 10xxxxxx: begin on a whole character.
  while (((bytes[from] ?? 0) & 0xc0) === 0x80) from++;
  const newline = bytes.indexOf(0x0a, from);
  if (newline !== -1 && newline < bytes.length - maxBytes / 2) from = newline + 1;
  return `[${from} bytes earlier]\n${bytes.toString('utf8', from)}`;
}

function tailShare(processes: number): number {
  return Math.max(MIN_TAIL_BYTES, Math.floor(TAIL_BYTES / Math.max(1, processes)));
}

export function toProcess(snapshot: ProcessSnapshot): WireProcess {
  const { id, run, pid, status, exit, error, command, cwd, descendants, ports, output } = snapshot;
  const { client, startedAt, endedAt, uptimeMs, memoryBytes, cpuPercent, awaitingInput } = snapshot;
  return {
    ...{ id, run, pid, status, ...exitOf(exit) },
    ...present({ error: error && `${error.code}: ${error.message}` }),
    ...{ command, cwd, ...present({ client }), started_at: isoTime(startedAt) },
    ...present({
      ended_at: endedAt === undefined ? undefined : isoTime(endedAt),
      descendants: descendants.length > 0 ? descendants : undefined,
    }),
    uptime_ms: Math.round(uptimeMs),
    ports,
    memory_bytes: Math.round(memoryBytes),
    cpu_percent: Math.round(cpuPercent * 10) / 10,
    awaiting_input: awaitingInput,
    output: {
      bytes: output.bytes,
      lines: output.lines,
      dropped_bytes: output.droppedBytes,
      last_line: output.lastLine,
    },
  };
}

export function toRun({ process, reused, tail, wait }: RunResult): WireRun {
  const { id, run, pid, status, exit, command, cwd, startedAt } = process;
  return {
    ...{ id, run, pid, status, ...exitOf(exit), command, cwd, started_at: isoTime(startedAt) },
    ...(reused && { reused }),
    ...present({ tail: tail === undefined ? undefined : cutTail(tail), wait: wait && toReady(wait) }),
  };
}

export function toReady(wait: ReadyOutcome): WireReady {
  switch (wait.by) {
    case 'port':
      return { by: wait.by, ...toPortWait(wait) };
    case 'log':
    case 'failure_log':
      return { by: wait.by, ...toLogWait(wait) };
    case 'exit':
    case 'idle':
    case 'timeout':
    case 'awaiting_input':
      return {
        ...{
          by: wait.by,
          outcome: wait.outcome,
          ...present({ port: wait.port, last_probe: wait.lastProbe }),
        },
        ...waitFacts(wait),
      };
  }
}

interface WaitFacts {
  status: string;
  exit?: ExitInfo;
  awaitingInput?: true;
  waitedMs: number;
  tail: string;
  cursor: number;
}

function waitFacts({ status, exit, awaitingInput, waitedMs, tail, cursor }: WaitFacts) {
  return {
    ...{ cursor, waited_ms: Math.round(waitedMs), status, ...exitOf(exit) },
    ...present({ awaiting_input: awaitingInput }),
    tail: cutTail(tail),
  };
}

/** A match speaks for itself; every other outcome brings the last lines. */
export function toLogWait(outcome: LogWaitOutcome): WireLogWait {
  const { tail, ...facts } = waitFacts(outcome);
  if (outcome.outcome !== 'matched' && outcome.outcome !== 'failed')
    return { outcome: outcome.outcome, ...facts, tail };
  return {
    outcome: outcome.outcome,
    ...matchFields(outcome),
    ...facts,
    ...(outcome.outcome === 'failed' && { tail }),
  };
}

/** What matched, cut to what an answer may hold: a line without end is no reason for an answer without end. */
function matchFields({ line, groups, named, stream }: PatternMatch) {
  const names = Object.entries(named);
  const share = Math.max(MIN_GROUP_CHARS, Math.floor(MATCH_CHARS / (1 + groups.length + names.length)));
  const cut = (text: string | null): string | null => text && cutText(text, share);
  return {
    line: cutText(line, share),
    groups: groups.map(cut),
    named: Object.fromEntries(names.map(([name, text]) => [name, cut(text)])),
    stream,
  };
}

function cutText(text: string, maxChars: number): string {
  if (text.length <= maxChars) return text;
  // Half of a surrogate pair is no text that every client can read.
  const start = text.slice(0, maxChars).replace(/[\uD800-\uDBFF]$/, '');
  return `${start}… (${text.length} characters)`;
}

export function toPortWait(outcome: PortWaitOutcome): WirePortWait {
  const { port, host, httpStatus, url, owner, lastProbe } = outcome;
  const { waitedMs, status, exit, awaitingInput, tail, cursor } = outcome;
  return {
    outcome: outcome.outcome,
    ...present({ port, host, http_status: httpStatus, url, owner, last_probe: lastProbe }),
    waited_ms: Math.round(waitedMs),
    ...present({ status, cursor }),
    ...exitOf(exit),
    ...present({ awaiting_input: awaitingInput }),
    ...present({ tail: tail === undefined || outcome.outcome === 'ready' ? undefined : cutTail(tail) }),
  };
}

export function toExitWait({ outcome, processes, waitedMs }: ExitWaitOutcome): WireExitWait {
  const share = tailShare(processes.length);
  const toEnded = ({ id, status, exit, awaitingInput, tail }: EndedProcess) => ({
    ...{ id, status, ...exitOf(exit) },
    ...present({ awaiting_input: awaitingInput }),
    tail: cutTail(tail, share),
  });
  return { outcome, processes: processes.map(toEnded), waited_ms: Math.round(waitedMs) };
}

export function toSend({
  id,
  status,
  exit,
  acceptedBytes,
  totalBytes,
  eof,
  reply,
  cursor,
}: SendResult): WireSend {
  return {
    ...{ id, status, ...exitOf(exit), accepted_bytes: acceptedBytes, total_bytes: totalBytes, eof },
    ...(reply && {
      outcome: reply.outcome,
      ...present({ awaiting_input: reply.awaitingInput }),
      ...present({ screen: reply.page.screen && describeScreen(reply.page.screen) }),
      output: reply.page.text,
      waited_ms: Math.round(reply.waitedMs),
    }),
    cursor,
  };
}

/** `80x24, cursor row 3 col 1, alternate screen, title "notes.txt"`. */
export function describeScreen({ cols, rows, cursor, alternate, title }: ScreenFacts): string {
  const parts = [
    `${cols}x${rows}`,
    `cursor row ${cursor.row} col ${cursor.col}`,
    ...(alternate ? ['alternate screen'] : []),
    ...(title === '' ? [] : [`title ${JSON.stringify(title.slice(0, MAX_TITLE))}`]),
  ];
  return parts.join(', ');
}

export function toKill(processes: readonly KilledProcess[]): WireKill {
  const share = tailShare(processes.length);
  const toKilled = ({ id, status, exit, killed, survivors, waitedMs, tail }: KilledProcess) => ({
    ...{ id, status, ...exitOf(exit), killed: killed.slice(0, MAX_PIDS) },
    ...present({ killed_total: killed.length > MAX_PIDS ? killed.length : undefined }),
    survivors: survivors.slice(0, MAX_PIDS),
    waited_ms: Math.round(waitedMs),
    tail: cutTail(tail, share),
  });
  return { processes: processes.map(toKilled) };
}
