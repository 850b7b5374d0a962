import { ProcessError } from '../errors.ts';
import { describeLaunch } from '../ids.ts';
import { OutputBuffer, type Segment } from '../output/output-buffer.ts';
import { isLive, statusOf, type ProcessState } from './process-state.ts';
import type { LeaderEnd, ProcessHandle, Runner, Termination, TreeInspection } from '../runner.ts';
import { Terminal } from '../terminal/terminal.ts';
import { lastLine, tailText } from '../output/text-view.ts';
import type {
  Cause,
  ExitInfo,
  KilledProcess,
  ProcessFacts,
  ProcessSnapshot,
  ProcessSpec,
  Status,
  StreamName,
} from '../types.ts';
import { Listeners } from '../wait/wait.ts';

const NOTHING_ALIVE: TreeInspection = {
  descendants: [],
  memoryBytes: 0,
  cpuPercent: 0,
  ports: [],
  awaitingInput: false,
};

/** setTimeout fires at once for anything longer: 2^31 - 1 ms, 24.8 days. */
const LONGEST_TIMER_MS = 2_147_483_647;

export interface ProcessOptions {
  ringBytes: number;
  /** Grace of a lifetime time-out. */
  graceMs: number;
  /** Told by how many bytes each arrival of output changed what is retained. */
  onRetained: (deltaBytes: number) => void;
}

/**
 * One id: its current run, its output over all runs, and its tree. The state changes only in `#enter`, and observers
 * hear of the leader's end and of the tree's end as two events, since descendants may outlive the leader.
 */
export class ManagedProcess {
  readonly id: string;
  readonly buffer: OutputBuffer;
  readonly outputArrived = new Listeners<[Segment]>();
  readonly leaderStarted = new Listeners<[]>();
  readonly leaderEnded = new Listeners<[]>();
  readonly treeEnded = new Listeners<[]>();

  #spec: ProcessSpec;
  #client: string | undefined;
  #run = 1;
  #state: ProcessState = { phase: 'queued' };
  #started: Promise<void> = Promise.resolve();
  /** Of the current run. */
  #terminal: Terminal | undefined;
  /** Why we are ending it, from the moment we ask: the cause of its end unless that came before. */
  #ending: Cause | undefined;
  /** Signals we delivered without asking it to end: if one of them is its end, the cause is ours. */
  readonly #delivered = new Set<string>();
  #lifetime: NodeJS.Timeout | undefined;
  readonly #options: ProcessOptions;

  /** `client` is who asked for the first run, as shown to people. */
  constructor(id: string, spec: ProcessSpec, options: ProcessOptions, client?: string) {
    this.id = id;
    this.#spec = spec;
    this.#client = client;
    this.#options = options;
    this.buffer = new OutputBuffer(options.ringBytes);
  }

  get spec(): ProcessSpec {
    return this.#spec;
  }

  get run(): number {
    return this.#run;
  }

  /** Offset of the first byte of the current run. */
  get runFrom(): number {
    return this.buffer.runStart(this.#run);
  }

  /** Where a reader begins who may also ask for new output alone. */
  beginning(since: number | 'now' | undefined): number {
    return since === 'now' ? this.buffer.end : this.buffer.beginning(since, this.runFrom);
  }

  get status(): Status {
    return statusOf(this.#state);
  }

  /** True once the leader has ended or could not be started. */
  get ended(): boolean {
    return this.#state.phase === 'ended' || this.#state.phase === 'error';
  }

  /** True while anything of the tree is alive or about to be. */
  get live(): boolean {
    return isLive(this.#state);
  }

  get exit(): ExitInfo | undefined {
    return this.#state.phase === 'ended' ? this.#state.exit : undefined;
  }

  get endedAt(): number | undefined {
    return 'endedAt' in this.#state ? this.#state.endedAt : undefined;
  }

  /** The running tree's handle; absent before the start and after nothing is left. */
  get handle(): ProcessHandle | undefined {
    return this.live && 'handle' in this.#state ? this.#state.handle : undefined;
  }

  /** The terminal of the current run, where it has one. */
  get terminal(): Terminal | undefined {
    return this.#terminal;
  }

  /** Makes this id ready for its next run: output goes on in the same ring, behind a border. */
  nextRun(spec: ProcessSpec, client?: string): void {
    this.#spec = spec;
    this.#client = client;
    this.#run++;
    this.#ending = undefined;
    this.#delivered.clear();
    this.buffer.setCapacity(this.#options.ringBytes);
    this.#enter({ phase: 'queued' });
  }

  /** Settles as the last start did, or does when it is over. */
  get started(): Promise<void> {
    return this.#started;
  }

  /** Starts the current run. Rejects with the runner's ProcessError, and is then in status `error`. */
  start(runner: Runner): Promise<void> {
    this.#started = this.#start(runner);
    return this.#started;
  }

  async #start(runner: Runner): Promise<void> {
    const startedAt = Date.now();
    this.buffer.beginRun(this.#run, startedAt);
    this.#terminal = this.#spec.terminal && new Terminal(this.#spec.terminal, this.buffer);
    this.#enter({ phase: 'starting', startedAt });
    try {
      const handle = await runner.spawn(this.#spec, (stream, chunk) => {
        this.#receive(stream, chunk);
      });
      this.#enter({ phase: 'running', startedAt, handle });
      this.leaderStarted.emit();
      this.#follow(handle, startedAt);
    } catch (error) {
      const failure =
        error instanceof ProcessError
          ? error
          : new ProcessError('SPAWN_FAILED', String(error), {
              hint: 'Check the command and try again.',
              cause: error,
            });
      this.#enter({ phase: 'error', startedAt, endedAt: Date.now(), error: failure });
      this.leaderEnded.emit();
      this.treeEnded.emit();
      throw failure;
    }
  }

  #follow(handle: ProcessHandle, startedAt: number): void {
    const { timeoutMs } = this.#spec;
    if (timeoutMs !== undefined) {
      this.#lifetime = setTimeout(
        () => {
          void this.end('timeout', 'SIGTERM', this.#options.graceMs);
        },
        Math.min(timeoutMs, LONGEST_TIMER_MS),
      );
    }
    const leader = handle.exited.then((exit) => {
      const { code, signal } = exit;
      const ended = { code, signal, cause: this.#causeOf(exit) };
      this.#enter({ phase: 'ended', startedAt, endedAt: Date.now(), handle, exit: ended, treeEmpty: false });
      this.leaderEnded.emit();
    });
    void Promise.all([leader, handle.empty]).then(() => {
      clearTimeout(this.#lifetime);
      if (this.#state.phase === 'ended') this.#enter({ ...this.#state, treeEmpty: true });
      this.treeEnded.emit();
    });
  }

  #causeOf(exit: LeaderEnd): Cause {
    if (this.#ending !== undefined && exit.beforeTermination !== true) return this.#ending;
    if (exit.signal === null) return 'self';
    return this.#delivered.has(exit.signal) ? 'kill_process' : 'external';
  }

  #receive(stream: StreamName, bytes: Uint8Array): void {
    const from = this.buffer.end;
    const at = Date.now();
    const retained = this.buffer.retainedBytes;
    this.buffer.append(stream, bytes, at);
    this.#options.onRetained(this.buffer.retainedBytes - retained);
    this.#terminal?.observe(bytes);
    this.outputArrived.emit({ stream, from, at, bytes });
  }

  /** Every change of state passes here. */
  #enter(next: ProcessState): void {
    this.#state = next;
  }

  /** Delivers a signal that does not mean "end". False when nobody is left to take it. */
  deliver(signal: string): boolean {
    const delivered = this.handle?.signal(signal) === true;
    if (delivered) this.#delivered.add(signal);
    return delivered;
  }

  /** Ends the whole tree and resolves when it is gone, or with the survivors. The first cause given is kept. */
  async end(cause: Cause, signal: string, graceMs: number): Promise<KilledProcess> {
    const begun = performance.now();
    await this.#started.catch(() => undefined);
    const { handle } = this;
    let result: Termination = { killed: [], survivors: [] };
    if (handle !== undefined) {
      if (!this.ended) this.#ending ??= cause;
      result = await handle.terminate(signal, graceMs);
      if (result.survivors.length === 0) await this.#treeGone();
    }
    return { ...this.#lastFacts(), ...result, waitedMs: Math.round(performance.now() - begun) };
  }

  /** What a kill answers where nothing was to be ended. */
  untouched(): KilledProcess {
    return { ...this.#lastFacts(), killed: [], survivors: [], waitedMs: 0 };
  }

  #lastFacts(): Omit<KilledProcess, 'killed' | 'survivors' | 'waitedMs'> {
    const { exit } = this;
    return { id: this.id, status: this.status, ...(exit && { exit }), tail: this.tail() };
  }

  #treeGone(): Promise<void> {
    if (!this.live) return Promise.resolve();
    return new Promise((resolve) => {
      const remove = this.treeEnded.add(() => {
        remove();
        resolve();
      });
    });
  }

  /** Whether the tree is blocked reading its input; false once nothing of it is left. */
  async awaitingInput(): Promise<boolean> {
    const waiting = await this.handle?.awaitingInput().catch(() => false);
    return waiting ?? false;
  }

  /**
   * The last lines of the current run, as clean text. Of a failure its last words on stderr are always part, even
   * where much was printed on stdout after them.
   */
  tail(): string {
    const tail = tailText(this.buffer, this.runFrom);
    if (this.status !== 'failed' && this.status !== 'killed') return tail;
    const errors = tailText(this.buffer, this.runFrom, { stream: 'stderr', lines: 10, maxBytes: 1000 });
    const lastError = errors.slice(errors.lastIndexOf('\n') + 1);
    return tail.includes(lastError) ? tail : `${tail}\n--- stderr ---\n${errors}`;
  }

  async snapshot(): Promise<ProcessSnapshot> {
    // A tree that ends while it is looked at has nothing alive.
    const tree = (await this.handle?.inspect().catch(() => undefined)) ?? NOTHING_ALIVE;
    return { ...this.facts(), ...tree };
  }

  facts(): ProcessFacts {
    const { buffer, exit, endedAt } = this;
    const state = this.#state;
    const startedAt = 'startedAt' in state ? state.startedAt : Date.now();
    return {
      id: this.id,
      run: this.#run,
      pid: 'handle' in state ? state.handle.pid : null,
      status: this.status,
      live: this.live,
      ...(exit && { exit }),
      ...(state.phase === 'error' && { error: { code: state.error.code, message: state.error.message } }),
      command: describeLaunch(this.#spec.launch),
      cwd: this.#spec.cwd,
      ...(this.#client !== undefined && { client: this.#client }),
      startedAt,
      ...(endedAt !== undefined && { endedAt }),
      uptimeMs: (endedAt ?? Date.now()) - startedAt,
      output: {
        bytes: buffer.end,
        lines: buffer.lines,
        droppedBytes: buffer.droppedBytes,
        lastLine: lastLine(buffer, this.runFrom, 200),
      },
    };
  }
}
