import { ProcessError } from './errors.ts';
import { exitCondition, treeEndCondition } from './exit-watcher.ts';
import { checkName, deriveId } from './ids.ts';
import { EARLY_EXIT_MS, type Limits } from './limits.ts';
import { ManagedProcess } from './managed-process.ts';
import { Registry } from './registry.ts';
import { followOutput } from './output-stream.ts';
import { planRun } from './run-plan.ts';
import type { Runner } from './runner.ts';
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
} from './service.ts';
import { endsProcess, parseSignal } from './signals.ts';
import { screenPage } from './screen-page.ts';
import { sendTurn } from './stdin-turn.ts';
import { renderPage } from './text-view.ts';
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
  ProcessSpec,
  ReadyOutcome,
  RunResult,
  SendResult,
  ServiceEvent,
} from './types.ts';
import { Listeners, wait } from './wait.ts';
import { Waits } from './waits.ts';

/**
 * A leader's end is told before its tree is known to be empty, and children of a pipeline end a moment after it. What
 * is gone within this time is treated as ended, so that a name is free for whoever was told of the end.
 */
const TREE_END_MS = 200;

/** The service itself: who may start, under which id, and what happens to all of them at the end. */
export class ProcessManager implements ProcessService {
  readonly #runner: Runner;
  readonly #limits: Limits;
  readonly #registry: Registry;
  readonly #waits: Waits;
  readonly #events = new Listeners<[ServiceEvent]>();
  #closing = false;

  constructor(runner: Runner, limits: Limits) {
    this.#runner = runner;
    this.#limits = limits;
    this.#registry = new Registry(limits);
    this.#waits = new Waits(limits.waitCapMs, { runner, identify: (pid) => this.#identify(pid) });
  }

  async run(request: RunRequest, context?: CallContext): Promise<RunResult> {
    this.#refuseWhenClosing();
    if (request.name !== undefined) checkName(request.name);
    if (request.waitFor) this.#waits.check(request.waitFor);
    const spec = await planRun(request, this.#runner, this.#limits.roots);

    await this.#settle(this.#registry.find(request.name ?? ''));
    for (let holder = this.#holder(request.name); holder; holder = this.#holder(request.name)) {
      if (request.ifRunning === 'reuse') return this.#started(holder, true, request.waitFor, context);
      if (request.ifRunning !== 'replace') throw nameInUse(holder);
      await this.#endOrFail(holder);
    }
    return this.#startRun(this.#reserve(spec, request.name, context?.client), request.waitFor, context);
  }

  /** Each process once, in the order named. Throws PROCESS_NOT_FOUND. */
  #named(ids: readonly string[] = []): ManagedProcess[] {
    return [...new Set(ids)].map((id) => this.#registry.get(id));
  }

  /** Gives what remains of a tree whose leader has ended the time to end as well. */
  async #settle(process: ManagedProcess | undefined): Promise<void> {
    if (process?.ended !== true || !process.live) return;
    await wait({ timeoutMs: TREE_END_MS }, treeEndCondition(process));
  }

  /** Who holds a name alive; while one was being ended, another caller may have taken it. */
  #holder(name: string | undefined): ManagedProcess | undefined {
    const holder = name === undefined ? undefined : this.#registry.find(name);
    return holder?.live === true ? holder : undefined;
  }

  /** Takes the id and a place among the live ones, in one turn of the event loop: two callers never get the same. */
  #reserve(spec: ProcessSpec, name: string | undefined, client: string | undefined): ManagedProcess {
    this.#refuseWhenClosing();
    const holder = name === undefined ? undefined : this.#registry.find(name);
    if (holder?.live === true) throw nameInUse(holder);
    this.#refuseBeyondLimit();
    if (holder) {
      holder.nextRun(spec, client);
      return holder;
    }
    const id = name ?? deriveId(spec.launch, (taken) => this.#registry.has(taken));
    const options = {
      ringBytes: this.#limits.ringBytes,
      graceMs: this.#limits.graceMs,
      onRetained: (delta: number) => {
        this.#registry.chargeOutput(delta);
      },
    };
    const process = new ManagedProcess(id, spec, options, client);
    this.#registry.add(process);
    this.#observe(process);
    return process;
  }

  #observe(process: ManagedProcess): void {
    process.outputArrived.add(() => {
      this.#events.emit({ type: 'output', id: process.id, run: process.run });
    });
    process.leaderEnded.add(() => {
      const { id, run, status, exit } = process;
      this.#events.emit({ type: 'exited', id, run, status, ...(exit && { exit }) });
    });
    process.treeEnded.add(() => {
      const dropped = process.spec.autoCleanup ? [process] : this.#registry.trimEnded();
      for (const gone of dropped) this.#forget(gone);
    });
  }

  #forget(process: ManagedProcess): void {
    this.#registry.remove(process);
    this.#events.emit({ type: 'removed', id: process.id, run: process.run });
  }

  async #startRun(
    process: ManagedProcess,
    waitFor?: ReadyCondition,
    context?: CallContext,
  ): Promise<RunResult> {
    await process.start(this.#runner);
    this.#events.emit({ type: 'started', id: process.id, run: process.run });
    return this.#started(process, false, waitFor, context);
  }

  async #started(
    process: ManagedProcess,
    reused: boolean,
    waitFor?: ReadyCondition,
    context?: CallContext,
  ): Promise<RunResult> {
    const outcome = waitFor && (await this.#waits.forReady(process, waitFor, context));
    if (outcome) this.#tellReady(process, outcome);
    if (!outcome && !reused) await wait({ timeoutMs: EARLY_EXIT_MS }, exitCondition(process));
    return {
      process: process.facts(),
      reused,
      ...(process.ended && { tail: process.tail() }),
      ...(outcome && { wait: outcome }),
    };
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
    const { run, status, exit, buffer, runFrom, terminal } = process;
    const page = renderPage({ buffer, runFrom }, request);
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
    const { buffer, runFrom } = process;
    const wanted = since === 'now' ? buffer.end : (since ?? runFrom);
    return followOutput(process, {
      from: wanted > buffer.end ? runFrom : wanted,
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
    for (const process of processes) process.deliver(signal);
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

  async restart(id: string, waitFor?: ReadyCondition, context?: CallContext): Promise<RunResult> {
    this.#refuseWhenClosing();
    const process = this.#registry.get(id);
    if (waitFor) this.#waits.check(waitFor);
    for (let holder = this.#holder(id); holder; holder = this.#holder(id)) await this.#endOrFail(holder);
    return this.#startRun(this.#reserve(process.spec, id, context?.client), waitFor, context);
  }

  async remove(request: RemoveRequest): Promise<string[]> {
    const meant = request.allEnded === true ? this.#registry.all() : this.#named(request.ids);
    await Promise.all(meant.map((process) => this.#settle(process)));
    const processes = request.allEnded === true ? this.#registry.ended() : this.#named(request.ids);
    const alive = processes.find((process) => process.live);
    if (alive) {
      throw new ProcessError(
        'INVALID_ARGUMENT',
        `${alive.id} is still ${alive.ended ? 'alive in its descendants' : alive.status}.`,
        {
          hint: `End it first with kill_process, then remove it.`,
        },
      );
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
    this.#closing = true;
    return this.#endAll(this.#registry.live(), 'shutdown', 'SIGTERM', graceMs);
  }

  async #endOrFail(process: ManagedProcess): Promise<void> {
    const { survivors } = await process.end('kill_process', 'SIGTERM', this.#limits.graceMs);
    if (survivors.length === 0) return;
    throw new ProcessError(
      'KILL_INCOMPLETE',
      `${process.id} could not be ended: ${survivors.join(', ')} still alive.`,
      {
        hint: `Look at them with list_processes; they may be stuck in the kernel or owned by another user.`,
        details: { survivors },
      },
    );
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

  #refuseWhenClosing(): void {
    if (!this.#closing) return;
    throw new ProcessError('SHUTTING_DOWN', 'The server is ending its processes and starts no new ones.', {
      hint: 'Start the server again, then start the process.',
    });
  }

  #refuseBeyondLimit(): void {
    const live = this.#registry.live();
    if (live.length < this.#limits.maxLive) return;
    const ids = live.map((process) => process.id);
    const shown = ids.slice(0, 10).join(', ') + (ids.length > 10 ? `, and ${ids.length - 10} more` : '');
    throw new ProcessError(
      'LIMIT_REACHED',
      `${live.length} processes are alive, the most this server allows.`,
      {
        hint: `End one with kill_process first. Alive: ${shown}.`,
        details: { ids },
      },
    );
  }
}

function nameInUse(holder: ManagedProcess): ProcessError {
  const state = holder.ended
    ? `its leader has ended but descendants are still alive`
    : `it is ${holder.status}${holder.handle ? ` with pid ${holder.handle.pid}` : ''}`;
  return new ProcessError('NAME_IN_USE', `The name ${holder.id} is taken: ${state}.`, {
    hint: 'Pass if_running: "reuse" or "replace", choose another name, or end it with kill_process.',
  });
}
