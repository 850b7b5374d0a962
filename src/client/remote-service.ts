import { ProcessError } from '../core/errors.ts';
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
} from '../core/service.ts';
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
} from '../core/types.ts';
import { pageShape } from '../tools/page.ts';
import { present } from '../tools/present.ts';
import {
  exitWaitShape,
  killShape,
  listShape,
  logWaitShape,
  portWaitShape,
  processShape,
  removeShape,
  runShape,
  sendShape,
} from '../tools/shapes.ts';
import { watchEvents } from './event-watch.ts';
import {
  exitWaitFrom,
  factsFrom,
  killedFrom,
  logWaitFrom,
  pageFrom,
  portWaitFrom,
  processFrom,
  readyFrom,
  sendFrom,
} from './from-wire.ts';
import type { HttpClient } from './http-client.ts';
import { openOutput } from './output-follow.ts';
import { queryOf, snakeKeys } from './to-wire.ts';

/**
 * The service of a running server, over its HTTP API. Answers carry what the API tells: the last lines are cut, a reply
 * to input brings its text alone, and a kill that leaves survivors rejects with KILL_INCOMPLETE. Every method rejects
 * with the server's ProcessError, or with a ConnectionError where none answers.
 */
export class RemoteService implements ProcessService {
  readonly #http: HttpClient;

  constructor(http: HttpClient) {
    this.#http = http;
  }

  async run(request: RunRequest, context?: CallContext): Promise<RunResult> {
    const { waitFor, env, ...rest } = request;
    const body = { ...snakeKeys(rest), ...present({ env, wait_for: waitFor && snakeKeys(waitFor) }) };
    return this.#runResult(await this.#post('/v1/processes', body, context));
  }

  async list({ status, ids }: ListRequest = {}): Promise<ProcessListing> {
    const query = { status, id: ids };
    const { processes, warning } = listShape.parse(await this.#http.json('GET', '/v1/processes', { query }));
    return {
      processes: processes.map(processFrom),
      supervision: warning === undefined ? { mode: 'shim' } : { mode: 'process-group', warning },
    };
  }

  async read(id: string, request: ReadRequest = {}): Promise<OutputPage> {
    const query = queryOf(snakeKeys(request));
    return pageFrom(pageShape.parse(await this.#http.json('GET', pathOf(id, '/output'), { query })));
  }

  async openOutput(
    id: string,
    { since }: FollowRequest = {},
    { signal }: CallContext = {},
  ): Promise<AsyncIterable<OutputEvent>> {
    const open = (lastEventId?: string) =>
      this.#http.events(pathOf(id, '/output'), {
        ...(lastEventId === undefined
          ? { query: queryOf(present({ since })) }
          : { headers: { 'last-event-id': lastEventId } }),
        signal,
      });
    const current = async () => {
      const { run, startedAt } = processFrom(
        processShape.parse(await this.#http.json('GET', pathOf(id, ''), { signal })),
      );
      return { run, startedAt };
    };
    return openOutput({ id, open, current }, signal);
  }

  async waitForLog(id: string, request: LogWaitRequest, context?: CallContext): Promise<LogWaitOutcome> {
    const body = { log: snakeKeys(request) };
    return logWaitFrom(logWaitShape.parse(await this.#post(pathOf(id, '/wait'), body, context)));
  }

  async waitForPort(
    { httpStatus, ...rest }: PortWaitRequest,
    context?: CallContext,
  ): Promise<PortWaitOutcome> {
    const body = { port: { ...snakeKeys(rest), ...present({ status: httpStatus }) } };
    return portWaitFrom(portWaitShape.parse(await this.#post('/v1/wait', body, context)));
  }

  async waitForExit(request: ExitWaitRequest, context?: CallContext): Promise<ExitWaitOutcome> {
    const body = { exit: snakeKeys(request) };
    return exitWaitFrom(exitWaitShape.parse(await this.#post('/v1/wait', body, context)));
  }

  async send(id: string, { waitFor, ...rest }: SendRequest, context?: CallContext): Promise<SendResult> {
    const body = { ...snakeKeys(rest), ...present({ wait_for: waitFor && snakeKeys(waitFor) }) };
    return sendFrom(sendShape.parse(await this.#post(pathOf(id, '/stdin'), body, context)));
  }

  async kill({ all, ...rest }: KillRequest, context?: CallContext): Promise<KillResult> {
    const body = { ...snakeKeys(rest), ...(all === true && { all }) };
    return { processes: killedFrom(killShape.parse(await this.#post('/v1/kill', body, context))) };
  }

  async restart(id: string, waitFor?: ReadyCondition, context?: CallContext): Promise<RunResult> {
    const body = present({ wait_for: waitFor && snakeKeys(waitFor) });
    return this.#runResult(await this.#post(pathOf(id, '/restart'), body, context));
  }

  async remove({ ids, allEnded }: RemoveRequest): Promise<string[]> {
    const body = allEnded === true ? { all_ended: true } : { ids };
    return removeShape.parse(await this.#post('/v1/remove', body)).removed;
  }

  /** Events of this server and of the one that takes its place; while there is none, nothing is told. */
  subscribe(listener: (event: ServiceEvent) => void): () => void {
    return watchEvents(() => Promise.resolve(this.#http), listener);
  }

  #post(path: string, body: object, { signal }: CallContext = {}): Promise<unknown> {
    return this.#http.json('POST', path, { body, signal });
  }

  async #runResult(answer: unknown): Promise<RunResult> {
    const wire = runShape.parse(answer);
    const { reused = false, tail, wait } = wire;
    const process = (await this.#snapshot(wire.id, wire.run)) ?? factsFrom(wire);
    return { process, reused, ...present({ tail, wait: wait && readyFrom(wait) }) };
  }

  /** The run that was just started, unless its record is gone already. */
  async #snapshot(id: string, run: number): Promise<ProcessSnapshot | undefined> {
    try {
      const { processes } = await this.list({ ids: [id] });
      return processes.find((process) => process.run === run);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof ProcessError && error.code === 'PROCESS_NOT_FOUND';
}

function pathOf(id: string, rest: string): string {
  return `/v1/processes/${encodeURIComponent(id)}${rest}`;
}
