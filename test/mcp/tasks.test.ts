import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CallToolResult } from '@modelcontextprotocol/server';
import { DEFAULT_TASK_LIMITS, Tasks, type CreatedTask, type TaskLimits } from '../../src/mcp/tasks.ts';

const HOUR = 60 * 60_000;
const ANSWER: CallToolResult = {
  content: [{ type: 'text', text: 'done' }],
  structuredContent: { outcome: 'matched' },
};

/** A call in the test's hands. */
class Call {
  readonly request = new AbortController();
  signal: AbortSignal | undefined;
  settle: (result: CallToolResult) => void = () => undefined;
  fail: (error: unknown) => void = () => undefined;

  on(tasks: Tasks, tool = 'wait_for_log'): Promise<CallToolResult | CreatedTask> {
    return tasks.run(tool, this.request.signal, (signal) => {
      this.signal = signal;
      return new Promise((resolve, reject) => {
        this.settle = resolve;
        this.fail = reject;
        signal.addEventListener('abort', () => {
          reject(new Error('given up'));
        });
      });
    });
  }
}

async function becomeTask(tasks: Tasks, call = new Call(), tool?: string): Promise<CreatedTask> {
  const answer = call.on(tasks, tool);
  await vi.advanceTimersByTimeAsync(DEFAULT_TASK_LIMITS.quickMs);
  const created = await answer;
  if (created.resultType !== 'task') throw new Error('it became no task');
  return created as CreatedTask;
}

/** Lets what was settled be heard of. */
const turn = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

function open(limits: Partial<TaskLimits> = {}): Tasks {
  return new Tasks({ ...DEFAULT_TASK_LIMITS, ...limits });
}

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 0, 2, 3, 4, 5) });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a call', () => {
  it('that settles soon is answered plainly and leaves nothing behind', async () => {
    const tasks = open({ maxOpen: 1 });
    const call = new Call();
    const answer = call.on(tasks);
    expect(tasks.full).toBe(true);
    await vi.advanceTimersByTimeAsync(999);
    call.settle(ANSWER);
    expect(await answer).toBe(ANSWER);
    expect(tasks.full).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('that fails soon fails plainly', async () => {
    const tasks = open({ maxOpen: 1 });
    const call = new Call();
    const answer = call.on(tasks);
    call.fail(new Error('no'));
    await expect(answer).rejects.toThrow('no');
    expect(tasks.full).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('becomes a task after a second, and says so in the terms of the protocol', async () => {
    const tasks = open();
    const created = await becomeTask(tasks);
    expect(created).toEqual({
      resultType: 'task',
      content: [],
      taskId: expect.stringMatching(
        /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
      ) as string,
      status: 'working',
      statusMessage: 'wait_for_log is waiting.',
      createdAt: '2026-01-02T03:04:06.000Z',
      lastUpdatedAt: '2026-01-02T03:04:06.000Z',
      ttlMs: 25 * HOUR,
      pollIntervalMs: 500,
    });
    const { resultType, content, ...state } = created;
    expect([resultType, content]).toHaveLength(2);
    expect(tasks.get(created.taskId)).toEqual(state);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is aborted by its request until then, and no longer after', async () => {
    const tasks = open({ maxOpen: 1 });
    const early = new Call();
    const answer = early.on(tasks);
    early.request.abort(new Error('gone'));
    await expect(answer).rejects.toThrow('given up');
    expect(early.signal?.reason).toEqual(new Error('gone'));
    expect(tasks.full).toBe(false);

    const late = new Call();
    const { taskId } = await becomeTask(tasks, late);
    late.request.abort(new Error('gone'));
    await turn();
    expect(late.signal?.aborted).toBe(false);
    expect(tasks.get(taskId)?.status).toBe('working');
  });

  it('does not begin to wait for a request that was given up before', async () => {
    const call = new Call();
    call.request.abort(new Error('gone'));
    const answer = call.on(open());
    expect(call.signal?.aborted).toBe(true);
    call.settle(ANSWER);
    expect(await answer).toBe(ANSWER);
  });

  it('becomes no task when it was given up and takes its time to end', async () => {
    const tasks = open();
    const request = new AbortController();
    let settle: ((result: CallToolResult) => void) | undefined;
    const answer = tasks.run(
      'run_background',
      request.signal,
      () => new Promise((resolve) => (settle = resolve)),
    );
    request.abort();
    await vi.advanceTimersByTimeAsync(5000);
    settle?.(ANSWER);
    expect(await answer).toBe(ANSWER);
  });
});

describe('a task', () => {
  it('is to be looked at less often the longer it takes', async () => {
    const tasks = open();
    const { taskId } = await becomeTask(tasks);
    const intervals: unknown[] = [];
    for (const ms of [4000, 16_000, 40_000, HOUR]) {
      await vi.advanceTimersByTimeAsync(ms);
      const state = tasks.get(taskId);
      intervals.push(state?.pollIntervalMs);
    }
    expect(intervals).toEqual([500, 2000, 5000, 5000]);
  });

  it('ends with the result that the call would have had', async () => {
    const tasks = open();
    const call = new Call();
    const { taskId } = await becomeTask(tasks, call);
    await vi.advanceTimersByTimeAsync(2500);
    call.settle(ANSWER);
    await turn();
    expect(tasks.get(taskId)).toEqual({
      taskId,
      status: 'completed',
      result: { resultType: 'complete', ...ANSWER },
      statusMessage: 'wait_for_log has answered.',
      createdAt: '2026-01-02T03:04:06.000Z',
      lastUpdatedAt: '2026-01-02T03:04:08.500Z',
      ttlMs: HOUR + 2500,
    });
  });

  it("is completed by a tool's error, and failed by one of the protocol", async () => {
    const tasks = open();
    const [wrong, broken, coded] = [new Call(), new Call(), new Call()];
    const ids = [];
    for (const call of [wrong, broken, coded]) ids.push((await becomeTask(tasks, call)).taskId);
    wrong.settle({ ...ANSWER, isError: true });
    broken.fail('broken');
    coded.fail(Object.assign(new Error('bad'), { code: -32602 }));
    await turn();
    expect(ids.map((id) => tasks.get(id))).toMatchObject([
      { status: 'completed', result: { isError: true } },
      { status: 'failed', error: { code: -32603, message: 'broken' } },
      {
        status: 'failed',
        error: { code: -32602, message: 'bad' },
        statusMessage: 'wait_for_log failed: bad',
      },
    ]);
  });

  it('is cancelled for good: what it comes to afterwards changes nothing', async () => {
    const tasks = open({ maxOpen: 1 });
    const call = new Call();
    const { taskId } = await becomeTask(tasks, call);
    expect(tasks.cancel(taskId)).toBe(true);
    expect(call.signal?.aborted).toBe(true);
    const cancelled = tasks.get(taskId);
    expect(cancelled).toMatchObject({
      status: 'cancelled',
      statusMessage: 'wait_for_log was cancelled; the process was not touched.',
    });
    await turn();
    expect(tasks.get(taskId)).toEqual(cancelled);
    expect(tasks.full).toBe(false);
    // Cancelling what has ended is no error, and has no effect.
    expect(tasks.cancel(taskId)).toBe(true);
    expect(tasks.cancel('never was')).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it.each(['run_background', 'restart_process'])(
    'that is cancelled starts what it was to start: %s',
    async (tool) => {
      const tasks = open();
      const { taskId } = await becomeTask(tasks, new Call(), tool);
      tasks.cancel(taskId);
      expect(tasks.get(taskId)?.statusMessage).toBe(
        `The wait of ${tool} was cancelled; what it was starting goes on: see list_processes.`,
      );
    },
  );

  it('that has ended is kept for an hour from its end', async () => {
    const tasks = open();
    const [first, second] = [new Call(), new Call()];
    const ids = [(await becomeTask(tasks, first)).taskId, (await becomeTask(tasks, second)).taskId];
    await vi.advanceTimersByTimeAsync(10 * HOUR);
    first.settle(ANSWER);
    await vi.advanceTimersByTimeAsync(HOUR - 1);
    second.settle(ANSWER);
    expect(ids.map((id) => tasks.get(id)?.status)).toEqual(['completed', 'working']);
    await vi.advanceTimersByTimeAsync(1);
    expect(ids.map((id) => tasks.get(id)?.status)).toEqual([undefined, 'completed']);
    expect(tasks.cancel(ids[0] ?? '')).toBe(false);
  });
});

describe('the number of tasks', () => {
  it('is bounded while they work, those included that are none yet', async () => {
    const tasks = open({ maxOpen: 2 });
    const first = new Call();
    await becomeTask(tasks, first);
    expect(tasks.full).toBe(false);
    const second = new Call();
    const quick = second.on(tasks);
    expect(tasks.full).toBe(true);
    second.settle(ANSWER);
    await quick;
    expect(tasks.full).toBe(false);
  });

  it('is bounded when they have ended: what ended first goes first', async () => {
    const tasks = open({ maxEnded: 2 });
    const calls = [new Call(), new Call(), new Call()];
    const ids = [];
    for (const call of calls) ids.push((await becomeTask(tasks, call)).taskId);
    for (const call of calls.toReversed()) {
      call.settle(ANSWER);
      await turn();
    }
    expect(ids.map((id) => tasks.get(id)?.status)).toEqual(['completed', 'completed', undefined]);
  });
});

it('closing ends every wait and forgets every task', async () => {
  const tasks = open();
  const [working, ended] = [new Call(), new Call()];
  const ids = [(await becomeTask(tasks, working)).taskId, (await becomeTask(tasks, ended)).taskId];
  ended.settle(ANSWER);
  await turn();
  tasks.close();
  expect(working.signal?.aborted).toBe(true);
  await turn();
  expect(ids.map((id) => tasks.get(id))).toEqual([undefined, undefined]);
  expect(tasks.full).toBe(false);
});
