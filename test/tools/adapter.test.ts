import { afterEach, describe, expect, it, vi } from 'vitest';
import { ERROR_CODES, ProcessError } from '../../src/core/errors.ts';
import { until } from '../helpers/until.ts';
import { connect, connectV1, REVISIONS } from './connect.ts';

/** Never answers; rejects when the caller gives up. */
function hang(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => {
      reject(new Error('given up'));
    });
  });
}

describe('errors', () => {
  it.each(ERROR_CODES.map((code) => [code]))(
    '%s reads: code, what happened, what to do next',
    async (code) => {
      const { call, service, logged } = await connect();
      service.answers.run = () => {
        throw new ProcessError(code, 'The door is closed.', { hint: 'Open it first.' });
      };
      const answer = await call('run_background', { command: 'x' });
      expect(answer).toEqual({
        isError: true,
        text: `${code}: The door is closed. Open it first.`,
        structured: undefined,
      });
      expect(logged).toEqual([]);
    },
  );

  it('turns anything else into INTERNAL, and logs it with its stack', async () => {
    const { call, service, logged } = await connect();
    const fault = new TypeError('x is not a function');
    service.answers.list = () => {
      throw fault;
    };
    const answer = await call('list_processes');
    expect(answer.isError).toBe(true);
    expect(answer.text).toMatch(/^INTERNAL: x is not a function\. \S/);
    expect(logged).toEqual([{ message: 'list_processes failed', error: fault }]);
  });

  it.each(REVISIONS)('shows our own refusal of an argument to a client of %s', async (revision) => {
    const { call } = await connect(revision);
    const answer = await call('get_output', { id: 'web', sinse: 3 });
    expect(answer.isError).toBe(true);
    expect(answer.text).toMatch(
      /^INVALID_ARGUMENT: unknown argument "sinse" \(did you mean since\?\); expected: id, since, .*\. Correct the call to get_output and repeat it\.$/,
    );
  });

  it('shows it to the 1.x client, and names the ids that exist', async () => {
    const { call } = await connectV1();
    expect((await call('get_output', {})).text).toMatch(/^INVALID_ARGUMENT: id is missing/);
    expect((await call('get_output', { id: 'wb' })).text).toBe(
      'PROCESS_NOT_FOUND: There is no process "wb". Known: web, build.',
    );
  });

  it('makes survivors of a kill KILL_INCOMPLETE, with their pids and what did end', async () => {
    const { call, service } = await connect();
    const dead = { status: 'killed' as const, waitedMs: 1, tail: '' };
    service.answers.kill = () => ({
      processes: [
        { ...dead, id: 'web', killed: [1], survivors: Array.from({ length: 25 }, (_, index) => 500 + index) },
        { ...dead, id: 'build', killed: [2], survivors: [] },
      ],
    });
    const answer = await call('kill_process', { all: true });
    expect(answer.isError).toBe(true);
    expect(answer.text).toMatch(/^KILL_INCOMPLETE: still alive after SIGKILL: web: pid 500, 501, /);
    expect(answer.text).toContain('519 and 5 more');
    expect(answer.text).toMatch(/Ended: build\. Call kill_process again/);
  });
});

describe('a caller who gives up', () => {
  it.each(REVISIONS)('aborts the wait it started, and only that (%s)', async (revision) => {
    const { client, call, service, logged } = await connect(revision);
    let aborted = false;
    service.answers.waitForLog = (_id, _request, context) => {
      context?.signal?.addEventListener('abort', () => (aborted = true));
      return hang(context?.signal);
    };
    const cancel = new AbortController();
    const waiting = client.callTool(
      { name: 'wait_for_log', arguments: { id: 'web', pattern: 'x' } },
      { signal: cancel.signal },
    );
    await until('the wait has begun', () => service.calls.length === 1);
    // No lock across tools: a kill works during a wait.
    expect((await call('kill_process', { id: 'web' })).isError).toBe(false);
    expect(aborted).toBe(false);
    cancel.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow();
    await until('the wait is aborted', () => aborted);
    expect(service.calls.map(({ method }) => method)).toEqual(['waitForLog', 'kill']);
    expect((await call('list_processes')).isError).toBe(false);
    expect(logged).toEqual([]);
  });

  it('aborts by leaving as well', async () => {
    const { client, service, server } = await connect();
    let signal: AbortSignal | undefined;
    service.answers.waitForLog = (_id, _request, context) => {
      signal = context?.signal;
      return hang(signal);
    };
    const waiting = client.callTool({ name: 'wait_for_log', arguments: { id: 'web', pattern: 'x' } });
    await until('the wait has begun', () => signal !== undefined);
    await client.close();
    await expect(waiting).rejects.toThrow();
    await server.closed;
    await until('the wait is aborted', () => signal?.aborted === true);
  });
});

describe('progress', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each(REVISIONS)('is told every five seconds to a client that gave a token (%s)', async (revision) => {
    const { client, service } = await connect(revision);
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    let finish: (() => void) | undefined;
    service.answers.run = async () => {
      await new Promise<void>((resolve) => (finish = resolve));
      throw new ProcessError('INTERNAL', 'over.', { hint: 'Go.' });
    };
    const heard: { progress: number; message?: string | undefined }[] = [];
    const running = client.callTool(
      { name: 'run_background', arguments: { command: 'x' } },
      { onprogress: (progress) => heard.push(progress) },
    );
    await vi.waitUntil(() => finish !== undefined);
    vi.advanceTimersByTime(4999);
    vi.advanceTimersByTime(10_001);
    finish?.();
    await running;
    expect(heard.map(({ progress }) => progress)).toEqual([5, 10, 15]);
    expect(heard[0]?.message).toBe('run_background: 5 s');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is not told to a client that gave none', async () => {
    const { client, call, service } = await connect();
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
    service.answers.list = () => {
      expect(vi.getTimerCount()).toBe(0);
      return { processes: [], supervision: { mode: 'shim' } };
    };
    expect((await call('list_processes')).isError).toBe(false);
    expect(client).toBeDefined();
  });
});

describe('who asks', () => {
  it.each(REVISIONS)('is passed on from a client of %s', async (revision) => {
    const { call, service } = await connect(revision);
    await call('run_background', { command: 'x' });
    expect(service.askedFor('run')[1]).toMatchObject({ client: 'test 1.2.3' });
  });

  it('is shown in one short line, whatever it calls itself', async () => {
    const { call, service } = await connect('2026-07-28', `evil\n\u001B[2J${'x'.repeat(20_000)}`);
    await call('run_background', { command: 'x' });
    expect(service.askedFor('run')[1]).toMatchObject({ client: `evil[2J${'x'.repeat(91)}` });
  });
});
