import * as z from 'zod';
import { invalidArgument, parseArguments } from '../../tools/validate.ts';
import type { CallContext, ProcessService } from '../../core/service.ts';
import { readQuery } from './query.ts';
import type { EventFeed } from './event-feed.ts';

export type Method = 'GET' | 'POST' | 'DELETE';

/** What a route works with. */
export interface Deps {
  service: ProcessService;
  feed: EventFeed;
}

/** One request to a route, its head as it came. */
export interface Call extends Deps {
  /** Of the process, where the path names one. */
  id: string;
  context: CallContext & { signal: AbortSignal };
  headers: Headers;
}

interface RouteFacts {
  method: Method;
  /** With `{id}` where it names a process. */
  path: string;
  /** Unique name of the operation. */
  operation: string;
  summary: string;
  /** What a success answers: its status and, where it has a body, what that is. */
  answer: {
    status: number;
    description: string;
    schema?: z.ZodType;
    events?: Readonly<Record<string, z.ZodType>>;
  };
}

interface RouteDefinition<Query extends z.ZodObject, Body extends z.ZodObject> extends RouteFacts {
  query?: Query;
  body?: Body;
  handle: (call: Call, query: z.output<Query>, body: z.output<Body>) => Promise<Response>;
}

/** One operation of the API: what it takes, what it answers, and what does it. */
export interface Route extends RouteFacts {
  query: z.ZodObject;
  body?: z.ZodObject;
  /** Checks query and body, then acts. Rejects with a ProcessError. */
  serve(call: Call, request: Request): Promise<Response>;
}

const NOTHING = z.strictObject({});

/** Ties a handler to its schemas; a request with what they do not name is refused. */
export function defineRoute<
  Query extends z.ZodObject = typeof NOTHING,
  Body extends z.ZodObject = typeof NOTHING,
>({ query, body, handle, ...facts }: RouteDefinition<Query, Body>): Route {
  const label = `${facts.method} ${facts.path}`;
  return {
    ...facts,
    query: query ?? NOTHING,
    ...(body && { body }),
    serve: async (call, request) => {
      const given = readQuery(query ?? NOTHING, new URL(request.url).searchParams);
      const parsedQuery = parse(label, query, given);
      const parsedBody = parse(label, body, body && (await readJson(request)));
      return handle(call, parsedQuery, parsedBody);
    },
  };
}

function parse<Schema extends z.ZodObject>(
  label: string,
  schema: Schema | undefined,
  value: unknown,
): z.output<Schema>;
function parse(label: string, schema: z.ZodObject | undefined, value: unknown): unknown {
  return parseArguments(label, schema ?? NOTHING, value);
}

async function readJson(request: Request): Promise<unknown> {
  const text = await request.text();
  if (text === '') return {};
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(request.headers.get('content-type') ?? ''))
    throw invalidArgument('the body is not declared as JSON', 'Send it with content-type: application/json.');
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    throw invalidArgument('the body is not valid JSON', 'Send one JSON object.');
  }
}
