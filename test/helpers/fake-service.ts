import { ProcessError } from '../../src/core/errors.ts';
import type {
  CallContext,
  ExitWaitRequest,
  FollowRequest,
  KillRequest,
  ListRequest,
  LogWaitRequest,
  PortWaitRequest,
  ProcessService,
  ReadRequest,
  ReadyCondition,
  RemoveRequest,
  RunRequest,
  SendRequest,
} from '../../src/core/service.ts';
import type {
  ExitWaitOutcome,
  KillResult,
  LogWaitOutcome,
  OutputEvent,
  OutputPage,
  PortWaitOutcome,
  ProcessListing,
  ProcessSnapshot,
  RunResult,
  SendResult,
  ServiceEvent,
} from '../../src/core/types.ts';

/** 2026-01-02T03:04:05.000Z */
const STARTED_AT = Date.UTC(2026, 0, 2, 3, 4, 5);

export function snapshotOf(over: Partial<ProcessSnapshot> = {}): ProcessSnapshot {
  return {
    id: 'web',
    run: 1,
    pid: 4242,
    status: 'running',
    live: true,
    command: 'npm run dev',
    cwd: '/srv/app',
    startedAt: STARTED_AT,
    uptimeMs: 61_500,
    descendants: [],
    ports: [],
    memoryBytes: 12_345_678,
    cpuPercent: 3.14,
    awaitingInput: false,
    output: { bytes: 1234, lines: 20, droppedBytes: 0, lastLine: 'ready' },
    ...over,
  };
}

export function endedSnapshot(over: Partial<ProcessSnapshot> = {}): ProcessSnapshot {
  return snapshotOf({
    id: 'build',
    pid: 99,
    status: 'failed',
    live: false,
    exit: { code: 2, signal: null, cause: 'self' },
    endedAt: STARTED_AT + 61_500,
    ...over,
  });
}

export function pageOf(over: Partial<OutputPage> = {}): OutputPage {
  return {
    id: 'web',
    run: 1,
    status: 'running',
    from: 0,
    to: 6,
    next: 6,
    retainedFrom: 0,
    end: 6,
    text: 'ready\n',
    omitted: [],
    ...over,
  };
}

type Method = Exclude<keyof ProcessService, 'subscribe'>;

/** Answers that a test prepares; a function sees the arguments of the call. */
interface Answers {
  run: (request: RunRequest, context?: CallContext) => RunResult | Promise<RunResult>;
  list: (request?: ListRequest) => ProcessListing;
  read: (id: string, request?: ReadRequest) => OutputPage;
  openOutput: (id: string, request?: FollowRequest) => AsyncIterable<OutputEvent>;
  waitForLog: (
    id: string,
    request: LogWaitRequest,
    context?: CallContext,
  ) => LogWaitOutcome | Promise<LogWaitOutcome>;
  waitForPort: (request: PortWaitRequest, context?: CallContext) => PortWaitOutcome;
  waitForExit: (request: ExitWaitRequest, context?: CallContext) => ExitWaitOutcome;
  send: (id: string, request: SendRequest, context?: CallContext) => SendResult;
  kill: (request: KillRequest, context?: CallContext) => KillResult;
  restart: (id: string, waitFor?: ReadyCondition, context?: CallContext) => RunResult;
  remove: (request: RemoveRequest) => string[];
}

async function* nothing(): AsyncIterable<OutputEvent> {}

function notFound(id: string): ProcessError {
  return new ProcessError('PROCESS_NOT_FOUND', `There is no process ${JSON.stringify(id)}.`, {
    hint: 'Known: web, build.',
  });
}

/** A service whose every answer a test can set, and which remembers what it was asked. */
export class FakeService implements ProcessService {
  readonly calls: { method: Method; args: readonly unknown[] }[] = [];
  processes: ProcessSnapshot[] = [snapshotOf(), endedSnapshot()];
  readonly #listeners = new Set<(event: ServiceEvent) => void>();

  answers: Answers = {
    run: () => ({ process: snapshotOf(), reused: false }),
    list: (request) => ({
      processes: request?.ids?.map((id) => this.#find(id)) ?? this.processes,
      supervision: { mode: 'shim' },
    }),
    read: (id) => pageOf({ id: this.#find(id).id }),
    openOutput: () => nothing(),
    waitForLog: (id) => ({
      outcome: 'matched',
      line: 'Ready on port 5173',
      groups: ['5173'],
      named: { port: '5173' },
      stream: 'stdout',
      status: this.#find(id).status,
      waitedMs: 12,
      tail: 'Ready on port 5173\n',
      cursor: 19,
    }),
    waitForPort: ({ port = 5173 }) => ({
      outcome: 'ready',
      port,
      host: '127.0.0.1',
      url: `http://127.0.0.1:${port}/`,
      owner: { pid: 4242, command: 'node', id: 'web' },
      waitedMs: 30,
    }),
    waitForExit: ({ ids }) => ({
      outcome: 'exited',
      waitedMs: 5,
      processes: ids.map((id) => ({
        id,
        status: 'failed',
        exit: { code: 2, signal: null, cause: 'self' },
        tail: 'error: no\n',
      })),
    }),
    send: (id, { text = '' }) => ({
      id,
      status: 'running',
      acceptedBytes: text.length + 1,
      totalBytes: text.length + 1,
      eof: false,
      cursor: 6,
    }),
    kill: ({ ids }) => ({
      processes: (ids ?? ['web']).map((id) => ({
        id,
        status: 'killed',
        exit: { code: null, signal: 'SIGTERM', cause: 'kill_process' },
        killed: [4242, 4243],
        survivors: [],
        waitedMs: 7,
        tail: 'bye\n',
      })),
    }),
    restart: (id) => ({ process: snapshotOf({ id, run: 2 }), reused: false }),
    remove: ({ ids }) => [...(ids ?? ['build'])],
  };

  #find(id: string): ProcessSnapshot {
    const found = this.processes.find((process) => process.id === id);
    if (!found) throw notFound(id);
    return found;
  }

  /** The arguments of the only call of this method so far. */
  askedFor(method: Method): readonly unknown[] {
    const made = this.calls.filter((call) => call.method === method);
    const [only] = made;
    if (only === undefined || made.length > 1) throw new Error(`${method} was called ${made.length} times`);
    return only.args;
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  emit(event: ServiceEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  async run(request: RunRequest, context?: CallContext): Promise<RunResult> {
    this.calls.push({ method: 'run', args: [request, context] });
    return this.answers.run(request, context);
  }

  async list(request?: ListRequest): Promise<ProcessListing> {
    this.calls.push({ method: 'list', args: [request] });
    return Promise.resolve().then(() => this.answers.list(request));
  }

  async read(id: string, request?: ReadRequest): Promise<OutputPage> {
    this.calls.push({ method: 'read', args: [id, request] });
    return Promise.resolve().then(() => this.answers.read(id, request));
  }

  async openOutput(id: string, request?: FollowRequest): Promise<AsyncIterable<OutputEvent>> {
    this.calls.push({ method: 'openOutput', args: [id, request] });
    return Promise.resolve().then(() => this.answers.openOutput(id, request));
  }

  async waitForLog(id: string, request: LogWaitRequest, context?: CallContext): Promise<LogWaitOutcome> {
    this.calls.push({ method: 'waitForLog', args: [id, request, context] });
    return this.answers.waitForLog(id, request, context);
  }

  async waitForPort(request: PortWaitRequest, context?: CallContext): Promise<PortWaitOutcome> {
    this.calls.push({ method: 'waitForPort', args: [request, context] });
    return Promise.resolve().then(() => this.answers.waitForPort(request, context));
  }

  async waitForExit(request: ExitWaitRequest, context?: CallContext): Promise<ExitWaitOutcome> {
    this.calls.push({ method: 'waitForExit', args: [request, context] });
    return Promise.resolve().then(() => this.answers.waitForExit(request, context));
  }

  async send(id: string, request: SendRequest, context?: CallContext): Promise<SendResult> {
    this.calls.push({ method: 'send', args: [id, request, context] });
    return Promise.resolve().then(() => this.answers.send(id, request, context));
  }

  async kill(request: KillRequest, context?: CallContext): Promise<KillResult> {
    this.calls.push({ method: 'kill', args: [request, context] });
    return Promise.resolve().then(() => this.answers.kill(request, context));
  }

  async restart(id: string, waitFor?: ReadyCondition, context?: CallContext): Promise<RunResult> {
    this.calls.push({ method: 'restart', args: [id, waitFor, context] });
    return Promise.resolve().then(() => this.answers.restart(id, waitFor, context));
  }

  async remove(request: RemoveRequest): Promise<string[]> {
    this.calls.push({ method: 'remove', args: [request] });
    return Promise.resolve().then(() => this.answers.remove(request));
  }

  subscribe(listener: (event: ServiceEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }
}
