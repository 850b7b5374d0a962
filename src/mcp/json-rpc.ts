import { parseJSONRPCMessage, type JSONRPCMessage } from '@modelcontextprotocol/server';

const PARSE_ERROR = -32700;
const INVALID_REQUEST = -32600;

const NO_JSON = 'Parse error: the message is not valid JSON';
const NO_REQUEST =
  'Invalid Request: expected jsonrpc "2.0", a method, an id that is a string or an integer, and params that are an object';

/** More than this in one batch is one mistake, to be answered once. */
const MAX_BATCH = 100;

type Id = string | number | null;

/** The answer to what could not be taken for a request; its id is null where none can be told. */
export interface Refusal {
  jsonrpc: '2.0';
  id: Id;
  error: { code: number; message: string };
}

/** What a line means: a message, the answer to one that is wrong, or, for a notification that is wrong, the reason. */
export type Received = { message: JSONRPCMessage } | { refusal: Refusal } | { ignored: string };

/** A JSON-RPC error that answers a whole HTTP request, in the form the transports give theirs. */
export function rpcError(status: number, code: number, message: string): Response {
  return Response.json(refuse(null, code, message), { status });
}

/**
 * The messages in a line. More than one are a batch, which servers of 2025-03-26 have to take; they are answered one by
 * one.
 */
export function readMessages(line: string): Received[] {
  if (line.trim() === '') return [];
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return [{ refusal: refuse(null, PARSE_ERROR, NO_JSON) }];
  }
  if (!Array.isArray(value)) return [readMessage(value)];
  if (value.length > 0 && value.length <= MAX_BATCH) return value.map(readMessage);
  return [
    { refusal: refuse(null, INVALID_REQUEST, `Invalid Request: a batch has 1 to ${MAX_BATCH} messages`) },
  ];
}

/** The answer to a message that is longer than may be, by how it begins and ends. */
export function refuseTooLong(head: string, tail: string, maxBytes: number): Refusal {
  const message = `Invalid Request: a message has at most ${maxBytes} bytes; send less at a time`;
  return refuse(idAtBegin(head) ?? idAtEnd(tail) ?? null, INVALID_REQUEST, message);
}

function readMessage(value: unknown): Received {
  try {
    return { message: parseJSONRPCMessage(value) };
  } catch {
    if (typeof value !== 'object' || value === null)
      return { refusal: refuse(null, INVALID_REQUEST, NO_REQUEST) };
    if ('method' in value && typeof value.method === 'string' && !('id' in value))
      return { ignored: `a notification ${value.method.slice(0, 80)} that is not valid` };
    if (!('method' in value) && ('result' in value || 'error' in value))
      return { ignored: 'an answer that is not valid' };
    const id =
      'id' in value && (typeof value.id === 'string' || typeof value.id === 'number') ? value.id : null;
    return { refusal: refuse(id, INVALID_REQUEST, NO_REQUEST) };
  }
}

function refuse(id: Id, code: number, message: string): Refusal {
  return { jsonrpc: '2.0', id, error: { code, message } };
}

/** Before the id and after it come only members that are short and flat: an id further inside is not the request's. */
const SHORT_MEMBER = /"(?:jsonrpc|method)"\s*:\s*"[^"\\]*"/.source;
const ID = /"id"\s*:\s*(-?\d+|"[^"\\]*")/.source;
const AT_BEGIN = new RegExp(`^\\s*\\{\\s*(?:${SHORT_MEMBER}\\s*,\\s*)*${ID}\\s*[,}]`);
const AT_END = new RegExp(`[,{]\\s*${ID}\\s*(?:,\\s*${SHORT_MEMBER}\\s*)*\\}\\s*$`);

function idAtBegin(head: string): Id | undefined {
  return idOf(AT_BEGIN.exec(head));
}

function idAtEnd(tail: string): Id | undefined {
  return idOf(AT_END.exec(tail));
}

function idOf(match: RegExpExecArray | null): Id | undefined {
  const [, id] = match ?? [];
  if (id === undefined) return undefined;
  return id.startsWith('"') ? id.slice(1, -1) : Number(id);
}
