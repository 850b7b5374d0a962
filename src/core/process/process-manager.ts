import { ProcessError } from '../errors.ts';
import { treeSettled } from '../wait/exit-watcher.ts';
import type { Limits } from '../limits.ts';
import type { ManagedProcess } from './managed-process.ts';
import { Registry } from './registry.ts';
import { followOutput } from '../output/output-stream.ts';
import type { Runner } from '../runner.ts';
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
} from '../service.ts';
import { endsProcess, notDelivered, parseSignal } from '../signals.ts';
import { screenPage } from '../terminal/screen-page.ts';
import { Starter } from './starter.ts';
import { sendTurn } from '../terminal/stdin-turn.ts';
import { compilePattern } from '../output/pattern.ts';
import { renderPage } from '../output/text-view.ts';
import type {
  Cause,
  ExitWaitOutcome,
  KilledProcess,
  KillResult,
  LogWaitOutcome,
  OutputEvent,
  OutputPage,
  PortWaitOutcome,
  ProcessListing,
  ReadyOutcome,
  RunResult,
  SendResult,
  ServiceEvent,
} from '../types.ts';
import { Listeners } from '../wait/wait.ts';
import { Waits } from '../wait/waits.ts';

/** The service itself: looks the process up, and hands the request to the part that knows how. */
export class ProcessManager implements ProcessService {
  readonly #runner: Runner;
  readonly #limits: Limits;
  readonly #registry: Registry;
  readonly #waits: Waits;
  readonly #events = new Listeners<[ServiceEvent]>();
  readonly #starter: Starter;

  constructor(runner: Runner, limits: Limits) {
    this.#runner = runner;
    this.#limits = limits;
    this.#registry = new Registry(limits);
    this.#waits = new Waits(limits.waitCapMs, { runner, identify: (pid) => this.#identify(pid) });
    this.#starter = new Starter({
      runner,
      limits,
      registry: this.#registry,
      checkCondition: (condition) => this.#waits.check(condition),
      waitUntilReady: async (process, condition, context) => {
        const outcome = await this.#waits.forReady(process, condition, context);
        this.#tellReady(process, outcome);
        return outcome;
      },
      onReserved: (process) => {
        this.#observe(process);
      },
      onHandedOver: () => {
        this.#forgetSurplus();
      },
    });
  }

  run(request: RunRequest, context?: CallContext): Promise<RunResult> {
    return this.#starter.run(request, context);
  }

  async restart(id: string, waitFor?: ReadyCondition, context?: CallContext): Promise<RunResult> {
    return this.#starter.restart(this.#registry.get(id), waitFor, context);
  }

  /** Each process once, in the order named. Throws PROCESS_NOT_FOUND. */
  #named(ids: readonly string[] = []): ManagedProcess[] {
    return [...new Set(ids)].map((id) => this.#registry.get(id));
  }

  #observe(process: ManagedProcess): void {
    process.outputArrived.add(() => {
      this.#events.emit({ type: 'output', id: process.id, run: process.run });
    });
    // Told by the process itself: one that ends at once is not to be heard of in the wrong order.
    process.leaderStarted.add(() => {
      this.#events.emit({ type: 'started', id: process.id, run: process.run });
    });
    process.leaderEnded.add(() => {
      const { id, run, status, exit } = process;
      this.#events.emit({ type: 'exited', id, run, status, ...(exit && { exit }) });
    });
    process.treeEnded.add(() => {
      this.#forgetSurplus();
    });
  }

  #forgetSurplus(): void {
    for (const process of this.#registry.surplus()) this.#forget(process);
  }

  #forget(process: ManagedProcess): void {
    this.#registry.remove(process);
    this.#events.emit({ type: 'removed', id: process.id, run: process.run });
  }

  async list(request: ListRequest = {}): Promise<ProcessListing> {
    const { status = 'all', ids } = request;
    const chosen = ids ? this.#named(ids) : this.#registry.all();
    const kept = chosen.filter((process) => {
      if (status === 'all') return true;
      if (status === 'live') return process.live;
      return status === 'ended' ? !process.live : process.status === status;
    });
    return {
      processes: await Promise.all(kept.map((process) => process.snapshot())),
      supervision: this.#runner.supervision(),
    };
  }

  async read(id: string, request: ReadRequest = {}): Promise<OutputPage> {
    const process = this.#registry.get(id);
    if (request.screen === true) return screenPage(process, request);
    const pattern = request.grep === undefined ? undefined : await compilePattern(request.grep);
    const { run, status, exit, buffer, runFrom, live, terminal } = process;
    const page = renderPage({ buffer, runFrom, ended: !live }, request, pattern);
    const awaitingInput = await process.awaitingInput();
    return {
      ...{ id, run, status, ...(exit && { exit }), ...page },
      ...(terminal?.modes.alternateScreen === true && { alternateScreen: true }),
      ...(awaitingInput && { awaitingInput }),
    };
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- an unknown id must reject, not throw
  async openOutput(
    id: string,
    { since }: FollowRequest = {},
    context?: CallContext,
  ): Promise<AsyncIterable<OutputEvent>> {
    const process = this.#registry.get(id);
    return followOutput(process, {
      from: process.beginning(since),
      isKept: () => this.#registry.find(id) === process,
      subscribe: (listener) =>
        this.#events.add((event) => {
          if (event.id === id) listener(event);
        }),
      ...(context?.signal && { signal: context.signal }),
    });
  }

  async waitForLog(id: string, request: LogWaitRequest, context?: CallContext): Promise<LogWaitOutcome> {
    return this.#waits.forLog(this.#registry.get(id), request, context);
  }

  async waitForPort(request: PortWaitRequest, context?: CallContext): Promise<PortWaitOutcome> {
    const process = request.id === undefined ? undefined : this.#registry.get(request.id);
    const outcome = await this.#waits.forPort(process, request, context);
    if (process) this.#tellReady(process, { by: 'port', ...outcome });
    return outcome;
  }

  #tellReady({ id, run }: ManagedProcess, outcome: ReadyOutcome): void {
    const { by } = outcome;
    if (by === 'port' && outcome.outcome === 'ready') {
      const { port, url } = outcome;
      const where = { ...(port !== undefined && { port }), ...(url !== undefined && { url }) };
      this.#events.emit({ type: 'ready', id, run, by, ...where });
    } else if (by === 'log' || by === 'idle') {
      this.#events.emit({ type: 'ready', id, run, by });
    }
  }

  async waitForExit(request: ExitWaitRequest, context?: CallContext): Promise<ExitWaitOutcome> {
    const processes = this.#named(request.ids);
    return this.#waits.forExit(processes, request, context);
  }

  async send(id: string, request: SendRequest, context?: CallContext): Promise<SendResult> {
    return sendTurn(this.#registry.get(id), request, (ms) => this.#waits.bound(ms), context);
  }

  async kill(request: KillRequest): Promise<KillResult> {
    const signal = parseSignal(request.signal ?? 'SIGTERM');
    const graceMs = request.graceMs ?? this.#limits.graceMs;
    const processes = request.all === true ? this.#registry.live() : this.#named(request.ids);
    if (endsProcess(signal))
      return { processes: await this.#endAll(processes, 'kill_process', signal, graceMs) };
    const missed = processes.filter((process) => !process.deliver(signal) && process.ended && process.live);
    if (missed.length > 0)
      throw notDelivered(
        signal,
        missed.map(({ id }) => id),
      );
    return { processes: processes.map((process) => process.untouched()) };
  }

  #endAll(
    processes: readonly ManagedProcess[],
    cause: Cause,
    signal: string,
    graceMs: number,
  ): Promise<KilledProcess[]> {
    return Promise.all(processes.map((process) => process.end(cause, signal, graceMs)));
  }

  async remove(request: RemoveRequest): Promise<string[]> {
    const meant = request.allEnded === true ? this.#registry.all() : this.#named(request.ids);
    await Promise.all(meant.map(treeSettled));
    const processes = request.allEnded === true ? this.#registry.ended() : this.#named(request.ids);
    const alive = processes.find((process) => process.live);
    if (alive) {
      const state = alive.ended ? 'alive in its descendants' : alive.status;
      throw new ProcessError('INVALID_ARGUMENT', `${alive.id} is still ${state}.`, {
        hint: `End it first with kill_process, then remove it.`,
      });
    }
    for (const process of processes) this.#forget(process);
    return processes.map((process) => process.id);
  }

  subscribe(listener: (event: ServiceEvent) => void): () => void {
    return this.#events.add(listener);
  }

  /**
   * Ends every tree with cause `shutdown` and starts nothing any more. Resolves when they are gone. Calling it again
   * with a shorter grace hurries what is under way.
   */
  async close(graceMs: number = this.#limits.graceMs): Promise<KilledProcess[]> {
    this.#starter.close();
    const [ended] = await Promise.all([
      this.#endAll(this.#registry.live(), 'shutdown', 'SIGTERM', graceMs),
      this.#runner.close(),
    ]);
    return ended;
  }

  async #identify(pid: number): Promise<string | undefined> {
    for (const process of this.#registry.live()) {
      const { handle } = process;
      if (handle === undefined) continue;
      if (handle.pid === pid) return process.id;
      const { descendants } = await handle.inspect();
      if (descendants.some((member) => member.pid === pid)) return process.id;
    }
    return undefined;
  }
}
