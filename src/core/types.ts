/**
 * The vocabulary of the core: plain, serializable values. Times are milliseconds since the Unix epoch where the
 * name ends in `At`, durations in milliseconds where it ends in `Ms`, and sizes in bytes.
 */

/** Which of a process's outputs a byte came from. A terminal (PTY) has one output, reported as stdout. */
export type StreamName = 'stdout' | 'stderr';
export type StreamFilter = StreamName | 'both';

export const STATUSES = ['queued', 'starting', 'running', 'completed', 'failed', 'killed', 'error'] as const;
/** The state of the leader: the process we started, not its descendants. */
export type Status = (typeof STATUSES)[number];

/** Who ended a process. Reported only when known; `external` means a signal that was not ours. */
export type Cause = 'self' | 'kill_process' | 'timeout' | 'shutdown' | 'external';

/** How the leader ended, as the kernel told it: exactly one of `code` and `signal` is non-null. */
export interface LeaderExit {
  code: number | null;
  /** Signal name such as `SIGTERM`. */
  signal: string | null;
}

export interface ExitInfo extends LeaderExit {
  cause: Cause;
}

/** What to start. `shell` is one line for bash or sh; `exec` is an executable and its argv with no shell between. */
export type Launch =
  | { kind: 'shell'; line: string }
  | { kind: 'exec'; file: string; args: readonly string[] }
  | { kind: 'code'; language: string; source: string };

export interface TerminalSize {
  cols: number;
  rows: number;
}

/** Everything needed to start a process, and to start it again as its next run. */
export interface ProcessSpec {
  launch: Launch;
  /** Absolute working directory, symlinks resolved. */
  cwd: string;
  /** Laid over the server's own environment; null unsets. */
  env: Readonly<Record<string, string | null>>;
  stdin: 'open' | 'closed';
  /** Present when the process runs in a pseudo-terminal of this size. */
  terminal?: TerminalSize;
  /** Lifetime after which the whole tree is killed with cause `timeout`. */
  timeoutMs?: number;
  /** Drop the record as soon as the whole tree has ended. */
  autoCleanup: boolean;
}

/** A process as others see it: enough to recognise it. */
export interface ProcessBrief {
  pid: number;
  command: string;
}

export interface OutputSummary {
  /** Bytes ever printed, over all runs. */
  bytes: number;
  /** Line ends ever printed, over all runs. */
  lines: number;
  /** Bytes no longer retained. */
  droppedBytes: number;
  /** The last non-blank line as clean text, cut to 200 characters. */
  lastLine: string;
}

/** What is known of a process at one moment without looking at its tree. */
export interface ProcessFacts {
  id: string;
  /** 1 for the first start under this id, counting up. */
  run: number;
  pid: number | null;
  status: Status;
  /** True while anything of the tree is alive, even if the leader has ended. */
  live: boolean;
  exit?: ExitInfo;
  /** Why it never started (status `error`). */
  error?: { code: string; message: string };
  command: string;
  cwd: string;
  /** Name and version of the client that asked for this run, where it told them. */
  client?: string;
  startedAt: number;
  endedAt?: number;
  uptimeMs: number;
  output: OutputSummary;
}

/** One process at one moment, its tree included. */
export interface ProcessSnapshot extends ProcessFacts {
  /** Members of the tree other than the leader. */
  descendants: ProcessBrief[];
  /** TCP ports the tree listens on now, ascending. */
  ports: number[];
  memoryBytes: number;
  cpuPercent: number;
  awaitingInput: boolean;
}

/** How processes are kept from escaping on this machine. */
export interface Supervision {
  mode: 'shim' | 'process-group';
  /** Why the weaker mode serves, and what that costs; absent when nothing is lost. */
  warning?: string;
}

export interface ProcessListing {
  processes: ProcessSnapshot[];
  supervision: Supervision;
}

/** Bytes evicted between where the reader wanted to start and what is still retained. */
export interface Gap {
  from: number;
  to: number;
  bytes: number;
}

/** A terminal's screen, beside its text. Positions count from 1. */
export interface ScreenFacts extends TerminalSize {
  cursor: { row: number; col: number };
  /** A full-screen program shows its own screen, which goes when it ends. */
  alternate: boolean;
  /** Set by the program; empty where it has set none. */
  title: string;
  /** Bytes of the run no longer retained when the screen was first asked for: what they drew is missing. */
  missingBytes: number;
}

/** The answer to a read: clean (or raw) text with the byte range it was made from. */
export interface OutputPage {
  id: string;
  run: number;
  status: Status;
  exit?: ExitInfo;
  /** Absolute byte offsets in the merged output: `from` inclusive, `to` exclusive. */
  from: number;
  to: number;
  /** Cursor for the next read: nothing between `to` and `next` was skipped silently. */
  next: number;
  /** First retained and one-past-last byte of the whole output. */
  retainedFrom: number;
  end: number;
  gap?: Gap;
  text: string;
  /** Lines left out of this answer, each with the reason a reader can act on. */
  omitted: { lines: number; where: 'before' | 'after' | 'middle' }[];
  /** With `grep`: how many lines matched in the range, shown or not. */
  matches?: number;
  /** With `screen`: the text is the screen, and the byte range what made it. */
  screen?: ScreenFacts;
  /** Present and true when the output is a full-screen program's drawing: `screen` makes sense of it. */
  alternateScreen?: true;
  /** Present and true when the tree is blocked reading its standard input or terminal. */
  awaitingInput?: true;
}

interface WaitFacts {
  status: Status;
  exit?: ExitInfo;
  /** Present and true when the tree was blocked reading its standard input or terminal as the wait ended. */
  awaitingInput?: true;
  /** Time the wait really took. */
  waitedMs: number;
  /** The last lines of output, clean text. */
  tail: string;
  /** Where to read or wait on from. */
  cursor: number;
}

export interface PatternMatch {
  /** The matching line, clean text. */
  line: string;
  /** Capture groups by position, starting with group 1; null where a group took no part. */
  groups: (string | null)[];
  named: Record<string, string | null>;
  stream: StreamName;
}

export type LogWaitOutcome = WaitFacts &
  (({ outcome: 'matched' | 'failed' } & PatternMatch) | { outcome: 'exited' | 'timeout' | 'awaiting_input' });

export interface PortOwner extends ProcessBrief {
  /** Our id, when the owner belongs to a process we started. */
  id?: string;
}

export type PortWaitOutcome = {
  outcome: 'ready' | 'foreign' | 'exited' | 'timeout';
  port?: number;
  host?: string;
  httpStatus?: number;
  url?: string;
  owner?: PortOwner;
  /** What the last probe saw, for a timeout: "connection refused", "HTTP 503". */
  lastProbe?: string;
  waitedMs: number;
  status?: Status;
  exit?: ExitInfo;
  awaitingInput?: true;
  tail?: string;
  cursor?: number;
};

export interface EndedProcess {
  id: string;
  status: Status;
  exit?: ExitInfo;
  /** Present and true when it has not ended but is blocked reading its standard input or terminal. */
  awaitingInput?: true;
  tail: string;
}

export interface ExitWaitOutcome {
  outcome: 'exited' | 'timeout';
  processes: EndedProcess[];
  waitedMs: number;
}

/** The answer to a combined wait: `by` names the condition that ended it. */
export type ReadyOutcome =
  | ({ by: 'log' | 'failure_log' } & LogWaitOutcome)
  | ({ by: 'port' } & PortWaitOutcome)
  | ({ by: 'exit' | 'idle' | 'timeout' | 'awaiting_input' } & WaitFacts &
      Pick<PortWaitOutcome, 'port' | 'lastProbe'> & {
        outcome: 'exited' | 'idle' | 'timeout' | 'awaiting_input';
      });

export interface RunResult {
  process: ProcessFacts;
  /** True when `if_running: reuse` found it alive and nothing was started. */
  reused: boolean;
  /** Last output, when it ended already or a wait ended without success. */
  tail?: string;
  wait?: ReadyOutcome;
}

export interface SendResult {
  id: string;
  status: Status;
  exit?: ExitInfo;
  /** Bytes the process's stdin accepted. */
  acceptedBytes: number;
  /** Bytes given, including the newline added. */
  totalBytes: number;
  eof: boolean;
  /** Present with `waitFor`: what was printed after the input, and why the wait ended. */
  reply?: {
    outcome: 'matched' | 'idle' | 'exited' | 'timeout' | 'awaiting_input';
    page: Pick<OutputPage, 'text' | 'omitted' | 'screen'>;
    awaitingInput?: true;
    waitedMs: number;
  };
  cursor: number;
}

export interface KilledProcess {
  id: string;
  status: Status;
  exit?: ExitInfo;
  /** Pids of the tree that were alive when the kill began and are gone now. */
  killed: number[];
  /** Pids of the tree still alive: empty is the proof. */
  survivors: number[];
  waitedMs: number;
  tail: string;
}

export interface KillResult {
  processes: KilledProcess[];
}

/** What an open output tells, in order. Offsets are absolute in the merged output, as cursors are. */
export type OutputEvent =
  /** `at` is the arrival of the first byte. The bytes belong to the receiver. */
  | { type: 'output'; stream: StreamName; from: number; at: number; bytes: Uint8Array }
  /** Bytes evicted before this reader came to them. */
  | ({ type: 'gap' } & Gap)
  /** The bytes from here on are this run's. */
  | { type: 'run'; run: number; from: number; at: number }
  /** The run's leader has ended; every byte it wrote came before, and its descendants may yet write more. */
  | { type: 'exit'; run: number; to: number; at: number; status: Status; exit?: ExitInfo };

export type ServiceEvent =
  | { type: 'started' | 'removed' | 'output'; id: string; run: number }
  /** A wait for readiness has succeeded: `by` names the condition. */
  | { type: 'ready'; id: string; run: number; by: 'log' | 'port' | 'idle'; port?: number; url?: string }
  | { type: 'exited'; id: string; run: number; status: Status; exit?: ExitInfo };
