import * as z from 'zod';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProcessError, type ErrorCode } from '../../src/core/errors.ts';
import { createApi, type Api } from '../../src/http/api/api.ts';
import { ROUTES } from '../../src/http/api/routes.ts';
import { openApiDocument } from '../../src/http/openapi.ts';
import { readEvents, type ReceivedEvent } from '../../src/client/event-stream.ts';
import { createLogger } from '../../src/logger.ts';
import { endedSnapshot, FakeService, snapshotOf } from '../helpers/fake-service.ts';

let service: FakeService;
let api: Api;

beforeEach(() => {
  service = new FakeService();
  api = createApi(service, createLogger('silent', process.stderr));
});
afterEach(() => {
  api.close();
  expect(service.listenerCount).toBe(0);
});

function call(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const request = new Request(`http://localhost${path}`, {
    method,
    headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return api.handle(request, { closed: Promise.resolve() });
}

async function json(method: string, path: string, body?: unknown, headers?: Record<string, string>) {
  const response = await call(method, path, body, headers);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('a request', () => {
  it('starts a process with the arguments of run_background, on behalf of who asks', async () => {
    const body = { command: 'npm run dev', name: 'web', timeout_ms: 5000, wait_for: { log: 'up' } };
    const answer = await json('POST', '/v1/processes', body, { 'proctor-client': 'nightly 1.0' });
    expect(answer).toMatchObject({ status: 201, body: { id: 'web', run: 1, pid: 4242, status: 'running' } });
    const [request, context] = service.askedFor('run');
    expect(request).toEqual({ command: 'npm run dev', name: 'web', timeoutMs: 5000, waitFor: { log: 'up' } });
    expect(context).toMatchObject({ client: 'nightly 1.0' });
  });

  it('lists all in full, or those of a status or of some ids', async () => {
    service.processes = Array.from({ length: 60 }, (_, i) =>
      endedSnapshot({ id: `p${i}`, command: 'x'.repeat(1000) }),
    );
    const { body } = await json('GET', '/v1/processes');
    expect(body.processes).toHaveLength(60);
    expect(JSON.stringify(body)).toContain('x'.repeat(1000));
    service.calls.length = 0;
    await call('GET', '/v1/processes?status=live&id=p1&id=p2');
    expect(service.askedFor('list')).toEqual([{ status: 'live', ids: ['p1', 'p2'] }]);
  });

  it('reads one process, by its name as it is', async () => {
    service.processes = [snapshotOf({ id: 'a b/c' })];
    expect(await json('GET', '/v1/processes/a%20b%2Fc')).toMatchObject({
      status: 200,
      body: { id: 'a b/c' },
    });
  });

  it('reads a page, its parameters as they are written in a query', async () => {
    const { status, body } = await json(
      'GET',
      '/v1/processes/web/output?since=3&grep=12&raw&timestamps=false&max_bytes=99',
    );
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { id: 'web', next: 6, retained_from: 0, text: 'ready\n' },
    });
    expect(service.askedFor('read')).toEqual([
      'web',
      { since: 3, grep: '12', raw: true, timestamps: false, maxBytes: 99 },
    ]);
  });

  it.each([
    [
      'stdin',
      { text: 'hi', wait_for: { idle_ms: 5 } },
      'send',
      ['web', { text: 'hi', waitFor: { idleMs: 5 } }],
    ],
    ['wait', { log: { pattern: 'x', timeout_ms: 5 } }, 'waitForLog', ['web', { pattern: 'x', timeoutMs: 5 }]],
    ['wait', { port: { port: 80 } }, 'waitForPort', [{ id: 'web', port: 80 }]],
    ['wait', { exit: {} }, 'waitForExit', [{ ids: ['web'] }]],
    ['kill', { signal: 'SIGINT', grace_ms: 1 }, 'kill', [{ ids: ['web'], signal: 'SIGINT', graceMs: 1 }]],
    ['restart', {}, 'restart', ['web']],
  ] as const)('acts on a process: %s %j', async (action, body, method, asked) => {
    const { status } = await json('POST', `/v1/processes/web/${action}`, body);
    expect(status).toBe(200);
    expect(service.askedFor(method).slice(0, asked.length)).toEqual(asked);
  });

  it.each([
    ['/v1/wait', { exit: { ids: ['a', 'b'], mode: 'any' } }, 'waitForExit', { ids: ['a', 'b'], mode: 'any' }],
    ['/v1/wait', { port: { port: 80 } }, 'waitForPort', { port: 80 }],
    ['/v1/kill', { all: true }, 'kill', { all: true }],
    ['/v1/remove', { all_ended: true }, 'remove', { allEnded: true }],
  ] as const)('acts on several: %s %j', async (path, body, method, asked) => {
    expect((await json('POST', path, body)).status).toBe(200);
    expect(service.askedFor(method)[0]).toEqual(asked);
  });

  it('forgets an ended process, and refuses to while it lives', async () => {
    expect((await call('DELETE', '/v1/processes/build')).status).toBe(204);
    service.answers.remove = () => {
      throw new ProcessError('INVALID_ARGUMENT', 'web is still running.', { hint: 'End it.' });
    };
    expect(await json('DELETE', '/v1/processes/web')).toMatchObject({
      status: 409,
      body: { code: 'INVALID_ARGUMENT' },
    });
  });
});

describe('a refusal', () => {
  it.each<[ErrorCode, number]>([
    ['INVALID_PATTERN', 400],
    ['SPAWN_FAILED', 422],
    ['PERMISSION_DENIED', 403],
    ['PROCESS_NOT_FOUND', 404],
    ['NAME_IN_USE', 409],
    ['STDIN_CLOSED', 409],
    ['LIMIT_REACHED', 409],
    ['KILL_INCOMPLETE', 500],
    ['SHUTTING_DOWN', 503],
  ])('has the code %s and status %d', async (code, status) => {
    service.answers.run = () => {
      throw new ProcessError(code, 'what', { hint: 'next', details: { a: 1 } });
    };
    const response = await call('POST', '/v1/processes', { command: 'x' });
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({
      status,
      code,
      detail: 'what',
      hint: 'next',
      details: { a: 1 },
    });
  });

  it.each([
    ['POST', '/v1/processes', { comand: 'x' }, /unknown argument "comand" \(did you mean command\?\)/],
    ['POST', '/v1/processes', {}, /neither command nor code/],
    ['POST', '/v1/processes', '{', /not valid JSON/],
    ['POST', '/v1/processes/web/kill', { id: 'other' }, /unknown argument "id"/],
    ['POST', '/v1/processes/web/wait', {}, /exactly one of log, port, exit/],
    ['GET', '/v1/processes/web/output?tail=many', undefined, /tail is "many"; expected: an integer/],
    ['GET', '/v1/processes/web/output?since=now', undefined, /for a stream/],
    ['GET', '/v1/processes?nope=1', undefined, /unknown argument "nope"/],
    ['GET', '/v1/processes?__proto__=1', undefined, /unknown argument "__proto__"/],
    ['POST', '/v1/processes', '{"command":"x","__proto__":1}', /unknown argument "__proto__"/],
    ['GET', '/v1/processes/web?x=1', undefined, /unknown argument "x"; expected: none/],
    [
      'GET',
      '/v1/processes?status=live&status=ended',
      undefined,
      /status is \["live","ended"\]; expected: one/,
    ],
    ['GET', '/v1/processes?id=ss&id=', undefined, /id\.1 is ""; expected: at least 1/],
    ['GET', '/v1/processes/web/output?tail=1&tail=2', undefined, /tail is \["1","2"\]; expected: an integer/],
    ['GET', '/v1/processes/web/output?raw&raw', undefined, /raw is \["",""\]/],
  ])('names what is wrong: %s %s %j', async (method, path, body, words) => {
    const answer = await json(method, path, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_ARGUMENT' } });
    expect(answer.body.detail).toMatch(words);
  });

  it('comes for a body that is not declared as JSON: a form of a foreign page could send it', async () => {
    const answer = await json('POST', '/v1/processes', '{"command":"x"}', { 'content-type': 'text/plain' });
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_ARGUMENT' } });
    expect(service.calls).toEqual([]);
  });

  it('comes for paths that are not there and methods that a path does not take', async () => {
    expect((await call('GET', '/v1/nothing')).status).toBe(404);
    expect((await call('GET', '/v1/processes/a/b/c')).status).toBe(404);
    const response = await call('PUT', '/v1/processes/web');
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, DELETE']);
  });

  it('says that the fault is the server’s where it is', async () => {
    service.answers.run = () => {
      throw new TypeError('x is not a function');
    };
    const answer = await json('POST', '/v1/processes', { command: 'x' });
    expect(answer).toMatchObject({ status: 500, body: { code: 'INTERNAL', detail: 'x is not a function' } });
  });
});

/** The next events of a stream, which is then left. */
async function events(
  path: string,
  count: number,
  headers: Record<string, string> = {},
): Promise<ReceivedEvent[]> {
  const response = await call('GET', path, undefined, { accept: 'text/event-stream', ...headers });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const seen: ReceivedEvent[] = [];
  for await (const event of readEvents(response.body!)) {
    seen.push(event);
    if (seen.length === count) break;
  }
  return seen;
}

describe('the events of all processes', () => {
  const started = (id: string) => service.emit({ type: 'started', id, run: 1 });

  it('come as they happen', async () => {
    const pending = events('/v1/events', 3);
    await expect.poll(() => service.listenerCount).toBe(1);
    await new Promise(setImmediate);
    started('web');
    service.emit({ type: 'output', id: 'web', run: 1 });
    service.emit({ type: 'ready', id: 'web', run: 1, by: 'port', port: 80, url: 'http://localhost/' });
    service.emit({
      type: 'exited',
      id: 'web',
      run: 1,
      status: 'failed',
      exit: { code: 1, signal: null, cause: 'self' },
    });
    expect(await pending).toMatchObject([
      { event: 'started', data: { id: 'web', run: 1 } },
      { event: 'ready', data: { by: 'port', port: 80 } },
      { event: 'exited', data: { status: 'failed', exit_code: 1, cause: 'self' } },
    ]);
  });

  it('go on after the last one a client has, and from the oldest for one of another server', async () => {
    for (const id of ['a', 'b', 'c']) started(id);
    const all = await events('/v1/events', 3, { 'last-event-id': 'other-7' });
    expect(all.map(({ data }) => (data as { id: string }).id)).toEqual(['a', 'b', 'c']);
    const rest = await events('/v1/events', 2, { 'last-event-id': all[0]!.id! });
    expect(rest.map(({ id }) => id)).toEqual([all[1]!.id, all[2]!.id]);
  });

  it('tell how many are no longer kept', async () => {
    for (let i = 0; i < 1010; i++) started(`p${i}`);
    const [first, second] = await events('/v1/events', 2, { 'last-event-id': '0' });
    expect(first).toMatchObject({ event: 'gap', data: { events: 10 } });
    expect(second).toMatchObject({ event: 'started', data: { id: 'p10' } });
  });

  it('tell once of output that came many times, where that is asked for', async () => {
    const pending = events('/v1/events?output=true', 2);
    await new Promise(setImmediate);
    for (let i = 0; i < 1000; i++) service.emit({ type: 'output', id: 'web', run: 1 });
    started('end');
    const seen = await pending;
    expect(seen.map(({ event }) => event).sort()).toEqual(['output', 'started']);
  });

  it('tell of output ten times a second at most, and of everything else at once', async () => {
    const print = (id: string): void => {
      service.emit({ type: 'output', id, run: 1 });
    };
    const pending = events('/v1/events?output=true', 4);
    await expect.poll(() => service.listenerCount).toBe(1);
    await new Promise(setImmediate);
    print('a');
    // Turns of the loop stand for time in which it could all be told.
    for (let turn = 0; turn < 20; turn++) {
      await new Promise(setImmediate);
      print('a');
      print('b');
      if (turn === 10) started('c');
    }
    const told = (await pending).map(({ event, data }) => `${event} ${(data as { id: string }).id}`);
    expect(told.slice(0, 2)).toEqual(['output a', 'started c']);
    expect(told.slice(2, 4).sort()).toEqual(['output a', 'output b']);
  });
});

describe('a stream of output', () => {
  it('begins after the event that the client had last', async () => {
    // eslint-disable-next-line @typescript-eslint/require-await
    service.answers.openOutput = async function* () {
      yield { type: 'output', stream: 'stderr', from: 7, at: 0, bytes: Buffer.from('é') };
    };
    const [event] = await events('/v1/processes/web/output?since=3', 1, { 'last-event-id': '7' });
    expect(service.askedFor('openOutput')).toEqual(['web', { since: 7 }]);
    const bytes = Buffer.from('é').toString('base64');
    expect(event).toMatchObject({ event: 'output', id: '9', data: { stream: 'stderr', from: 7, bytes } });
  });

  it('takes nothing that only a page has', async () => {
    const answer = await json('GET', '/v1/processes/web/output?tail=5', undefined, {
      accept: 'text/event-stream',
    });
    expect(answer).toMatchObject({
      status: 400,
      body: { detail: 'a stream of events takes since alone, not tail.' },
    });
  });
});

describe('the description', () => {
  interface EventsSchema {
    anyOf: { title: string }[];
  }
  /** What the document says of the events of a path. */
  const eventsSchema = (path: string): EventsSchema => {
    const { paths } = openApiDocument() as {
      paths: Record<string, { get: { responses: { 200: { content: Record<string, { schema: object }> } } } }>;
    };
    return paths[path]!.get.responses[200].content['text/event-stream']!.schema as EventsSchema;
  };
  const expectValid = (schema: EventsSchema, seen: readonly ReceivedEvent[]): void => {
    for (const { event, data } of seen) {
      const named = schema.anyOf.find(({ title }) => title === event);
      expect(named, event).toBeDefined();
      for (const part of [schema, named!])
        expect(z.fromJSONSchema(part as z.core.JSONSchema.JSONSchema).safeParse(data).error).toBeUndefined();
    }
    // A schema that takes anything would prove nothing.
    expect(z.fromJSONSchema(schema as z.core.JSONSchema.JSONSchema).safeParse({}).success).toBe(false);
  };

  it('fits every event of all processes', async () => {
    for (let i = 0; i < 1010; i++) service.emit({ type: 'started', id: `p${i}`, run: 1 });
    const about = { id: 'web', run: 1 };
    service.emit({ type: 'ready', ...about, by: 'port', port: 80, url: 'http://localhost/' });
    service.emit({ type: 'ready', ...about, by: 'idle' });
    const exit = { code: null, signal: 'SIGTERM', cause: 'kill_process' } as const;
    service.emit({ type: 'exited', ...about, status: 'killed', exit });
    service.emit({ type: 'exited', ...about, status: 'error' });
    service.emit({ type: 'removed', ...about });
    const pending = events('/v1/events?output=true', 1002, { 'last-event-id': '0' });
    await new Promise(setImmediate);
    service.emit({ type: 'output', ...about });
    const seen = await pending;
    const kinds = eventsSchema('/v1/events').anyOf.map(({ title }) => title);
    expect(kinds.sort()).toEqual([...new Set(seen.map(({ event }) => event))].sort());
    expectValid(eventsSchema('/v1/events'), seen.slice(-10).concat(seen.slice(0, 2)));
  });

  it('fits every event of an output', async () => {
    service.answers.openOutput = async function* () {
      await Promise.resolve();
      yield { type: 'gap', from: 0, to: 5, bytes: 5 };
      yield { type: 'run', run: 2, from: 5, at: 0 };
      yield { type: 'output', stream: 'stderr', from: 5, at: 0, bytes: Buffer.from('x') };
      yield {
        ...{ type: 'exit', run: 2, to: 6, at: 0, status: 'failed' },
        exit: { code: 1, signal: null, cause: 'self' },
      };
    };
    const path = '/v1/processes/{id}/output';
    const seen = await events(path.replace('{id}', 'web'), 4);
    expect(eventsSchema(path).anyOf).toHaveLength(new Set(seen.map(({ event }) => event)).size);
    expectValid(eventsSchema(path), seen);
  });

  it('has every operation once, each with its answer and its problems', () => {
    const operations = ROUTES.map(({ operation }) => operation);
    expect(new Set(operations).size).toBe(operations.length);
    const { paths } = openApiDocument() as { paths: Record<string, Record<string, { responses: object }>> };
    for (const { method, path, answer } of ROUTES)
      expect(Object.keys(paths[path]?.[method.toLowerCase()]?.responses ?? {})).toEqual([
        String(answer.status),
        'default',
      ]);
  });
});
