import { afterEach, describe, expect, it } from 'vitest';
import { readStat } from '../../../src/platform/proc/proc-fs.ts';
import { isAlive } from '../../helpers/alive.ts';
import { endAll, start } from '../support.ts';

afterEach(endAll);

const never = new AbortController().signal;

describe('exit', () => {
  it('tells code and signal, with every byte of both streams before it', async () => {
    const { handle, text } = await start('./exit-after.sh 0 3', { stdin: 'closed' });
    expect(await handle.exited).toEqual({ code: 3, signal: null });
    expect([text('stdout'), text('stderr')]).toEqual(['out\n', 'err\n']);
    const killed = await start('kill -KILL $$');
    expect(await killed.handle.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('loses nothing of a burst that ends with the process', async () => {
    for (let round = 0; round < 10; round++) {
      const { handle, text } = await start('./flood.sh 300000; echo end >&2');
      await handle.exited;
      expect([text('stdout').length, text('stderr')]).toEqual([300_000, 'end\n']);
    }
  });

  it('does not wait for a background process that holds the output', async () => {
    const { handle, text } = await start('./orphan-grandchild.sh 60 4');
    expect(await handle.exited).toEqual({ code: 4, signal: null });
    const grandchild = Number(text());
    // The shell has forked it; it may not have become its program yet.
    await expect
      .poll(async () => (await handle.inspect()).descendants)
      .toEqual([{ pid: grandchild, command: 'sleep 60' }]);
    expect((await handle.terminate('SIGTERM', 2000)).killed).toContain(grandchild);
    expect(isAlive(grandchild)).toBe(false);
  });

  it('does not wait for a background process that floods the output', async () => {
    const { handle } = await start('yes & exit 5');
    expect(await handle.exited).toEqual({ code: 5, signal: null });
  });

  it('is empty once the last descendant has ended by itself', async () => {
    const { handle, text } = await start('./orphan-grandchild.sh 0.3');
    await handle.empty;
    expect(isAlive(Number(text()))).toBe(false);
  });
});

describe('terminate', () => {
  it('ends a tree politely, and names its members', async () => {
    const { handle, seen } = await start('sleep 60 & echo "pid $!"; wait');
    const child = Number((await seen(/pid (\d+)/))[1]);
    const { killed, survivors } = await handle.terminate('SIGTERM', 5000);
    expect(survivors).toEqual([]);
    expect(killed).toEqual(expect.arrayContaining([handle.pid, child]));
    expect(await handle.exited).toEqual({ code: null, signal: 'SIGTERM' });
    await handle.empty;
  });

  it('kills what ignores the signal after the grace', async () => {
    const { handle, seen } = await start('exec ./ignore-sigterm.sh');
    await seen(/ready/);
    const begun = performance.now();
    expect((await handle.terminate('SIGTERM', 200)).survivors).toEqual([]);
    expect(performance.now() - begun).toBeGreaterThan(190);
    expect(await handle.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('is hurried by a second call', async () => {
    const { handle, seen } = await start('exec ./ignore-sigterm.sh');
    await seen(/ready/);
    const begun = performance.now();
    const first = handle.terminate('SIGTERM', 60_000);
    expect(await handle.terminate('SIGTERM', 50)).toEqual(await first);
    expect(performance.now() - begun).toBeLessThan(5000);
  });

  it('reaches a stopped process', async () => {
    const { handle } = await start('sleep 60');
    handle.signal('SIGSTOP');
    await handle.terminate('SIGTERM', 5000);
    expect(await handle.exited).toEqual({ code: null, signal: 'SIGTERM' });
  });

  it.each([
    ['in a session of its own', 'setsid sleep 60 & echo "pid $!"; wait'],
    ['orphaned in a session of its own', './daemonize.py 60 | sed "s/^/pid /"'],
    ['orphaned with an empty environment', '(env -i sleep 60 & echo "pid $!")'],
    ['in a session of its own with an empty environment', 'env -i setsid sleep 60 & echo "pid $!"; wait'],
  ])('finds a process %s', async (_, line) => {
    const { handle, seen } = await start(line);
    const pid = Number((await seen(/pid (\d+)/))[1]);
    expect(isAlive(pid)).toBe(true);
    expect((await handle.terminate('SIGTERM', 2000)).killed).toContain(pid);
    expect(isAlive(pid)).toBe(false);
  });

  it('remembers a process it has seen, wherever it goes', async () => {
    const line = '(env -i setsid sh -c "sleep 61" & echo "pid $!"; sleep 60) & echo "parent $!"; wait';
    const { handle, seen } = await start(line);
    const pid = Number((await seen(/pid (\d+)/))[1]);
    await handle.inspect();
    process.kill(Number((await seen(/parent (\d+)/))[1]), 'SIGKILL');
    await handle.exited;
    expect((await handle.terminate('SIGTERM', 2000)).killed).toContain(pid);
    expect(isAlive(pid)).toBe(false);
  });
});

describe('signal', () => {
  it('stops and continues the whole tree, and is refused after the end', async () => {
    const { handle, seen } = await start('(while :; do echo tick; sleep 0.02; done) & wait');
    await seen(/tick/);
    expect(handle.signal('SIGSTOP')).toBe(true);
    const states = async (): Promise<string[]> => {
      const { descendants } = await handle.inspect();
      return [handle.pid, ...descendants.map(({ pid }) => pid)].map((pid) => readStat(pid)?.state ?? 'gone');
    };
    await expect.poll(async () => new Set(await states())).toEqual(new Set(['T']));
    expect(handle.signal('SIGCONT')).toBe(true);
    await expect.poll(states).not.toContain('T');
    await handle.terminate('SIGTERM', 2000);
    await handle.exited;
    expect(handle.signal('SIGUSR1')).toBe(false);
  });

  it('stops what is left of a tree whose leader has ended', async () => {
    const { handle, seen } = await start('sleep 60 & echo "pid $!"');
    const pid = Number((await seen(/pid (\d+)/))[1]);
    await handle.exited;
    expect(handle.signal('SIGSTOP')).toBe(true);
    await expect.poll(() => readStat(pid)?.state).toBe('T');
    expect(handle.signal('SIGHUP')).toBe(false);
    await handle.terminate('SIGKILL', 0);
    await handle.empty;
    expect(handle.signal('SIGSTOP')).toBe(false);
  });
});

describe('standard input', () => {
  it('delivers writes in order, then the end', async () => {
    const { handle, text } = await start('cat');
    const sizes = [1, 100_000, 3].map((size, index) => Buffer.alloc(size, 0x61 + index));
    const counts = await Promise.all(sizes.map((bytes) => handle.write(bytes, never)));
    expect(counts).toEqual([1, 100_000, 3]);
    handle.endInput();
    handle.endInput();
    expect(await handle.exited).toEqual({ code: 0, signal: null });
    expect(text()).toBe(Buffer.concat(sizes).toString());
  });

  it('tells how much a reader that does not read has taken', async () => {
    const { handle } = await start('sleep 60');
    const accepted = await handle.write(Buffer.alloc(8_000_000), AbortSignal.timeout(200));
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(8_000_000);
  });

  it('refuses when nobody reads any more', async () => {
    const { handle, seen } = await start('exec 0<&-; echo closed; exec sleep 60');
    await seen(/closed/);
    const write = async (): Promise<void> => {
      for (;;) await handle.write(Buffer.from('x\n'), never);
    };
    await expect(write()).rejects.toMatchObject({ code: 'STDIN_CLOSED' });
    const closed = await start('sleep 60', { stdin: 'closed' });
    await expect(closed.handle.write(Buffer.from('x'), never)).rejects.toMatchObject({
      code: 'STDIN_CLOSED',
    });
  });
});

describe('a start that the kernel refuses', () => {
  it('carries the meaning of the errno', async () => {
    const long = start({ kind: 'exec', file: 'true', args: ['x'.repeat(200_000)] });
    await expect(long).rejects.toMatchObject({
      code: 'SPAWN_FAILED',
      message: expect.stringContaining('E2BIG'),
    });
  });
});

describe('without /proc', () => {
  it('ends a group and its children', async () => {
    const { handle, seen } = await start('sleep 60 & echo "pid $!"; setsid sleep 60 & echo "far $!"; wait', {
      procFs: false,
    });
    const child = Number((await seen(/pid (\d+)/))[1]);
    const far = Number((await seen(/far (\d+)/))[1]);
    const { descendants, memoryBytes } = await handle.inspect();
    expect(descendants.map(({ pid }) => pid).sort()).toEqual([child, far].sort());
    expect(memoryBytes).toBeGreaterThan(100_000);
    const { killed, survivors } = await handle.terminate('SIGTERM', 5000);
    expect(survivors).toEqual([]);
    expect(killed).toEqual(expect.arrayContaining([handle.pid, child, far]));
    await handle.empty;
    await expect.poll(() => [isAlive(child), isAlive(far)]).toEqual([false, false]);
  });

  it('kills what ignores the signal, hurried by a second call', async () => {
    const { handle, seen } = await start('exec ./ignore-sigterm.sh', { procFs: false });
    await seen(/ready/);
    const first = handle.terminate('SIGTERM', 60_000);
    await handle.terminate('SIGTERM', 50);
    expect((await first).survivors).toEqual([]);
    expect(await handle.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('survives the absence of ps', async () => {
    const path = process.env.PATH;
    const { handle } = await start('sleep 60 & wait', { procFs: false });
    process.env.PATH = '/nonexistent';
    try {
      expect((await handle.terminate('SIGTERM', 5000)).survivors).toEqual([]);
      expect((await handle.inspect()).descendants).toEqual([]);
    } finally {
      process.env.PATH = path;
    }
  });
});
