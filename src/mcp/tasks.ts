import type { CallToolResult } from '@modelcontextprotocol/server';
import { PATIENT_WAIT_MS } from '../core/limits.ts';

export interface TaskLimits {
  /** A call that settles within this many milliseconds is answered at once, and never becomes a task. */
  quickMs: number;
  /** Calls under way at the same time, those included that may yet become tasks. */
  maxOpen: number;
  /** Ended tasks whose result may still be fetched; the one that ended first goes first. */
  maxEnded: number;
  /** How long a result waits to be fetched, in milliseconds. */
  keepMs: number;
}

export const DEFAULT_TASK_LIMITS: TaskLimits = {
  quickMs: 1000,
  maxOpen: 256,
  maxEnded: 256,
  keepMs: 60 * 60_000,
};

/** A client should look again after a tenth of the time gone by, within these bounds, in milliseconds. */
const MIN_POLL_MS = 500;
const MAX_POLL_MS = 5000;

/** Tools that start a process, and wait where they are asked to, by the argument `wait_for`. */
export const STARTS: ReadonlySet<string> = new Set(['run_background', 'restart_process']);

/** How a task ended. `failed` is for faults of the protocol; a tool's own error is a result like any other. */
type Ending =
  | { status: 'completed'; result: CallToolResult }
  | { status: 'failed'; error: { code: number; message: string } }
  | { status: 'cancelled' };

/** A task as the protocol tells it: facts common to all, and how it ended. */
export type TaskState = {
  taskId: string;
  statusMessage: string;
  /** ISO 8601, as `lastUpdatedAt` is. */
  createdAt: string;
  lastUpdatedAt: string;
  /** From creation, in milliseconds. */
  ttlMs: number;
  pollIntervalMs?: number;
} & ({ status: 'working' } | Ending);

type WorkingState = Extract<TaskState, { status: 'working' }>;

/** What a call is answered with that has become a task. */
export type CreatedTask = WorkingState & {
  resultType: 'task';
  /** Empty: without it no answer to a call passes the SDK's check. */
  content: [];
};

interface Task {
  id: string;
  tool: string;
  /** Wall clock, for people; what is measured is measured from `begun`, which is monotonic. */
  createdAt: number;
  begun: number;
  cancelled: AbortController;
}

interface EndedTask extends Task {
  ending: Ending;
  ended: number;
}

/**
 * Calls that go on after their request was answered, until their result is fetched by id. An id is a key as well: it
 * is random, and nothing lists the ids there are.
 */
export class Tasks {
  readonly #limits: TaskLimits;
  readonly #working = new Map<string, Task>();
  /** In the order in which they ended. */
  readonly #ended = new Map<string, EndedTask>();
  #open = 0;

  constructor(limits: TaskLimits = DEFAULT_TASK_LIMITS) {
    this.#limits = limits;
  }

  /** True when as many calls are under way as may be: the next one has to be waited for. */
  get full(): boolean {
    return this.#open >= this.#limits.maxOpen;
  }

  /**
   * Resolves with the call's result if it comes soon, else with the task that it has become. The request's signal
   * aborts the call until then, and nothing but `cancel` and `close` does from then on.
   */
  async run(
    tool: string,
    request: AbortSignal,
    call: (signal: AbortSignal) => Promise<CallToolResult>,
  ): Promise<CallToolResult | CreatedTask> {
    const cancelled = new AbortController();
    const giveUp = (): void => {
      cancelled.abort(request.reason);
    };
    if (request.aborted) giveUp();
    request.addEventListener('abort', giveUp, { once: true });
    this.#open++;
    const result = call(cancelled.signal).finally(() => {
      this.#open--;
    });
    try {
      const quick = await settledWithin(result, this.#limits.quickMs);
      // Of a request that was given up nobody would learn the task's id.
      if (quick !== undefined || request.aborted) return quick ?? (await result);
      return this.#create(tool, cancelled, result);
    } finally {
      request.removeEventListener('abort', giveUp);
    }
  }

  /** Undefined for an id that never was, or whose task ended too long ago. */
  get(id: string): TaskState | undefined {
    const working = this.#working.get(id);
    if (working) return this.#describeWorking(working);
    this.#forgetExpired();
    const ended = this.#ended.get(id);
    return ended && this.#describeEnded(ended);
  }

  /** Ends the task's wait; one that has ended stays as it is. False for an id that `get` does not know. */
  cancel(id: string): boolean {
    const task = this.#working.get(id);
    if (task === undefined) return this.get(id) !== undefined;
    this.#end(task, { status: 'cancelled' });
    task.cancelled.abort(new Error('The task was cancelled.'));
    return true;
  }

  /** Ends and forgets them all. */
  close(): void {
    const tasks = [...this.#working.values()];
    this.#working.clear();
    this.#ended.clear();
    for (const { cancelled } of tasks) cancelled.abort(new Error('The server is ending.'));
  }

  #create(tool: string, cancelled: AbortController, result: Promise<CallToolResult>): CreatedTask {
    const id = crypto.randomUUID();
    const task: Task = { id, tool, createdAt: Date.now(), begun: performance.now(), cancelled };
    this.#working.set(id, task);
    result.then(
      (value) => {
        // Clients check it by the schema of an answer, which the SDK completes only where it is one.
        this.#end(task, { status: 'completed', result: { resultType: 'complete', ...value } });
      },
      (error: unknown) => {
        this.#end(task, { status: 'failed', error: rpcErrorOf(error) });
      },
    );
    return { resultType: 'task', content: [], ...this.#describeWorking(task) };
  }

  /** The first ending counts: what a cancelled call comes to afterwards is nobody's business. */
  #end(task: Task, ending: Ending): void {
    if (!this.#working.delete(task.id)) return;
    this.#forgetExpired();
    const [oldest] = this.#ended.keys();
    if (oldest !== undefined && this.#ended.size >= this.#limits.maxEnded) this.#ended.delete(oldest);
    this.#ended.set(task.id, { ...task, ending, ended: performance.now() });
  }

  #forgetExpired(): void {
    const before = performance.now() - this.#limits.keepMs;
    for (const [id, { ended }] of this.#ended) {
      if (ended > before) return;
      this.#ended.delete(id);
    }
  }

  #describeWorking({ id, tool, createdAt, begun }: Task): WorkingState {
    const age = performance.now() - begun;
    const created = new Date(createdAt).toISOString();
    return {
      taskId: id,
      status: 'working',
      statusMessage: `${tool} is waiting.`,
      createdAt: created,
      lastUpdatedAt: created,
      ttlMs: PATIENT_WAIT_MS + this.#limits.keepMs,
      pollIntervalMs: Math.round(Math.min(MAX_POLL_MS, Math.max(MIN_POLL_MS, age / 10))),
    };
  }

  #describeEnded({ id, tool, createdAt, begun, ending, ended }: EndedTask): TaskState {
    const age = Math.round(ended - begun);
    return {
      taskId: id,
      ...ending,
      statusMessage: messageOf(tool, ending),
      createdAt: new Date(createdAt).toISOString(),
      lastUpdatedAt: new Date(createdAt + age).toISOString(),
      ttlMs: age + this.#limits.keepMs,
    };
  }
}

function messageOf(tool: string, ending: Ending): string {
  switch (ending.status) {
    case 'completed':
      return `${tool} has answered.`;
    case 'failed':
      return `${tool} failed: ${ending.error.message}`;
    case 'cancelled':
      return STARTS.has(tool)
        ? `The wait of ${tool} was cancelled; what it was starting goes on: see list_processes.`
        : `${tool} was cancelled; the process was not touched.`;
  }
}

/** JSON-RPC's code for what went wrong inside, where the error names none. */
const INTERNAL_ERROR = -32603;

function rpcErrorOf(error: unknown): { code: number; message: string } {
  if (!(error instanceof Error)) return { code: INTERNAL_ERROR, message: String(error) };
  const code = 'code' in error && typeof error.code === 'number' ? error.code : INTERNAL_ERROR;
  return { code, message: error.message };
}

/** Undefined when the promise has not settled in time. Rejects as it does. */
function settledWithin<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      resolve(undefined);
    }, ms);
    promise.then(resolve, reject).finally(() => {
      clearTimeout(timer);
    });
  });
}
