import { describe, expect, it, onTestFinished } from 'vitest';
import { ProcessError } from '../../src/core/errors.ts';
import { DEFAULT_LIMITS, PATIENT_WAIT_MS } from '../../src/core/limits.ts';
import { ProcessManager } from '../../src/core/process/process-manager.ts';
import type { CallContext, ProcessService } from '../../src/core/service.ts';
import type { LogWaitOutcome } from '../../src/core/types.ts';
import { createLogger } from '../../src/logger.ts';
import { createMcpEndpoint } from '../../src/mcp/http.ts';
import { DEFAULT_TASK_LIMITS, type TaskLimits } from '../../src/mcp/tasks.ts';
import { FakeRunner } from '../helpers/fake-runner.ts';
import { FakeService, snapshotOf } from '../helpers/fake-service.ts';
import { TaskClient, type Reply } from '../helpers/task-client.ts';
import { until } from '../helpers/until.ts';
import { connect, REVISIONS } from '../tools/connect.ts';

const EXTENSION = 'io.modelcontextprotocol/tasks';
const DECLARED = { extensions: { [EXTENSION]: {} } };
const MATCHED: LogWaitOutcome = {
  outcome: 'matched',
  line: 'ready',
  groups: [],
  named: {},
  stream: 'stdout',
  status: 'running',
  waitedMs: 90,
  tail: 'ready\n',
  cursor: 6,
};
const WAIT = { name: 'wait_for_log', arguments: { id: 'web', pattern: 'ready' } };

interface SendOptions {
  capabilities?: object;
  signal?: AbortSignal;
  meta?: object;
}

/** A wait in the test's hands, behind the HTTP face, of which each request makes a server of its own. */
class Face {
  readonly service = new FakeService();
  context: CallContext | undefined;
  settle: (outcome: LogWaitOutcome) => void = () => undefined;
  readonly #endpoint;
  #id = 0;

  constructor(limits: Partial<TaskLimits> = {}, service: ProcessService = this.service) {
    this.service.answers.waitForLog = (_id, _request, context) => {
      this.context = context;
      return new Promise((resolve, reject) => {
        this.settle = resolve;
        context?.signal?.addEventListener('abort', () => {
          reject(new Error('given up'));
        });
      });
    };
    const logger = createLogger('silent', process.stderr);
    const taskLimits = { ...DEFAULT_TASK_LIMITS, quickMs: 30, ...limits };
    this.#endpoint = createMcpEndpoint(service, { version: '0', logger }, { taskLimits });
    onTestFinished(() => this.close());
  }

  close(): Promise<void> {
    return this.#endpoint.close();
  }

  async send(
    method: string,
    params: Record<string, unknown>,
    { capabilities = DECLARED, signal = new AbortController().signal, meta = {} }: SendOptions = {},
  ): Promise<Reply & { status: number; type: string | null }> {
    const name = params.taskId ?? params.name;
    const request = new Request('http://localhost/mcp', {
      method: 'POST',
      headers: {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': method,
        ...(typeof name === 'string' && { 'mcp-name': name }),
      },
      body: JSON.stringify({
        jsonrpc: '2.0',
        id: ++this.#id,
        method,
        params: {
          ...params,
          _meta: {
            'io.modelcontextprotocol/protocolVersion': '2026-07-28',
            'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '1' },
            'io.modelcontextprotocol/clientCapabilities': capabilities,
            ...meta,
          },
        },
      }),
      signal,
    });
    const response = await this.#endpoint.handle(request, { closed: Promise.resolve() });
    const text = await response.text();
    const reply = (text === '' ? {} : JSON.parse(text)) as Reply;
    return { ...reply, status: response.status, type: response.headers.get('content-type') };
  }

  async start(): Promise<string> {
    const { result } = await this.send('tools/call', WAIT);
    expect(result).toMatchObject({ resultType: 'task', status: 'working' });
    return String(result?.taskId);
  }
}

describe('who gets a task', () => {
  it('a client that declares the extension, and no other', async () => {
    const face = new Face();
    const plain = face.send('tools/call', WAIT, { capabilities: {} });
    await until('the wait has begun', () => face.context !== undefined);
    expect(face.context?.waitCapMs).toBeUndefined();
    face.settle(MATCHED);
    const { result: answered } = await plain;
    expect(answered).toMatchObject({ resultType: 'complete', structuredContent: { outcome: 'matched' } });

    const taskId = await face.start();
    expect(face.context?.waitCapMs).toBe(PATIENT_WAIT_MS);
    face.settle(MATCHED);
    await until('the task has ended', async () => {
      const { result } = await face.send('tasks/get', { taskId });
      return result?.status === 'completed';
    });
    const { result } = await face.send('tasks/get', { taskId });
    const { resultType, content, structuredContent } = answered ?? {};
    expect(result).toMatchObject({ resultType: 'complete', taskId });
    expect(result?.result).toEqual({ resultType, content, structuredContent });
  });

  it.each([
    [{ name: 'run_background', arguments: { command: 'x', wait_for: { log: 'y' } } }, true],
    [{ name: 'run_background', arguments: { command: 'x' } }, false],
    [{ name: 'restart_process', arguments: { id: 'web', wait_for: { exit: true } } }, true],
    [{ name: 'wait_for_port', arguments: { port: 1 } }, true],
    [{ name: 'wait_for_exit', arguments: { id: 'web' } }, true],
    [{ name: 'kill_process', arguments: { id: 'web' } }, false],
  ])('%o may wait as long as it likes: %s', async (call, patient) => {
    const face = new Face();
    const { result } = await face.send('tools/call', call);
    expect(result?.isError).toBeUndefined();
    const [{ args } = { args: [] }] = face.service.calls;
    const context = args.find((arg) => typeof arg === 'object' && arg !== null && 'signal' in arg);
    expect(context).toHaveProperty('client', 'raw 1');
    expect(context !== undefined && 'waitCapMs' in (context as object)).toBe(patient);
  });

  it('is told what is wrong with its call at once', async () => {
    const face = new Face();
    const bad = await face.send('tools/call', { name: 'wait_for_log', arguments: { id: 'web' } });
    expect(bad.result).toMatchObject({ resultType: 'complete', isError: true });
    const none = await face.send('tools/call', { name: 'wait_for_nothing', arguments: {} });
    expect(none.error).toMatchObject({ code: -32602 });
  });

  it('learns of the error of a tool by a task that is completed', async () => {
    const face = new Face();
    let fail: (error: Error) => void = () => undefined;
    face.service.answers.run = () => new Promise((_, reject) => (fail = reject));
    const call = { name: 'run_background', arguments: { command: 'x', wait_for: { exit: true } } };
    const { result } = await face.send('tools/call', call);
    fail(new ProcessError('SPAWN_FAILED', 'No such program.', { hint: 'Install it.' }));
    const taskId = String(result?.taskId);
    await until('the task has ended', async () => {
      const state = await face.send('tasks/get', { taskId });
      return state.result?.status === 'completed';
    });
    expect((await face.send('tasks/get', { taskId })).result).toMatchObject({
      result: { isError: true, content: [{ text: 'SPAWN_FAILED: No such program. Install it.' }] },
    });
  });

  it('blocks as ever where there are too many, and is told of its progress then', async () => {
    const face = new Face({ maxOpen: 1 });
    await face.start();
    const blocked = face.send('tools/call', WAIT);
    await until('the second wait has begun', () => face.service.calls.length === 2);
    expect(face.context).not.toHaveProperty('waitCapMs');
    await new Promise((resolve) => setTimeout(resolve, 100));
    face.settle(MATCHED);
    expect((await blocked).result).toMatchObject({ resultType: 'complete', structuredContent: {} });
  });
});

describe('a request that ends', () => {
  it('ends its wait while it is none but a request', async () => {
    const face = new Face({ quickMs: 10_000 });
    const exchange = new AbortController();
    const answer = face.send('tools/call', WAIT, { signal: exchange.signal });
    await until('the wait has begun', () => face.context !== undefined);
    exchange.abort();
    expect((await answer).status).toBe(499);
    expect(face.context?.signal?.aborted).toBe(true);
  });

  it('does not end the task it has become', async () => {
    const face = new Face();
    const exchange = new AbortController();
    const { result } = await face.send('tools/call', WAIT, { signal: exchange.signal });
    exchange.abort();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(face.context?.signal?.aborted).toBe(false);
    const { result: state } = await face.send('tasks/get', { taskId: result?.taskId });
    expect(state).toMatchObject({ status: 'working', pollIntervalMs: 500 });
  });

  it('hears nothing of the progress of a task', async () => {
    const face = new Face();
    const reply = await face.send('tools/call', WAIT, { meta: { progressToken: 7 } });
    // One answer and no stream: there was nothing to tell.
    expect(reply.type).toBe('application/json');
  });
});

describe('tasks/cancel', () => {
  it('releases the wait, and touches nothing else', async () => {
    const face = new Face();
    const taskId = await face.start();
    const { result } = await face.send('tasks/cancel', { taskId });
    expect(result).toEqual({ resultType: 'complete', _meta: expect.anything() as unknown });
    expect(face.context?.signal?.aborted).toBe(true);
    expect((await face.send('tasks/get', { taskId })).result).toMatchObject({ status: 'cancelled' });
    expect(face.service.calls.map(({ method }) => method)).toEqual(['waitForLog']);
    expect((await face.send('tasks/cancel', { taskId })).error).toBeUndefined();
  });
});

describe('a cancelled task', () => {
  it('leaves no timer of its wait behind', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const manager = new ProcessManager(new FakeRunner(), DEFAULT_LIMITS);
    await manager.run({ command: 'web', name: 'web' });
    const face = new Face({}, manager);
    const before = timers();
    const calls = [
      { name: 'wait_for_log', arguments: { id: 'web', pattern: 'x', timeout_ms: 3_600_000 } },
      { name: 'wait_for_port', arguments: { id: 'web', timeout_ms: 3_600_000 } },
      { name: 'wait_for_exit', arguments: { id: 'web', timeout_ms: 3_600_000 } },
    ];
    for (const call of calls) {
      const { result } = await face.send('tools/call', call);
      expect(result).toMatchObject({ resultType: 'task' });
      expect(timers()).toBeGreaterThan(before);
      await face.send('tasks/cancel', { taskId: result?.taskId });
      await until('the timers are gone', () => timers() <= before);
    }
    await manager.close(0);
  });
});

it('the end of the face ends its tasks', async () => {
  const face = new Face();
  await face.start();
  await face.close();
  expect(face.context?.signal?.aborted).toBe(true);
});

describe('the methods', () => {
  const METHODS = ['tasks/get', 'tasks/update', 'tasks/cancel'];

  it.each(METHODS)('%s refuses who does not declare the extension', async (method) => {
    const face = new Face();
    const taskId = await face.start();
    for (const params of [{ taskId, inputResponses: {} }, {}]) {
      const { status, error } = await face.send(method, params, { capabilities: { extensions: {} } });
      expect(status).toBe(400);
      expect(error).toMatchObject({ code: -32021, data: { requiredCapabilities: DECLARED } });
    }
    expect(face.context?.signal?.aborted).toBe(false);
  });

  it.each(METHODS)('%s refuses what it does not know, and says what to do', async (method) => {
    const face = new Face({ keepMs: 20 });
    const unknown = await face.send(method, { taskId: 'x'.repeat(1000), inputResponses: {} });
    expect(unknown.error?.code).toBe(-32602);
    expect(unknown.error?.message).toMatch(/^There is no task "x{80}": .* call the tool again\.$/);
    expect((await face.send(method, {})).error).toMatchObject({
      code: -32602,
      message: `${method} needs a taskId`,
    });

    const taskId = await face.start();
    face.settle(MATCHED);
    await new Promise((resolve) => setTimeout(resolve, 40));
    expect((await face.send(method, { taskId, inputResponses: {} })).error?.code).toBe(-32602);
  });

  it('tasks/update is acknowledged, and answers that nobody asked for are ignored', async () => {
    const face = new Face();
    const taskId = await face.start();
    const { result } = await face.send('tasks/update', {
      taskId,
      inputResponses: { a: { action: 'accept' } },
    });
    expect(result).toEqual({ resultType: 'complete', _meta: expect.anything() as unknown });
    expect((await face.send('tasks/get', { taskId })).result).toMatchObject({ status: 'working' });
  });

  it('no others are served', async () => {
    const face = new Face();
    for (const method of ['tasks/list', 'tasks/result'])
      expect((await face.send(method, {})).error).toMatchObject({ code: -32601 });
  });
});

describe('over one connection', () => {
  it.each(REVISIONS)('the extension is announced from 2026-07-28 on (%s)', async (revision) => {
    const { client } = await connect(revision);
    const extensions = revision === '2026-07-28' ? { [EXTENSION]: {} } : undefined;
    expect(client.getServerCapabilities()?.extensions).toEqual(extensions);
  });

  it("the extension's own client gets its result by a task, or at once", async () => {
    const { client, service } = await connect();
    let settle: (() => void) | undefined;
    service.answers.run = () =>
      new Promise((resolve) => {
        settle = () => {
          resolve({ process: snapshotOf(), reused: false });
        };
      });
    const tasks = new TaskClient(client);
    const session = tasks.session();
    const quick = await session.callTool('wait_for_log', { id: 'web', pattern: 'x' });
    expect(quick.kind).toBe('immediate');

    const call = await session.callTool('run_background', { command: 'x', wait_for: { exit: true } });
    expect(call.kind).toBe('task');
    settle?.();
    const { outcome } = await call.settle();
    expect(outcome).toMatchObject({
      status: 'completed',
      result: { structuredContent: { id: 'web', pid: 4242 } },
    });
    await session.close();
  });

  it('what the client cancels with the extension is cancelled here', async () => {
    const { client, service } = await connect();
    let signal: AbortSignal | undefined;
    service.answers.waitForLog = (_id, _request, context) => {
      signal = context?.signal;
      return new Promise(() => undefined);
    };
    const session = new TaskClient(client).session();
    const call = await session.callTool('wait_for_log', { id: 'web', pattern: 'x' });
    await call.cancel();
    expect(signal?.aborted).toBe(true);
    expect((await call.settle()).outcome.status).toBe('cancelled');
    await session.close();
  });

  it('tasks end with it', async () => {
    const { client, service, server } = await connect();
    let signal: AbortSignal | undefined;
    service.answers.waitForLog = (_id, _request, context) => {
      signal = context?.signal;
      return new Promise(() => undefined);
    };
    await new TaskClient(client).start('wait_for_log', { id: 'web', pattern: 'x' });
    expect(signal?.aborted).toBe(false);
    await client.close();
    await server.closed;
    expect(signal?.aborted).toBe(true);
  });
});
