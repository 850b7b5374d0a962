import { beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, type Limits } from '../../../src/core/limits.ts';
import { ProcessManager } from '../../../src/core/process/process-manager.ts';
import type { OutputEvent, ServiceEvent } from '../../../src/core/types.ts';
import { FakeRunner } from '../../helpers/fake-runner.ts';

let runner: FakeRunner;
let manager: ProcessManager;

function fresh(limits: Partial<Limits> = {}): void {
  runner = new FakeRunner();
  manager = new ProcessManager(runner, { ...DEFAULT_LIMITS, ...limits });
}
beforeEach(() => {
  fresh();
});

/** An open output that is read when the test says so. */
async function open(id: string, since?: number | 'now') {
  const stop = new AbortController();
  const request = since === undefined ? {} : { since };
  const events = await manager.openOutput(id, request, { signal: stop.signal });
  const iterator = events[Symbol.asyncIterator]();
  const next = async (): Promise<OutputEvent | undefined> => {
    const { done, value } = await iterator.next();
    return done === true ? undefined : value;
  };
  const take = async (count: number): Promise<string[]> => {
    const seen: string[] = [];
    for (let index = 0; index < count; index++) seen.push(told(await next()));
    return seen;
  };
  return { next, take, stop: () => stop.abort() };
}

function told(event: OutputEvent | undefined): string {
  switch (event?.type) {
    case 'output':
      return `${event.stream} ${event.from} ${JSON.stringify(Buffer.from(event.bytes).toString())}`;
    case 'gap':
      return `gap ${event.from}-${event.to} ${event.bytes}`;
    case 'run':
      return `run ${event.run} ${event.from}`;
    case 'exit':
      return `exit ${event.run} ${event.to} ${event.status} ${event.exit?.code}`;
    case undefined:
      return 'end';
  }
}

describe('an open output', () => {
  it('tells the run, its bytes and its exit, in order', async () => {
    await manager.run({ command: 'a' });
    const output = await open('a');
    runner.last.print('one\n');
    runner.last.print('two\n', 'stderr');
    runner.last.exit(3);
    expect(await output.take(4)).toEqual([
      'run 1 0',
      'stdout 0 "one\\n"',
      'stderr 4 "two\\n"',
      'exit 1 8 failed 3',
    ]);
    output.stop();
    expect(await output.next()).toBeUndefined();
  });

  it('gives each byte once, whether it was there or is still to come', async () => {
    await manager.run({ command: 'a' });
    runner.last.print('0123456789');
    const output = await open('a', 4);
    expect(await output.take(1)).toEqual(['stdout 4 "456789"']);
    const pending = output.next();
    runner.last.print('ab');
    expect(told(await pending)).toBe('stdout 10 "ab"');
    output.stop();
  });

  it('gives only what is new, where that is wanted', async () => {
    await manager.run({ command: 'a' });
    runner.last.print('old');
    const output = await open('a', 'now');
    runner.last.print('new');
    expect(await output.take(1)).toEqual(['stdout 3 "new"']);
    output.stop();
  });

  it('begins at the current run for a cursor of an earlier record', async () => {
    await manager.run({ command: 'a' });
    runner.last.print('abc');
    const output = await open('a', 1000);
    expect(await output.take(2)).toEqual(['run 1 0', 'stdout 0 "abc"']);
    output.stop();
  });

  it('tells a slow reader of a gap, and holds nothing for it', async () => {
    fresh({ ringBytes: 100 });
    await manager.run({ command: 'a' });
    const output = await open('a');
    runner.last.print('first');
    expect(await output.take(2)).toEqual(['run 1 0', 'stdout 0 "first"']);
    for (let line = 0; line < 50; line++) runner.last.print(`${String(line).padStart(9)}\n`);
    const gap = await output.next();
    expect(told(gap)).toBe('gap 5-405 400');
    let offset = 405;
    while (offset < 505) {
      const piece = await output.next();
      if (piece?.type !== 'output') throw new Error(told(piece));
      expect(piece.from).toBe(offset);
      offset += piece.bytes.length;
    }
    expect(offset).toBe(505);
    output.stop();
  });

  it('tells every exit and every run, also those without output, to a reader who comes to them late', async () => {
    await manager.run({ command: 'a', name: 'a' });
    const output = await open('a');
    expect(await output.take(1)).toEqual(['run 1 0']);
    runner.last.print('x');
    runner.last.exit(1);
    await manager.restart('a');
    runner.last.exit(2);
    await manager.restart('a');
    runner.last.print('y');
    expect(await output.take(6)).toEqual([
      'stdout 0 "x"',
      'exit 1 1 failed 1',
      'run 2 1',
      'exit 2 1 failed 2',
      'run 3 1',
      'stdout 1 "y"',
    ]);
    output.stop();
  });

  it('tells the last exit also to who comes after it', async () => {
    await manager.run({ command: 'a' });
    runner.last.print('x');
    runner.last.exit(0);
    await manager.waitForExit({ ids: ['a'] });
    const output = await open('a', 1);
    expect(await output.take(1)).toEqual(['exit 1 1 completed 0']);
    output.stop();
  });

  it('ends when the record is removed, and not before all was told', async () => {
    await manager.run({ command: 'a', autoCleanup: true });
    const output = await open('a');
    expect(await output.take(1)).toEqual(['run 1 0']);
    runner.last.print('last words');
    runner.last.exit(0);
    expect(await output.take(3)).toEqual(['stdout 0 "last words"', 'exit 1 10 completed 0', 'end']);
  });

  it('is refused for an unknown id', async () => {
    await expect(manager.openOutput('b')).rejects.toMatchObject({ code: 'PROCESS_NOT_FOUND' });
  });
});

describe('readiness', () => {
  it('is told when a wait for it has succeeded, and only then', async () => {
    const seen: ServiceEvent[] = [];
    manager.subscribe((event) => {
      if (event.type === 'ready' || event.type === 'exited') seen.push(event);
    });
    const ready = manager.run({ command: 'a', waitFor: { log: 'up' } });
    await expect.poll(() => runner.handles.length).toBe(1);
    runner.last.print('up\n');
    await ready;
    const failed = manager.run({ command: 'b', waitFor: { log: 'up', failureLog: 'down' } });
    await expect.poll(() => runner.handles.length).toBe(2);
    runner.last.print('down\n');
    await failed;
    const over = manager.run({ command: 'c', waitFor: { log: 'up' } });
    await expect.poll(() => runner.handles.length).toBe(3);
    runner.last.exit(1);
    await over;
    expect(seen).toEqual([
      { type: 'ready', id: 'a', run: 1, by: 'log' },
      { type: 'exited', id: 'c', run: 1, status: 'failed', exit: { code: 1, signal: null, cause: 'self' } },
    ]);
  });
});
