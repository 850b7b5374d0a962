import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** What a handler may know of the exchange beside the request itself. */
export interface Exchange {
  /** Resolves once the response has been sent in full or the client has gone. */
  closed: Promise<void>;
}

/** One part of the HTTP face, in the web's own terms. `request.signal` aborts when the client goes away. */
export type WebHandler = (request: Request, exchange: Exchange) => Promise<Response>;

/** The body is larger than the server accepts. */
export class BodyTooLarge extends Error {}

/** A reader that takes nothing for this long loses its stream; event streams send a keep-alive every 15 s. */
const STALLED_STREAM_MS = 60_000;

/**
 * Reads a request whole. Rejects with BodyTooLarge before a byte is read where the length is announced, and as soon as
 * the limit is passed where it is not.
 */
export async function readBody(req: IncomingMessage, maxBytes: number): Promise<Uint8Array<ArrayBuffer>> {
  if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw new BodyTooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of req) {
    if (!Buffer.isBuffer(chunk)) continue;
    bytes += chunk.length;
    if (bytes > maxBytes) throw new BodyTooLarge();
    chunks.push(chunk);
  }
  return Uint8Array.from(Buffer.concat(chunks));
}

/** The request as the web has it. `body` is ignored for methods that carry none. */
export function toRequest(
  req: IncomingMessage,
  url: URL,
  body: Uint8Array<ArrayBuffer>,
  signal: AbortSignal,
): Request {
  const headers = new Headers();
  for (const [name, value] of Object.entries(req.headers)) {
    for (const item of Array.isArray(value) ? value : value === undefined ? [] : [value])
      headers.append(name, item);
  }
  const method = req.method ?? 'GET';
  const bodiless = method === 'GET' || method === 'HEAD' || body.length === 0;
  return new Request(url, { method, headers, signal, ...(!bodiless && { body }) });
}

/** Sends a response; an event stream as it comes, anything else in one piece. Resolves also when the client goes. */
export async function sendResponse(res: ServerResponse, response: Response): Promise<void> {
  for (const [name, value] of response.headers) res.setHeader(name, value);
  res.statusCode = response.status;
  if (
    response.body === null ||
    response.headers.get('content-type')?.startsWith('text/event-stream') !== true
  ) {
    res.end(Buffer.from(await response.arrayBuffer()));
    return;
  }
  // A stream may have nothing to say for long: its reader is to know at once that it is open.
  res.flushHeaders();
  res.setTimeout(STALLED_STREAM_MS, () => {
    res.destroy();
  });
  // A client that goes away ends the pipeline with an error; cancelling the body, which it does too, is all it takes.
  await pipeline(Readable.fromWeb(response.body), res).catch(() => undefined);
}
