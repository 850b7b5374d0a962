import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAlive } from '../helpers/alive.ts';
import { SharedServer } from '../helpers/http-server.ts';
import { cli, TestServer, type Answer } from '../helpers/start-server.ts';
import { TaskClient } from '../helpers/task-client.ts';

const EXTENSION = 'io.modelcontextprotocol/tasks';
/** So short a cap that what outlives it outlives it soon. */
const FLAGS = ['--wait-cap-ms', '500'];

/** A client that takes tasks and one that does not, on the same server. */
interface Face {
  tasks: TaskClient;
  call: (tool: string, args: Record<string, unknown>) => Promise<Answer>;
  /** Ends every process and the server, and proves it. */
  close: () => Promise<void>;
}

function v2(client: unknown): Client {
  if (!(client instanceof Client)) throw new Error('not the v2 client');
  return client;
}

async function openStdio(): Promise<Face> {
  const server = await TestServer.start({ client: '2026', flags: FLAGS });
  return {
    tasks: new TaskClient(v2(server.client)),
    call: (tool, args) => server.call(tool, args),
    close: async () => {
      await server.reset();
      await server.close();
    },
  };
}

async function openHttp(): Promise<Face> {
  const server = await SharedServer.start({ flags: FLAGS });
  const [plain, declaring] = [await server.connect(), await server.connect()];
  return {
    tasks: new TaskClient(v2(declaring.client)),
    call: (tool, args) => plain.call(tool, args),
    close: async () => {
      await Promise.all([plain.close(), declaring.close()]);
      await server.close();
    },
  };
}

interface Run {
  id: string;
  pid: number;
}

async function run(face: Face, command: string): Promise<Run> {
  const { structured, text } = await face.call('run_background', { command });
  if (structured === undefined) throw new Error(text);
  return structured as Run;
}

const structuredOf = (state: Record<string, unknown>): Record<string, unknown> =>
  (state.result as { structuredContent: Record<string, unknown> }).structuredContent;

// They wait for the clock and not for the machine, so that they may well do it together.
describe.concurrent.each([
  ['stdio', openStdio],
  ['HTTP', openHttp],
])('over %s', (_, open) => {
  let face: Face;
  beforeAll(async () => {
    face = await open();
  });
  afterAll(() => face.close());

  it('a wait is as long as it was asked for, and ends with what a call would have answered', async () => {
    const { id, pid } = await run(face, 'sleep 1.8; echo ready in 7 ms; sleep 300');
    const args = { id, pattern: 'ready in (\\d+)', timeout_ms: 15_000 };
    const taskId = await face.tasks.start('wait_for_log', args);
    const capped = await face.call('wait_for_log', args);
    expect(capped.structured).toMatchObject({ outcome: 'timeout' });

    const state = await face.tasks.ended(taskId);
    expect(state).toMatchObject({ status: 'completed', resultType: 'complete', taskId });
    const plain = await face.tasks.call('wait_for_log', args);
    const { waited_ms, ...facts } = structuredOf(state);
    expect(facts).toMatchObject({
      outcome: 'matched',
      line: 'ready in 7 ms',
      groups: ['7'],
      status: 'running',
    });
    expect(plain).toMatchObject({ resultType: 'complete', structuredContent: facts });
    expect(waited_ms).toBeGreaterThan(1000);
    expect(waited_ms).toBeLessThan(5000);
    expect(isAlive(pid)).toBe(true);
  });

  it('a start that waits, and a wait for the end, may be tasks as well', async () => {
    const taskId = await face.tasks.start('run_background', {
      command: 'sleep 1.6; echo up; sleep 1.2; exit 3',
      name: 'slow',
      wait_for: { log: '^up$', timeout_ms: 15_000 },
    });
    const started = structuredOf(await face.tasks.ended(taskId));
    expect(started).toMatchObject({ id: 'slow', status: 'running', wait: { by: 'log', outcome: 'matched' } });

    const exit = await face.tasks.call('wait_for_exit', { id: 'slow', timeout_ms: 15_000 });
    const result = exit.resultType === 'task' ? (await face.tasks.ended(String(exit.taskId))).result : exit;
    expect(result).toMatchObject({
      structuredContent: { outcome: 'exited', processes: [{ id: 'slow', status: 'failed', exit_code: 3 }] },
    });
  });

  it('a timeout is told when it is over', async () => {
    const { id } = await run(face, 'sleep 300');
    const taskId = await face.tasks.start('wait_for_log', { id, pattern: 'never', timeout_ms: 1500 });
    const { outcome, waited_ms } = structuredOf(await face.tasks.ended(taskId));
    expect(outcome).toBe('timeout');
    expect(waited_ms).toBeGreaterThanOrEqual(1495);
  });

  it('what is known at once is answered at once', async () => {
    const { id } = await run(face, 'echo ready; sleep 300');
    const answer = await face.tasks.call('wait_for_log', { id, pattern: 'ready' });
    expect(answer).toMatchObject({ resultType: 'complete', structuredContent: { outcome: 'matched' } });
    expect(answer).not.toHaveProperty('taskId');
    const wrong = await face.tasks.call('wait_for_log', { id: 'nobody', pattern: 'ready' });
    expect(wrong).toMatchObject({ resultType: 'complete', isError: true });
  });

  it('cancelling ends the wait, and never the process', async () => {
    const { id, pid } = await run(face, 'while :; do echo tick; sleep 0.05; done');
    const taskId = await face.tasks.start('wait_for_log', { id, pattern: 'never', timeout_ms: 3_600_000 });
    expect(await face.tasks.get(taskId)).toMatchObject({ status: 'working' });
    const { result } = await face.tasks.request('tasks/cancel', { taskId });
    expect(result).toMatchObject({ resultType: 'complete' });
    expect(await face.tasks.get(taskId)).toMatchObject({ status: 'cancelled' });
    expect(isAlive(pid)).toBe(true);
  });

  it('a client that does not declare the extension gets no task, and no answer about one', async () => {
    const { id } = await run(face, 'sleep 300');
    const args = { id, pattern: 'never', timeout_ms: 15_000 };
    const { result } = await face.tasks.request(
      'tools/call',
      { name: 'wait_for_log', arguments: args },
      false,
    );
    expect(result).toMatchObject({ resultType: 'complete', structuredContent: { outcome: 'timeout' } });
    const taskId = await face.tasks.start('wait_for_log', args);
    expect((await face.tasks.request('tasks/get', { taskId }, false)).error).toMatchObject({ code: -32021 });
    expect((await face.tasks.request('tasks/get', { taskId: 'guessed' })).error).toMatchObject({
      code: -32602,
    });
  });

  it("the extension's own client library is served by it", async () => {
    const session = face.tasks.session();
    const execution = await session.callTool('run_background', {
      command: 'sleep 1.5; echo up; sleep 300',
      name: 'library',
      wait_for: { log: '^up$', timeout_ms: 15_000 },
    });
    expect(execution.kind).toBe('task');
    const { outcome } = await execution.settle();
    expect(outcome).toMatchObject({
      status: 'completed',
      result: { structuredContent: { id: 'library', wait: { outcome: 'matched', line: 'up' } } },
    });
    await session.close();
  });
});

describe.concurrent('a shared server', () => {
  it('keeps a task over the end of the connection that began it', async () => {
    const server = await SharedServer.start({ flags: FLAGS });
    try {
      const first = await server.connect();
      const { id } = await first.ok('run_background', { command: 'sleep 1.8; echo ready; sleep 300' });
      const args = { id, pattern: 'ready', timeout_ms: 15_000 };
      const taskId = await new TaskClient(v2(first.client)).start('wait_for_log', args);
      await first.close();

      const second = await server.connect();
      const state = await new TaskClient(v2(second.client)).ended(taskId);
      expect(structuredOf(state)).toMatchObject({ outcome: 'matched', line: 'ready' });
      await second.close();
    } finally {
      await server.close();
    }
  });

  it('does not put off its end for the tasks at work', async () => {
    const server = await SharedServer.start({ flags: ['--grace-ms', '500'] });
    const client = v2((await server.connect()).client);
    const tasks = new TaskClient(client);
    await tasks.call('run_background', { command: 'sleep 300', name: 'long' });
    for (const pattern of ['a', 'b', 'c'])
      await tasks.start('wait_for_log', { id: 'long', pattern, timeout_ms: 3_600_000 });
    const begun = performance.now();
    await client.close();
    await server.close();
    expect(performance.now() - begun).toBeLessThan(4000);
  });
});

it.concurrent(
  'a client over stdio that goes away takes its tasks with it, and the server ends at once',
  async () => {
    const server = await TestServer.start({ client: '2026', flags: ['--grace-ms', '500'] });
    const tasks = new TaskClient(v2(server.client));
    await tasks.call('run_background', { command: 'sleep 300', name: 'long' });
    await tasks.start('wait_for_exit', { id: 'long', timeout_ms: 3_600_000 });
    const begun = performance.now();
    await server.close();
    expect(performance.now() - begun).toBeLessThan(4000);
  },
);

describe.concurrent('the bridge', () => {
  it('offers no tasks, and blocks as ever', async () => {
    const shared = await SharedServer.start({ flags: FLAGS });
    const client = new Client(
      { name: 'bridged', version: '1' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } } },
    );
    try {
      await client.connect(
        new StdioClientTransport({
          command: process.execPath,
          args: [cli, '--connect'],
          env: {
            PATH: process.env.PATH ?? '',
            HOME: process.env.HOME ?? '',
            PROCTOR_STATE_DIR: shared.stateDirectory,
          },
          stderr: 'ignore',
        }),
      );
      expect(client.getServerCapabilities()?.extensions?.[EXTENSION]).toBeUndefined();
      const tasks = new TaskClient(client);
      await tasks.call('run_background', { command: 'sleep 300', name: 'long' });
      const wait = await tasks.call('wait_for_log', { id: 'long', pattern: 'never', timeout_ms: 15_000 });
      expect(wait).toMatchObject({ resultType: 'complete', structuredContent: { outcome: 'timeout' } });
      expect((await tasks.request('tasks/get', { taskId: 'x' })).error).toMatchObject({ code: -32601 });
    } finally {
      await client.close();
      await shared.close();
    }
  });
});
