import {
  Client,
  ProtocolError,
  SdkHttpError,
  StreamableHTTPClientTransport,
} from '@modelcontextprotocol/client';
import type { ClientInfo } from './client-info.ts';

/** Where a shared server is, and what lets one in. */
export interface Target {
  /** Base address, without a slash at its end. */
  url: string;
  token?: string;
}

/** The shared server is not there, or does not let us in. The message says what to do about it. */
export class UpstreamError extends Error {}

/** A wait's length is the server's to bound; a client that gave up has said so by then. */
const NO_TIMEOUT_MS = 2_147_483_647;

export const REQUEST_OPTIONS = { timeout: NO_TIMEOUT_MS };

/**
 * A shared server as one client sees it. It speaks 2026-07-28, in which each request stands alone: a server that was
 * started again in between is simply used.
 */
export class Upstream {
  readonly #locate: () => Promise<Target>;
  #client: Promise<Client> | undefined;

  /** `locate` finds the server, each time anew: it may come back at another address. */
  constructor(locate: () => Promise<Target>) {
    this.#locate = locate;
  }

  /** Rejects with UpstreamError where there is nobody to ask, else with what the server answered. */
  async ask<T>(info: ClientInfo, question: (client: Client) => Promise<T>): Promise<T> {
    try {
      return await this.#try(info, question);
    } catch (error) {
      if (!neverArrived(error)) throw explained(error);
    }
    return this.#try(info, question).catch((error: unknown) => {
      throw explained(error);
    });
  }

  /** Waits for nothing: a connection that is still being made may never come about. */
  close(): void {
    this.#client?.then((client) => client.close()).catch(() => undefined);
  }

  async #try<T>(info: ClientInfo, question: (client: Client) => Promise<T>): Promise<T> {
    this.#client ??= this.#connect(info);
    try {
      return await question(await this.#client);
    } catch (error) {
      // An answer in the protocol's terms comes from a connection that works.
      if (!(error instanceof ProtocolError)) this.#client = undefined;
      throw error;
    }
  }

  async #connect(info: ClientInfo): Promise<Client> {
    const { url, token } = await this.#locate();
    const client = new Client(info, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    await client.connect(
      new StreamableHTTPClientTransport(new URL('/mcp', url), { requestInit: { headers } }),
    );
    return client;
  }
}

/** True where the request cannot have had an effect: nobody listened. */
function neverArrived(error: unknown): boolean {
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : undefined;
  return cause instanceof Error && 'code' in cause && cause.code === 'ECONNREFUSED';
}

function explained(error: unknown): unknown {
  if (error instanceof UpstreamError || error instanceof ProtocolError) return error;
  if (error instanceof SdkHttpError && (error.status === 401 || error.status === 403)) {
    return new UpstreamError('The shared server refuses the token. Give the right one in PROCTOR_TOKEN.', {
      cause: error,
    });
  }
  if (error instanceof SdkHttpError && error.status === 413)
    return new UpstreamError('The shared server takes no request that long. Send less at a time.', {
      cause: error,
    });
  const reason = error instanceof Error ? error.message : String(error);
  return new UpstreamError(
    `The shared server does not answer (${reason}). If it has ended, start it again with "proctor serve".`,
    { cause: error },
  );
}
