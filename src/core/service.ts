import type {
  ExitWaitOutcome,
  KillResult,
  LogWaitOutcome,
  OutputEvent,
  OutputPage,
  PortWaitOutcome,
  ProcessListing,
  RunResult,
  SendResult,
  ServiceEvent,
  Status,
  StreamFilter,
} from './types.ts';

/** What a face knows about the caller of one request. */
export interface CallContext {
  /** Aborting ends a wait; it never touches the process. */
  signal?: AbortSignal;
  /** Who asks, as shown to people: a client's name and version. */
  client?: string;
  /** Longest its waits may take, in milliseconds; default: the configured cap, made for callers that hold a line. */
  waitCapMs?: number;
}

/** Conditions that end a combined wait; the first one wins. The process's end always ends it. */
export interface ReadyCondition {
  log?: string;
  failureLog?: string;
  /** A port number, or true for whichever port the tree opens first. */
  port?: number | true;
  /** Implies `port`: an HTTP GET of this path must answer 200–399. */
  httpPath?: string;
  exit?: boolean;
  /** No output for this long. */
  idleMs?: number;
  timeoutMs?: number;
}

export interface RunRequest {
  command?: string;
  args?: readonly string[];
  code?: string;
  language?: string;
  name?: string;
  cwd?: string;
  env?: Readonly<Record<string, string | null>>;
  stdin?: 'open' | 'closed';
  pty?: boolean;
  cols?: number;
  rows?: number;
  timeoutMs?: number;
  ifRunning?: 'error' | 'reuse' | 'replace';
  autoCleanup?: boolean;
  waitFor?: ReadyCondition;
}

export interface ListRequest {
  status?: 'all' | 'live' | 'ended' | Status;
  ids?: readonly string[];
}

export interface ReadRequest {
  /** Cursor; default: the start of the current run. */
  since?: number;
  /** Last n lines of the range; the default is 100 where neither `tail` nor `head` nor `since` is given. */
  tail?: number;
  /** First n lines of the range. */
  head?: number;
  grep?: string;
  /** Lines shown on each side of a `grep` hit. */
  context?: number;
  stream?: StreamFilter;
  maxBytes?: number;
  timestamps?: boolean;
  raw?: boolean;
  screen?: boolean;
}

export interface FollowRequest {
  /** Cursor, or `now` for only new output; default: the start of the current run. */
  since?: number | 'now';
}

export interface LogWaitRequest {
  pattern: string;
  failurePattern?: string;
  stream?: StreamFilter;
  /** Cursor, or `now` for only new output; default: the current run's retained output. */
  since?: number | 'now';
  timeoutMs?: number;
  stopAtPrompt?: boolean;
}

export interface PortWaitRequest {
  id?: string;
  port?: number;
  host?: string;
  mode?: 'tcp' | 'http';
  path?: string;
  /** Inclusive range of acceptable HTTP status codes; default 200–399. */
  httpStatus?: readonly [number, number];
  allowForeign?: boolean;
  timeoutMs?: number;
}

export interface ExitWaitRequest {
  ids: readonly string[];
  mode?: 'all' | 'any';
  timeoutMs?: number;
}

export interface SendRequest {
  text?: string;
  newline?: boolean;
  keys?: readonly string[];
  eof?: boolean;
  cols?: number;
  rows?: number;
  waitFor?: { log?: string; idleMs?: number; timeoutMs?: number };
}

/** Which processes: exactly one of the three is given. */
export interface Selection {
  ids?: readonly string[];
  all?: boolean;
}

export interface KillRequest extends Selection {
  signal?: string;
  graceMs?: number;
}

export interface RemoveRequest {
  ids?: readonly string[];
  allEnded?: boolean;
}

/**
 * What every face may ask for. Asynchronous, keyed by id, with serializable arguments and results, so that a client
 * of a running server can stand in for it. Every method rejects with a ProcessError.
 */
export interface ProcessService {
  run(request: RunRequest, context?: CallContext): Promise<RunResult>;
  list(request?: ListRequest): Promise<ProcessListing>;
  /** One page of output. A cursor beyond the end is treated as by `openOutput`. */
  read(id: string, request?: ReadRequest): Promise<OutputPage>;
  /**
   * The output as it comes, every byte from the cursor on exactly once. A reader slower than the process is told of a
   * gap. A cursor beyond the end is one of an earlier record of this name: it begins at the current run. Each exit is
   * told, the last one also to who comes later. Ends when the record is removed or the caller's signal aborts.
   */
  openOutput(id: string, request?: FollowRequest, context?: CallContext): Promise<AsyncIterable<OutputEvent>>;
  waitForLog(id: string, request: LogWaitRequest, context?: CallContext): Promise<LogWaitOutcome>;
  waitForPort(request: PortWaitRequest, context?: CallContext): Promise<PortWaitOutcome>;
  waitForExit(request: ExitWaitRequest, context?: CallContext): Promise<ExitWaitOutcome>;
  send(id: string, request: SendRequest, context?: CallContext): Promise<SendResult>;
  /** Resolves when the selected trees are gone, or with survivors when they could not be ended. */
  kill(request: KillRequest, context?: CallContext): Promise<KillResult>;
  restart(id: string, waitFor?: ReadyCondition, context?: CallContext): Promise<RunResult>;
  /** Returns the ids forgotten. */
  remove(request: RemoveRequest): Promise<string[]>;
  /** Calls the listener for each event until the returned function is called. Output events carry no bytes. */
  subscribe(listener: (event: ServiceEvent) => void): () => void;
}
