import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_LIMITS } from '../../../src/core/limits.ts';
import { ProcessManager } from '../../../src/core/process/process-manager.ts';
import type { LogWaitRequest } from '../../../src/core/service.ts';
import type { LogWaitOutcome } from '../../../src/core/types.ts';
import { FakeRunner } from '../../helpers/fake-runner.ts';

let runner: FakeRunner;
let manager: ProcessManager;

beforeEach(async () => {
  vi.useFakeTimers();
  runner = new FakeRunner();
  manager = new ProcessManager(runner, DEFAULT_LIMITS);
  await start();
});
afterEach(() => {
  vi.useRealTimers();
});

async function start(): Promise<void> {
  const started = manager.run({ command: 'x', name: 'x' });
  await vi.advanceTimersByTimeAsync(100);
  await started;
}

async function waitFor(request: LogWaitRequest, meanwhile?: () => void): Promise<LogWaitOutcome> {
  const waiting = manager.waitForLog('x', { timeoutMs: 400, stopAtPrompt: false, ...request });
  await vi.advanceTimersByTimeAsync(0);
  meanwhile?.();
  await vi.advanceTimersByTimeAsync(500);
  return waiting;
}

describe('a log wait from within a line', () => {
  it('knows what the line began with', async () => {
    runner.last.print('Server rea');
    const first = await waitFor({ pattern: 'Server ready' });
    expect(first).toMatchObject({ outcome: 'timeout', cursor: 10 });
    const second = await waitFor({ pattern: 'Server ready', since: first.cursor }, () => {
      runner.last.print('dy\n');
    });
    expect(second).toMatchObject({ outcome: 'matched', line: 'Server ready', cursor: 13 });
  });

  it('knows it on the stream that was not read last, too', async () => {
    runner.last.print('Server rea');
    runner.last.print('ok\n', 'stderr');
    runner.last.print('dy\n');
    const { cursor } = await waitFor({ pattern: '^ok$' });
    expect(cursor).toBe(13);
    expect(await waitFor({ pattern: '^Server (re.*)$', since: cursor })).toMatchObject({
      line: 'Server ready',
      groups: ['ready'],
    });
  });

  it('takes no match that was there before', async () => {
    runner.last.print('>>> ');
    const { cursor } = await waitFor({ pattern: '>>> ' });
    const again = await waitFor({ pattern: '>>> ', since: cursor }, () => {
      runner.last.print('2\n');
    });
    expect(again).toMatchObject({ outcome: 'timeout' });
    expect(
      await waitFor({ pattern: '>>> ', since: cursor }, () => {
        runner.last.print('>>> ');
      }),
    ).toMatchObject({ outcome: 'matched', line: '>>> ', cursor: 10 });
  });

  it('takes what is new for a line as well', async () => {
    runner.last.print('>>> ');
    expect(
      await waitFor({ pattern: '^\\d+$', since: 'now' }, () => {
        runner.last.print('42\n');
      }),
    ).toMatchObject({ outcome: 'matched', line: '42' });
  });

  it('shows whole the character it begins in', async () => {
    runner.last.print('aé b\n');
    expect(await waitFor({ pattern: 'b', since: 2 })).toMatchObject({ line: 'é b' });
  });

  it('takes a redraw for new', async () => {
    runner.last.print('10%');
    expect(
      await waitFor({ pattern: '^20%', since: 'now' }, () => {
        runner.last.print('\r20%');
      }),
    ).toMatchObject({ outcome: 'matched', line: '20%' });
  });
});

describe('a log wait over several runs', () => {
  beforeEach(async () => {
    runner.last.print('half');
    runner.last.exit(0);
    await vi.advanceTimersByTimeAsync(100);
    await start();
  });

  it('joins no lines of two runs', async () => {
    const printed = waitFor({ pattern: 'halfready', since: 0 }, () => {
      runner.last.print('ready\n');
    });
    expect(await printed).toMatchObject({ outcome: 'timeout' });
    expect(await waitFor({ pattern: 'halfready', since: 0 })).toMatchObject({ outcome: 'timeout' });
    expect(await waitFor({ pattern: '^ready', since: 0 })).toMatchObject({ line: 'ready' });
    expect(await waitFor({ pattern: '^half$', since: 0 })).toMatchObject({ line: 'half', cursor: 4 });
    expect(await waitFor({ pattern: 'half', since: 4 })).toMatchObject({ outcome: 'timeout' });
  });

  it('begins at the current run where the cursor is from another life', async () => {
    runner.last.print('ready\n');
    expect(await waitFor({ pattern: 'ready', since: 4000 })).toMatchObject({
      outcome: 'matched',
      cursor: 10,
    });
    expect(await waitFor({ pattern: 'half', since: 4000 })).toMatchObject({ outcome: 'timeout' });
  });
});

describe('a log wait on a line that is too long to be held', () => {
  it('matches across its pieces, each match once', async () => {
    runner.last.print(`${'a'.repeat(65_534)}READY go\n`);
    expect(await waitFor({ pattern: 'READY', since: 0 })).toMatchObject({ outcome: 'matched' });
    expect(await waitFor({ pattern: 'aREAD(Y)', since: 0 })).toMatchObject({ groups: ['Y'] });
    expect(await waitFor({ pattern: '^ADY', since: 0 })).toMatchObject({ outcome: 'timeout' });
    expect(await waitFor({ pattern: '^a+$', since: 0 })).toMatchObject({ outcome: 'timeout' });
  });
});
