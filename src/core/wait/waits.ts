import { ProcessError } from '../errors.ts';
import { exitCondition, exitsCondition } from './exit-watcher.ts';
import { DEFAULT_WAIT_MS } from '../limits.ts';
import { logCondition, type LogHit } from './log-watcher.ts';
import type { ManagedProcess } from '../process/managed-process.ts';
import { compilePattern, type Pattern } from '../output/pattern.ts';
import type { PortSight } from './port-look.ts';
import { PortWait, type PortNews } from './port-wait.ts';
import { idleCondition, promptCondition } from './quiet-watcher.ts';
import type {
  CallContext,
  ExitWaitRequest,
  LogWaitRequest,
  PortWaitRequest,
  ReadyCondition,
} from '../service.ts';
import type {
  EndedProcess,
  ExitInfo,
  ExitWaitOutcome,
  LogWaitOutcome,
  PortWaitOutcome,
  ReadyOutcome,
  Status,
} from '../types.ts';
import { wait, type Arm, type Waited } from './wait.ts';

/** The waits of the service, each a composition of conditions in the one race. */
export class Waits {
  readonly #capMs: number;
  readonly #sight: PortSight;

  constructor(capMs: number, sight: PortSight) {
    this.#capMs = capMs;
    this.#sight = sight;
  }

  async forLog(
    process: ManagedProcess,
    request: LogWaitRequest,
    context?: CallContext,
  ): Promise<LogWaitOutcome> {
    const from = process.beginning(request.since);
    const [pattern, failurePattern] = await compileEach(request.pattern, request.failurePattern);
    const stream = request.stream ?? 'both';
    const watch = { pattern, failurePattern, stream, from, wholeLines: true };
    const conditions: Arm<LogHit | 'exited' | 'awaiting_input'>[] = [
      logCondition(process, watch),
      exitCondition(process),
    ];
    if (request.stopAtPrompt !== false) conditions.push(promptCondition(process));
    const waited = await this.#wait(request.timeoutMs, context, ...conditions);
    const facts = { ...(await factsOf(process)), waitedMs: waited.waitedMs };
    if (waited.ended === 'timeout') return { ...facts, outcome: 'timeout' };
    return typeof waited.value === 'string'
      ? { ...facts, outcome: waited.value }
      : { ...facts, ...waited.value };
  }

  async forPort(
    process: ManagedProcess | undefined,
    request: PortWaitRequest,
    context?: CallContext,
  ): Promise<PortWaitOutcome> {
    if (process === undefined && request.port === undefined) {
      throw new ProcessError('INVALID_ARGUMENT', 'port: is needed when no id is given.', {
        hint: 'Give a port, or an id to find the port its process opens.',
      });
    }
    const port = new PortWait(process, request, this.#sight);
    const end = process && new EndNote(process);
    const arms = [port.arm, ...(end ? [end.arm] : [])];
    const { waitedMs, ...waited } = await this.#wait(atLeastOneLook(request.timeoutMs), context, ...arms);
    const hit = waited.ended === 'timeout' ? { outcome: 'timeout' as const } : waited.value;
    const facts = hit.outcome === 'exited' ? await end?.facts() : process && (await factsOf(process));
    return { ...port.describe(hit), ...facts, waitedMs };
  }

  async forExit(
    processes: readonly ManagedProcess[],
    request: ExitWaitRequest,
    context?: CallContext,
  ): Promise<ExitWaitOutcome> {
    // How each ended is kept from then: it may have been started again by the time all have.
    const ends = new Map<ManagedProcess, Promise<EndedProcess>>();
    const exits = exitsCondition(processes, request.mode ?? 'all', (process) => {
      ends.set(process, endedFacts(process));
    });
    const waited = await this.#wait(request.timeoutMs, context, exits);
    const timedOut = waited.ended === 'timeout';
    return {
      outcome: timedOut ? 'timeout' : 'exited',
      processes: await Promise.all(
        processes.map((process) => (timedOut ? undefined : ends.get(process)) ?? endedFacts(process)),
      ),
      waitedMs: waited.waitedMs,
    };
  }

  /** Rejects with INVALID_ARGUMENT or INVALID_PATTERN for what cannot be waited for, before anything starts. */
  async check(condition: ReadyCondition): Promise<void> {
    await compileEach(condition.log, condition.failureLog);
    if (condition.httpPath !== undefined && condition.port === undefined) {
      throw new ProcessError('INVALID_ARGUMENT', 'wait_for.http_path: needs wait_for.port.', {
        hint: 'Add the port number, or port: true for whichever port the process opens.',
      });
    }
  }

  /** The combined wait of a start: whichever of the named conditions comes first, or the process's end. */
  async forReady(
    process: ManagedProcess,
    condition: ReadyCondition,
    context?: CallContext,
  ): Promise<ReadyOutcome> {
    const { log, failureLog, httpPath, idleMs } = condition;
    const conditions: Arm<ReadyHit>[] = [];
    if (log !== undefined || failureLog !== undefined) {
      const from = process.runFrom;
      const [pattern, failurePattern] = await compileEach(log, failureLog);
      const watch = { pattern, failurePattern, stream: 'both' as const, from };
      conditions.push(mapArm(logCondition(process, watch), (hit) => ({ by: 'log', hit })));
    }
    const request = {
      ...(typeof condition.port === 'number' && { port: condition.port }),
      ...(httpPath !== undefined && { path: httpPath }),
    };
    const port = condition.port === undefined ? undefined : new PortWait(process, request, this.#sight);
    const end = new EndNote(process);
    if (port) {
      conditions.push(
        end.arm,
        mapArm(port.arm, (hit) =>
          hit.outcome === 'exited' ? { by: 'exit' } : { by: 'port', news: port.describe(hit) },
        ),
      );
    } else {
      conditions.push(mapArm(exitCondition(process), () => ({ by: 'exit' })));
    }
    if (idleMs !== undefined) conditions.push(mapArm(idleCondition(process, idleMs), () => ({ by: 'idle' })));
    else if (condition.exit !== true || conditions.length > 1) {
      conditions.push(mapArm(promptCondition(process), () => ({ by: 'awaiting_input' })));
    }

    const timeoutMs = port ? atLeastOneLook(condition.timeoutMs) : condition.timeoutMs;
    const waited = await this.#wait(timeoutMs, context, ...conditions);
    const exited = waited.ended === 'settled' && waited.value.by === 'exit';
    const facts = { ...(await (exited ? end.facts() : factsOf(process))), waitedMs: waited.waitedMs };
    if (waited.ended === 'timeout')
      return { ...port?.describe({ outcome: 'timeout' }), by: 'timeout', outcome: 'timeout', ...facts };
    const ended = waited.value;
    switch (ended.by) {
      case 'log':
        return { ...facts, ...ended.hit, by: ended.hit.outcome === 'matched' ? 'log' : 'failure_log' };
      case 'port':
        return { ...facts, ...ended.news, by: 'port' };
      case 'exit':
        return { ...port?.describe({ outcome: 'exited' }), by: 'exit', outcome: 'exited', ...facts };
      case 'idle':
      case 'awaiting_input':
        return { by: ended.by, outcome: ended.by, ...facts };
    }
  }

  /** The race, with the default applied, and the cap: the caller's, else that of the configuration. */
  #wait<T>(timeoutMs: number | undefined, context?: CallContext, ...arms: Arm<T>[]): Promise<Waited<T>> {
    const { signal, waitCapMs } = context ?? {};
    return wait({ timeoutMs: this.bound(timeoutMs, waitCapMs), signal }, ...arms);
  }

  bound(timeoutMs: number | undefined, capMs = this.#capMs): number {
    return Math.min(timeoutMs ?? DEFAULT_WAIT_MS, capMs);
  }
}

type ReadyHit =
  | { by: 'log'; hit: LogHit }
  | { by: 'port'; news: PortNews }
  | { by: 'exit' }
  | { by: 'idle' }
  | { by: 'awaiting_input' };

function mapArm<A, B>(arm: Arm<A>, map: (value: A) => B): Arm<B> {
  return (settle) =>
    arm((value) => {
      settle(map(value));
    });
}

/** One after the other: of two that are wrong, the first is reported. */
async function compileEach(
  log: string | undefined,
  failureLog: string | undefined,
): Promise<[Pattern | undefined, Pattern | undefined]> {
  const pattern = log === undefined ? undefined : await compilePattern(log);
  return [pattern, failureLog === undefined ? undefined : await compilePattern(failureLog)];
}

/** A look at a port takes some milliseconds: a wait that is to end at once is one look. */
const ONE_LOOK_MS = 100;

function atLeastOneLook(timeoutMs: number | undefined): number | undefined {
  return timeoutMs === undefined ? undefined : Math.max(timeoutMs, ONE_LOOK_MS);
}

/** How a process ended, for a wait that looks once more after that: it may have a next run by then. */
class EndNote {
  readonly arm: Arm<never>;
  readonly #process: ManagedProcess;
  #facts: Promise<Facts> | undefined;

  constructor(process: ManagedProcess) {
    this.#process = process;
    const note = (): void => {
      this.#facts ??= factsOf(process);
    };
    this.arm = () => {
      const removes = [process.leaderEnded.add(note), process.treeEnded.add(note)];
      return () => {
        for (const remove of removes) remove();
      };
    };
  }

  facts(): Promise<Facts> {
    return this.#facts ?? factsOf(this.#process);
  }
}

interface Facts {
  status: Status;
  exit?: ExitInfo;
  awaitingInput?: true;
  tail: string;
  cursor: number;
}

/** What every answer about a process says beside its own news. */
async function factsOf(process: ManagedProcess): Promise<Facts> {
  const { status, exit } = process;
  const facts = { status, ...(exit && { exit }), tail: process.tail(), cursor: process.buffer.end };
  return !process.ended && (await process.awaitingInput()) ? { ...facts, awaitingInput: true } : facts;
}

async function endedFacts(process: ManagedProcess): Promise<EndedProcess> {
  const { status, exit, awaitingInput, tail } = await factsOf(process);
  return { id: process.id, status, ...(exit && { exit }), ...(awaitingInput && { awaitingInput }), tail };
}
