import { ProcessError } from '../errors.ts';
import { exitCondition, treeSettled } from '../wait/exit-watcher.ts';
import { checkName, deriveId } from '../ids.ts';
import { EARLY_EXIT_MS, type Limits } from '../limits.ts';
import { ManagedProcess } from './managed-process.ts';
import type { Registry } from './registry.ts';
import { planRun, workingDirectory } from './run-plan.ts';
import type { Runner } from '../runner.ts';
import type { CallContext, ReadyCondition, RunRequest } from '../service.ts';
import type { ProcessSpec, RunResult } from '../types.ts';
import { wait } from '../wait/wait.ts';

/** What starting needs of its surroundings. */
export interface StarterParts {
  runner: Runner;
  limits: Limits;
  registry: Registry;
  /** Rejects for a condition that cannot be waited for, before anything starts. */
  checkCondition: (condition: ReadyCondition) => Promise<void>;
  waitUntilReady: (
    process: ManagedProcess,
    condition: ReadyCondition,
    context?: CallContext,
  ) => Promise<NonNullable<RunResult['wait']>>;
  /** Told of each new id, before anything of it runs. */
  onReserved: (process: ManagedProcess) => void;
  /** Told when an id has passed to its next run, or has failed to: its record may be one to forget. */
  onHandedOver: () => void;
}

/** Who may start, under which id, and what the start is answered with. */
export class Starter {
  readonly #parts: StarterParts;
  #closed = false;

  constructor(parts: StarterParts) {
    this.#parts = parts;
  }

  /** From now on every start is refused with SHUTTING_DOWN. */
  close(): void {
    this.#closed = true;
  }

  async run(request: RunRequest, context?: CallContext): Promise<RunResult> {
    this.#refuseWhenClosed();
    const { name, ifRunning, waitFor } = request;
    if (name !== undefined) checkName(name);
    if (waitFor) await this.#parts.checkCondition(waitFor);
    const spec = await planRun(request, this.#parts.runner, this.#parts.limits.roots);

    const known = name === undefined ? undefined : this.#parts.registry.find(name);
    // A start under way is not yet one to reuse: it may fail.
    if (ifRunning === 'reuse') await known?.started.catch(() => undefined);
    if (known) await treeSettled(known);
    const holder = this.#holder(name);
    if (holder === undefined)
      return this.#start(this.#reserve(spec, name, context?.client), waitFor, context);
    if (ifRunning === 'reuse') return this.#answer(holder, true, waitFor, context);
    if (ifRunning !== 'replace') throw nameInUse(holder);
    return this.#startNext(holder.id, spec, waitFor, context);
  }

  /** Ends the tree, then starts the same spec as the next run. */
  async restart(
    process: ManagedProcess,
    waitFor?: ReadyCondition,
    context?: CallContext,
  ): Promise<RunResult> {
    this.#refuseWhenClosed();
    const { id, spec } = process;
    if (waitFor) await this.#parts.checkCondition(waitFor);
    // Since the last start it may have gone, or become a link to elsewhere.
    const cwd = await workingDirectory(spec.cwd, this.#parts.runner, this.#parts.limits.roots);
    return this.#startNext(id, { ...spec, cwd }, waitFor, context);
  }

  /** Ends whoever holds the id alive, then starts its next run. The record stays in between. */
  async #startNext(
    id: string,
    spec: ProcessSpec,
    waitFor?: ReadyCondition,
    context?: CallContext,
  ): Promise<RunResult> {
    const release = this.#parts.registry.hold(id);
    let next: ManagedProcess;
    try {
      for (let holder = this.#holder(id); holder; holder = this.#holder(id)) await this.#endOrFail(holder);
      next = this.#reserve(spec, id, context?.client);
    } finally {
      release();
      this.#parts.onHandedOver();
    }
    return this.#start(next, waitFor, context);
  }

  /** Who holds a name alive; while one was being ended, another caller may have taken it. */
  #holder(name: string | undefined): ManagedProcess | undefined {
    const holder = name === undefined ? undefined : this.#parts.registry.find(name);
    return holder?.live === true ? holder : undefined;
  }

  /** Takes the id and a place among the live ones, in one turn of the event loop: two callers never get the same. */
  #reserve(spec: ProcessSpec, name: string | undefined, client: string | undefined): ManagedProcess {
    const { registry, limits, onReserved } = this.#parts;
    this.#refuseWhenClosed();
    this.#refuseBeyondLimit();
    const known = name === undefined ? undefined : registry.find(name);
    if (known) {
      known.nextRun(spec, client);
      return known;
    }
    const id = name ?? deriveId(spec.launch, (taken) => registry.has(taken));
    const options = {
      ringBytes: limits.ringBytes,
      graceMs: limits.graceMs,
      onRetained: (delta: number) => {
        registry.chargeOutput(delta);
      },
    };
    const process = new ManagedProcess(id, spec, options, client);
    registry.add(process);
    onReserved(process);
    return process;
  }

  async #start(process: ManagedProcess, waitFor?: ReadyCondition, context?: CallContext): Promise<RunResult> {
    await process.start(this.#parts.runner);
    return this.#answer(process, false, waitFor, context);
  }

  async #answer(
    process: ManagedProcess,
    reused: boolean,
    waitFor?: ReadyCondition,
    context?: CallContext,
  ): Promise<RunResult> {
    const outcome = waitFor && (await this.#parts.waitUntilReady(process, waitFor, context));
    if (!outcome && !reused) await wait({ timeoutMs: EARLY_EXIT_MS }, exitCondition(process));
    return {
      process: process.facts(),
      reused,
      ...(process.ended && { tail: process.tail() }),
      ...(outcome && { wait: outcome }),
    };
  }

  async #endOrFail(process: ManagedProcess): Promise<void> {
    const { survivors } = await process.end('kill_process', 'SIGTERM', this.#parts.limits.graceMs);
    if (survivors.length === 0) return;
    const alive = survivors.join(', ');
    throw new ProcessError('KILL_INCOMPLETE', `${process.id} could not be ended: ${alive} still alive.`, {
      hint: `Look at them with list_processes; they may be stuck in the kernel or owned by another user.`,
      details: { survivors },
    });
  }

  #refuseWhenClosed(): void {
    if (!this.#closed) return;
    throw new ProcessError('SHUTTING_DOWN', 'The server is ending its processes and starts no new ones.', {
      hint: 'Start the server again, then start the process.',
    });
  }

  #refuseBeyondLimit(): void {
    const live = this.#parts.registry.live();
    if (live.length < this.#parts.limits.maxLive) return;
    const ids = live.map((process) => process.id);
    const shown = ids.slice(0, 10).join(', ') + (ids.length > 10 ? `, and ${ids.length - 10} more` : '');
    const message = `${live.length} processes are alive, the most this server allows.`;
    throw new ProcessError('LIMIT_REACHED', message, {
      hint: `End one with kill_process first. Alive: ${shown}.`,
      details: { ids },
    });
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
