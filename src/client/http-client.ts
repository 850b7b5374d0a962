import * as z from 'zod';
import { ERROR_CODES, ProcessError } from '../core/errors.ts';
import { readEvents, type ReceivedEvent } from './event-stream.ts';

/** Where a server is and what lets us in. */
export interface ServerAddress {
  /** Base address, with or without a slash at its end. */
  url: string;
  token?: string;
}

/** No server of ours answered, or it did not take the request: nothing was done. */
export class ConnectionError extends Error {
  /** `refused`: we were not let in; `failed`: the request was not taken for another reason. */
  readonly kind: 'unreachable' | 'refused' | 'foreign' | 'failed';

  constructor(kind: ConnectionError['kind'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ConnectionError';
    this.kind = kind;
  }
}

export interface RequestOptions {
  query?: Readonly<Record<string, string | readonly string[] | undefined>>;
  body?: object;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
}

const problemShape = z.object({
  detail: z.string().default(''),
  code: z.enum(ERROR_CODES).optional(),
  hint: z.string().default(''),
  details: z.record(z.string(), z.unknown()).optional(),
});

/** In bytes: a shorter request is on its way before a server can close the connection. */
const LONG_REQUEST = 65_536;
/** Statuses that tell of who asks, not of what was asked for. */
const NOT_LET_IN = [401, 403, 429];

/** Requests to one server. They reject with the server's ProcessError, or with a ConnectionError. */
export class HttpClient {
  readonly #address: ServerAddress;
  readonly #client: string;

  /** @param client who asks, as shown to people */
  constructor(address: ServerAddress, client: string) {
    this.#address = address;
    this.#client = client;
  }

  /** The answer's JSON; undefined where it has no body. */
  async json(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    options: RequestOptions = {},
  ): Promise<unknown> {
    const response = await this.#fetch(method, path, options);
    const text = await this.#reading(response.text(), options.signal);
    return text === '' ? undefined : this.#parse(text);
  }

  /** Resolves once the stream is open. Its end, however it comes, ends the iteration. */
  async events(path: string, options: RequestOptions = {}): Promise<AsyncIterable<ReceivedEvent>> {
    const headers = { ...options.headers, accept: 'text/event-stream' };
    const { body } = await this.#fetch('GET', path, { ...options, headers });
    return readEvents(body ?? new ReadableStream());
  }

  async #fetch(method: string, path: string, options: RequestOptions): Promise<Response> {
    const { query = {}, body, headers, signal } = options;
    const url = new URL(this.#address.url.replace(/\/$/, '') + path);
    for (const [name, value] of Object.entries(query)) {
      for (const item of typeof value === 'string' ? [value] : (value ?? []))
        url.searchParams.append(name, item);
    }
    const { token } = this.#address;
    const text = body && JSON.stringify(body);
    const request = fetch(url, {
      method,
      headers: {
        ...headers,
        'proctor-client': this.#client,
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(text !== undefined && { 'content-type': 'application/json' }),
      },
      ...(text !== undefined && { body: text }),
      ...(signal && { signal }),
    });
    const response = await this.#reading(request, signal, text?.length);
    if (!response.ok) throw await this.#refusal(response);
    return response;
  }

  /** What fetch rejects with says little, its cause what happened. */
  async #reading<T>(promise: Promise<T>, signal: AbortSignal | undefined, sent = 0): Promise<T> {
    try {
      return await promise;
    } catch (error) {
      if (signal?.aborted === true) throw error;
      const cause =
        error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
      // A server that refuses a long request may have closed the connection before its answer is read.
      if (sent > LONG_REQUEST && /EPIPE|ECONNRESET/.test(cause))
        throw new ConnectionError(
          'failed',
          `The server at ${this.#address.url} cut the connection during a request of ${sent} bytes (${cause}): it may take fewer at once.`,
          error,
        );
      throw new ConnectionError(
        'unreachable',
        `No server answers at ${this.#address.url} (${cause}).`,
        error,
      );
    }
  }

  #parse(text: string): unknown {
    try {
      const value: unknown = JSON.parse(text);
      return value;
    } catch (error) {
      throw this.#foreign(error);
    }
  }

  async #refusal(response: Response): Promise<Error> {
    const text = await this.#reading(response.text(), undefined);
    const problem = text.startsWith('{') ? problemShape.safeParse(this.#parse(text)).data : undefined;
    const { code, detail, hint, details } = problem ?? {};
    if (code !== undefined)
      return new ProcessError(code, detail ?? '', { hint: hint ?? '', ...(details && { details }) });
    const { status } = response;
    // Ours has a code for every id that it does not know.
    if (status === 404) return this.#foreign();
    const said = detail === undefined || detail === '' ? `HTTP ${status}` : detail;
    const kind = NOT_LET_IN.includes(status) ? 'refused' : 'failed';
    return new ConnectionError(kind, `The server at ${this.#address.url} refuses: ${said}`);
  }

  #foreign(cause?: unknown): ConnectionError {
    return new ConnectionError(
      'foreign',
      `There is no Proctor at ${this.#address.url}: something else answers.`,
      cause,
    );
  }
}
