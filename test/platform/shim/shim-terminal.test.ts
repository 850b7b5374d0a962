import { afterEach, describe, expect, it } from 'vitest';
import { sh } from './shim-support.ts';
import { endAll } from '../support.ts';

afterEach(endAll);

const terminal = { cols: 80, rows: 24 };
const soon = (): AbortSignal => AbortSignal.timeout(2000);
const keys = (text: string): Buffer => Buffer.from(text);

describe('a terminal', () => {
  it('is what the process has on all three descriptors, in the size asked for', async () => {
    const { handle, text } = await sh('tty; test -t 1 && test -t 2 && echo both; stty size', { terminal });
    expect(await handle.exited).toEqual({ code: 0, signal: null });
    expect(text()).toMatch(/^\/dev\/pts\/\d+\r\nboth\r\n24 80\r\n$/);
  });

  it('tells the process of a new size', async () => {
    const { handle, seen } = await sh('trap "stty size" WINCH; echo up; while :; do sleep 0.01; done', {
      terminal,
    });
    await seen(/up/);
    handle.resize?.({ cols: 132, rows: 50 });
    await seen(/50 132/);
  });

  it('loses no output at the exit, 50 of 50 times, though the event loop is busy', async () => {
    const expected = Array.from({ length: 20_000 }, (_, i) => `${i + 1}\r\n`).join('');
    const runs = await Promise.all(Array.from({ length: 50 }, () => sh('seq 1 20000', { terminal })));
    let running = runs.length;
    const complete = runs.map(async ({ handle, text }) => {
      await handle.exited;
      running -= 1;
      return text() === expected;
    });
    while (running > 0) {
      for (const end = performance.now() + 50; performance.now() < end;);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect((await Promise.all(complete)).filter(Boolean)).toHaveLength(50);
  });

  it('shows what is typed, turns Ctrl-C into an interrupt and Ctrl-D into the end', async () => {
    const interrupted = await sh('echo up; exec sleep 60', { terminal });
    await interrupted.seen(/up/);
    await interrupted.handle.write(keys('\x03'), soon());
    expect(await interrupted.handle.exited).toEqual({ code: null, signal: 'SIGINT' });

    const { handle, text, seen } = await sh('echo up; cat; echo end', { terminal });
    await seen(/up/);
    await handle.write(keys('line\nrest'), soon());
    await seen(/line\r\n(rest)?line/);
    handle.endInput();
    expect(await handle.exited).toEqual({ code: 0, signal: null });
    expect(text()).toMatch(/rest.*end\r\n$/s);
  });

  it('that is gone takes no more input', async () => {
    const { handle } = await sh('true', { terminal });
    await handle.empty;
    await expect(handle.write(keys('x'), soon())).rejects.toMatchObject({ code: 'STDIN_CLOSED' });
  });

  it('held by a background process does not delay the exit', async () => {
    const { handle, text } = await sh('setsid sleep 60 & echo last words; exit 3', { terminal });
    expect(await handle.exited).toEqual({ code: 3, signal: null });
    expect(text()).toBe('last words\r\n');
    expect((await handle.terminate('SIGTERM', 5000)).survivors).toEqual([]);
  });
});
