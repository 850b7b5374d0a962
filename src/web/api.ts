import { readEvents, type StreamEvent } from './event-stream.ts';
import { isFields, toListing, type Listing } from './wire.ts';

/** A request that the server refused, in words for the person who made it. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** No answer came at all: the server is down or restarting. */
export class Unreachable extends Error {}

export interface StartRequest {
  command: string;
  name?: string;
  cwd?: string;
  pty?: boolean;
  cols?: number;
  rows?: number;
}

export interface InputRequest {
  text?: string;
  newline?: boolean;
  eof?: boolean;
  cols?: number;
  rows?: number;
}

const processPath = (id: string, rest = ''): string => `/v1/processes/${encodeURIComponent(id)}${rest}`;

/** The server's HTTP API, as far as this page needs it. Every call rejects with ApiError or Unreachable. */
export class Api {
  readonly #token: () => string;

  /** The token is asked for anew at each request: it may be entered while others are under way. */
  constructor(token: () => string) {
    this.#token = token;
  }

  async list(): Promise<Listing> {
    return toListing(await this.#json('GET', '/v1/processes'));
  }

  async start(request: StartRequest): Promise<string> {
    const answer = await this.#json('POST', '/v1/processes', request);
    return isFields(answer) && typeof answer.id === 'string' ? answer.id : '';
  }

  async restart(id: string): Promise<void> {
    await this.#json('POST', processPath(id, '/restart'), {});
  }

  async kill(id: string, signal?: string): Promise<void> {
    await this.#json('POST', processPath(id, '/kill'), signal === undefined ? {} : { signal });
  }

  async remove(id: string): Promise<void> {
    await this.#json('DELETE', processPath(id));
  }

  async send(id: string, input: InputRequest): Promise<void> {
    await this.#json('POST', processPath(id, '/stdin'), input);
  }

  /** Where output stands if the process has a terminal, else undefined. */
  async terminalEnd(id: string): Promise<number | undefined> {
    try {
      const page = await this.#json('GET', processPath(id, '/output?screen=true'));
      return isFields(page) && typeof page.end === 'number' ? page.end : 0;
    } catch (error) {
      if (error instanceof ApiError && error.code === 'INVALID_ARGUMENT') return undefined;
      throw error;
    }
  }

  /** Output as it comes, from the current run's start or after an earlier event's id. */
  output(id: string, after: string | undefined, signal: AbortSignal): AsyncGenerator<StreamEvent> {
    return this.#events(processPath(id, '/output'), after, signal);
  }

  /** What happens to any process, from the oldest event the server remembers or after the one named. */
  life(after: string | undefined): AsyncGenerator<StreamEvent> {
    return this.#events('/v1/events', after ?? '0');
  }

  async #json(method: string, path: string, body?: object): Promise<unknown> {
    const response = await this.#fetch(path, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    if (response.status === 204) return undefined;
    const answer: unknown = await response.json();
    return answer;
  }

  async *#events(path: string, after: string | undefined, signal?: AbortSignal): AsyncGenerator<StreamEvent> {
    const headers = { accept: 'text/event-stream', ...(after !== undefined && { 'last-event-id': after }) };
    const { body } = await this.#fetch(path, { headers, ...(signal && { signal }) });
    if (body === null) return;
    yield* readEvents(body);
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set('proctor-client', 'dashboard');
    const token = this.#token();
    if (token !== '') headers.set('authorization', `Bearer ${token}`);
    let response: Response;
    try {
      response = await fetch(path, { ...init, headers, cache: 'no-store' });
    } catch (error) {
      if (init.signal?.aborted === true) throw error;
      throw new Unreachable('The server does not answer.');
    }
    if (!response.ok) throw await toError(response);
    return response;
  }
}

async function toError(response: Response): Promise<ApiError> {
  const answer: unknown = await response.json().catch(() => undefined);
  const { code, detail, hint } = isFields(answer) ? answer : {};
  const words = [detail, hint].filter((part) => typeof part === 'string');
  return new ApiError(
    response.status,
    typeof code === 'string' ? code : '',
    words.length > 0 ? words.join(' ') : `The server answered ${response.status}.`,
  );
}
