import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { readStat } from '../../../src/platform/proc/proc-fs.ts';
import { findShim, probeShim, ShimUnavailableError } from '../../../src/platform/shim/shim.ts';
import { isAlive } from '../../helpers/alive.ts';
import { until } from '../../helpers/until.ts';
import { sh, shim, start } from './shim-support.ts';
import { endAll, FIXTURES, type Started } from '../support.ts';

afterEach(endAll);

const soon = (): AbortSignal => AbortSignal.timeout(1000);
const NUMBERS = Array.from({ length: 20_000 }, (_, i) => `${i + 1}\n`).join('');

describe('the supervisor', () => {
  it('is found, and shows that orphans come to it', async () => {
    expect(shim).toMatch(/proctor-shim$/);
    expect(await probeShim(shim)).toBeUndefined();
  });

  it('is not used where the environment names none', () => {
    expect(findShim({ PROCTOR_SHIM: '/nowhere' })).toBeUndefined();
  });

  it('is told to be unfit when it is something else', async () => {
    expect(await probeShim('/bin/true')).toMatch(/another version/);
    expect(await probeShim('/nowhere')).toMatch(/ENOENT/);
    await expect(sh('true', { shim: '/nowhere' })).rejects.toBeInstanceOf(ShimUnavailableError);
    await expect(sh('true', { shim: '/bin/true' })).rejects.toBeInstanceOf(ShimUnavailableError);
  });

  it('runs the command in its directory, with its environment and in a session of its own', async () => {
    const script = 'pwd; echo "$MARK"; env | wc -l; cut -d" " -f1,5,6 /proc/$$/stat | tr " " "\\n" | uniq';
    const { handle, text } = await sh(script, { env: { MARK: 'here' } });
    expect(await handle.exited).toEqual({ code: 0, signal: null });
    // PWD, which sh sets, and MARK.
    expect(text()).toBe(`${FIXTURES.replace(/\/$/, '')}\nhere\n2\n${handle.pid}\n`);
  });

  it('hands on no descriptors, no ignored signals and no blocked ones', async () => {
    const { handle, text } = await sh(
      'exec 2>&1; ls /proc/self/fd | tr "\\n" " "; grep -E "^Sig(Blk|Ign)" /proc/self/status',
    );
    await handle.exited;
    // The fourth is that of the directory itself.
    expect(text().split(/\s+/).filter(Boolean)).toEqual([
      '0',
      '1',
      '2',
      '3',
      'SigBlk:',
      '0000000000000000',
      'SigIgn:',
      '0000000000000000',
    ]);
  });

  it('reports exit codes and signals exactly', async () => {
    for (const code of [0, 1, 127, 255]) {
      const { handle } = await sh(`exit ${code}`);
      expect(await handle.exited).toEqual({ code, signal: null });
    }
    for (const signal of ['SIGTERM', 'SIGKILL', 'SIGABRT', 'SIGSEGV', 'SIGPIPE', 'SIGUSR1']) {
      const { handle } = await sh(`kill -${signal.slice(3)} $$`);
      expect(await handle.exited).toEqual({ code: null, signal });
    }
  });
});

describe('a program that asks its parent to trace it', () => {
  const traced = (then: string): Promise<Started> =>
    start('/usr/bin/env', [
      'python3',
      '-c',
      `import ctypes, os, signal, time
signal.signal(signal.SIGUSR1, lambda *_: os.write(1, b'got\\n'))
signal.signal(signal.SIGTRAP, lambda *_: os.write(1, b'trapped\\n'))
ctypes.CDLL(None).ptrace(0, 0, 0, 0)
${then}`,
    ]);

  it('goes on as if nobody traced it', async () => {
    for (const [name, said] of [
      ['SIGUSR1', 'got'],
      ['SIGTRAP', 'trapped'],
    ] as const) {
      const { handle, text } = await traced(
        `signal.raise_signal(signal.${name}); os.write(1, b'then\\n'); os._exit(4)`,
      );
      expect(await handle.exited).toEqual({ code: 4, signal: null });
      expect(text()).toBe(`${said}\nthen\n`);
    }
  });

  it('can become another', async () => {
    const { handle, text } = await traced(`os.execlp('sh', 'sh', '-c', 'echo other; exit 4')`);
    expect(await handle.exited).toEqual({ code: 4, signal: null });
    expect(text()).toBe('other\n');
  });

  it('is ended by a termination', async () => {
    const { handle, seen } = await traced(`os.write(1, b'up\\n'); time.sleep(60)`);
    await seen(/up/);
    expect((await handle.terminate('SIGTERM', 60_000)).killed).toEqual([handle.pid]);
    expect(await handle.exited).toEqual({ code: null, signal: 'SIGTERM' });
  });
});

describe('a start that fails', () => {
  const directory = mkdtempSync(join(tmpdir(), 'proctor-shim-'));
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  it('names the errno of the exec', async () => {
    const text = join(directory, 'text');
    writeFileSync(text, 'no program', { mode: 0o755 });
    const broken = join(directory, 'broken');
    writeFileSync(broken, '#!/nowhere/interpreter\n', { mode: 0o755 });
    await expect(start('/nowhere/program')).rejects.toMatchObject({ details: { errno: 'ENOENT' } });
    await expect(start(broken)).rejects.toMatchObject({ details: { errno: 'ENOENT' } });
    await expect(start('/etc/passwd')).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      details: { errno: 'EACCES' },
    });
    await expect(start(text)).rejects.toMatchObject({ details: { errno: 'ENOEXEC' } });
  });

  it('tells a bad directory from a bad program', async () => {
    await expect(sh('true', { cwd: '/nowhere' })).rejects.toMatchObject({
      message: expect.stringContaining('cwd "/nowhere"'),
      details: { errno: 'ENOENT' },
    });
    await expect(sh('true', { cwd: '/etc/passwd' })).rejects.toMatchObject({ details: { errno: 'ENOTDIR' } });
  });

  it('names arguments that are too long', async () => {
    await expect(start('/bin/true', ['x'.repeat(140_000)])).rejects.toMatchObject({
      details: { errno: 'E2BIG' },
    });
  });
});

describe('output', () => {
  it('is complete on both streams when the exit is told, 100 of 100 times', async () => {
    const once = async (): Promise<void> => {
      const { handle, text } = await sh('seq 1 20000 & seq 1 20000 >&2; wait');
      await handle.exited;
      expect(text('stdout') === NUMBERS && text('stderr') === NUMBERS).toBe(true);
    };
    for (let i = 0; i < 100; i += 10) await Promise.all(Array.from({ length: 10 }, once));
  });

  it('is complete when the event loop was busy while the process ran and ended', async () => {
    for (let i = 0; i < 10; i++) {
      const { handle, text } = await sh('seq 1 20000');
      const busyUntil = performance.now() + 50;
      while (performance.now() < busyUntil);
      await handle.exited;
      expect(text()).toBe(NUMBERS);
    }
  });

  it('comes through real pipes, which can be opened again', async () => {
    const { handle, text } = await sh(
      'echo a > /dev/stdout; echo b > /dev/stderr; echo c | tee /dev/stderr; cat /dev/stdin; test -t 1 || echo pipe',
    );
    expect(await handle.write(Buffer.from('in\n'), soon())).toBe(3);
    handle.endInput();
    expect(await handle.exited).toEqual({ code: 0, signal: null });
    expect(text('stdout')).toBe('a\nc\nin\npipe\n');
    expect(text('stderr')).toBe('b\nc\n');
  });

  it('is read on from descendants after the leader has ended', async () => {
    const { handle, text, seen } = await sh(
      'exec 3<&0; (read line <&3; echo "late $line") & echo early; exit 3',
    );
    expect(await handle.exited).toEqual({ code: 3, signal: null });
    expect(text()).toContain('early');
    await handle.write(Buffer.from('word\n'), soon());
    await seen(/late word/);
    await handle.empty;
  });

  it('held open or flooded from the background does not delay the exit', async () => {
    for (const background of ['sleep 60', 'yes']) {
      const { handle, text } = await sh(`${background} & echo last words >&2; exit 3`);
      expect(await handle.exited).toEqual({ code: 3, signal: null });
      expect(text('stderr')).toBe('last words\n');
      await handle.terminate('SIGKILL', 0);
    }
  });

  it('of a process that outlives the leader is complete when the tree is empty', async () => {
    const { handle, text } = await sh('(sleep 0.05; seq 1 20000) & exit 0');
    await handle.empty;
    expect(text()).toBe(NUMBERS);
  });

  it('that floods leaves the event loop prompt', async () => {
    const bytes = [0, 0, 0, 0];
    const floods = await Promise.all(
      bytes.map((_, i) =>
        start('/usr/bin/yes', [], {
          onOutput: (_stream, chunk) => {
            bytes[i] = (bytes[i] ?? 0) + chunk.length;
          },
        }),
      ),
    );
    const turns: number[] = [];
    for (const end = performance.now() + 500; performance.now() < end;) {
      const begun = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 0));
      turns.push(performance.now() - begun);
    }
    await Promise.all(floods.map(({ handle }) => handle.terminate('SIGKILL', 0)));
    turns.sort((a, b) => a - b);
    // A turn's reading is bounded to 2 ms; the machine is busy with the floods themselves.
    expect(turns[Math.floor(turns.length / 2)]).toBeLessThan(10);
    expect(Math.min(...bytes)).toBeGreaterThan(1_000_000);
  });
});

describe('input', () => {
  it('ends, once and for all', async () => {
    const { handle, text } = await sh('cat; echo end');
    expect(await handle.write(Buffer.from('x'), soon())).toBe(1);
    handle.endInput();
    handle.endInput();
    await handle.exited;
    expect(text()).toBe('xend\n');
    await expect(handle.write(Buffer.from('y'), soon())).rejects.toMatchObject({ code: 'STDIN_CLOSED' });
  });

  it('closed from the start is empty', async () => {
    const { handle, text } = await sh('cat; readlink /proc/self/fd/0', { stdin: 'closed' });
    expect(await handle.exited).toEqual({ code: 0, signal: null });
    expect(text()).toBe('/dev/null\n');
    await expect(handle.write(Buffer.from('y'), soon())).rejects.toMatchObject({ code: 'STDIN_CLOSED' });
  });

  it('that nobody will read is refused', async () => {
    const { handle, seen } = await sh('exec <&-; echo closed; sleep 60');
    await seen(/closed/);
    await expect(handle.write(Buffer.from('y'), soon())).rejects.toMatchObject({ code: 'STDIN_CLOSED' });
  });

  it('into a full pipe is counted to the byte', async () => {
    const slow = await sh('kill -STOP $$; wc -c');
    const accepted = await slow.handle.write(Buffer.alloc(1_000_000, 'x'), AbortSignal.timeout(100));
    expect(accepted).toBe(65_536);
    slow.handle.signal('SIGCONT');
    slow.handle.endInput();
    await slow.handle.exited;
    expect(slow.text().trim()).toBe('65536');
  });

  it('keeps the order of writes that wait for room', async () => {
    const { handle, text } = await sh('sleep 0.1; cat | tr -s ab');
    const patient = AbortSignal.timeout(10_000);
    const [a, b] = await Promise.all([
      handle.write(Buffer.alloc(300_000, 'a'), patient),
      handle.write(Buffer.alloc(300_000, 'b'), patient),
    ]);
    expect([a, b]).toEqual([300_000, 300_000]);
    handle.endInput();
    await handle.exited;
    expect(text()).toBe('ab');
  });
});

describe('an end that the event loop is too busy to hear of', () => {
  /** Ends a program while nothing of that is read; gives up when its supervisor has done all there is to do. */
  const unheard = async (): Promise<Started> => {
    const started = await sh('read line; exit 3');
    const { pid } = started.handle;
    const supervisor = readStat(pid)?.ppid ?? 0;
    // The write is taken by the pipe at once.
    void started.handle.write(Buffer.from('\n'), soon());
    await Promise.resolve();
    while (readStat(pid) !== undefined || readStat(supervisor)?.state === 'R');
    return started;
  };

  it('is told as it was, whatever is said to the supervisor meanwhile', async () => {
    for (const say of [
      ({ handle }: Started) => handle.signal('SIGUSR1'),
      ({ handle }: Started) => handle.listeners(),
      ({ handle }: Started) => handle.resize?.({ cols: 1, rows: 1 }),
    ]) {
      const started = await unheard();
      void say(started);
      expect(await started.handle.exited).toEqual({ code: 3, signal: null });
      await started.handle.empty;
    }
  });

  it('is not taken for the work of a termination', async () => {
    const { handle } = await unheard();
    expect(await handle.terminate('SIGTERM', 60_000)).toEqual({ killed: [], survivors: [] });
    expect(await handle.exited).toEqual({ code: 3, signal: null, beforeTermination: true });
  });
});

describe('a termination', () => {
  it('gives every member the signal and the grace', async () => {
    const { handle, text, seen } = await sh(
      `setsid sh -c 'trap "echo deep cleaned; exit 0" TERM; echo up; while :; do sleep 0.01; done' &
       trap "wait; echo cleaned; exit 5" TERM; wait`,
    );
    await seen(/up/);
    const begun = performance.now();
    const { killed, survivors } = await handle.terminate('SIGTERM', 10_000);
    expect(performance.now() - begun).toBeLessThan(5000);
    expect(survivors).toEqual([]);
    expect(killed).toContain(handle.pid);
    expect(text()).toMatch(/deep cleaned\ncleaned/);
    expect(await handle.exited).toEqual({ code: 5, signal: null });
  });

  it('is hurried by a second one, and both share the result', async () => {
    const { handle, seen } = await sh('trap "" TERM; echo up; while :; do sleep 1; done');
    await seen(/up/);
    const first = handle.terminate('SIGTERM', 60_000);
    const second = handle.terminate('SIGTERM', 50);
    expect(await first).toBe(await second);
    expect(await handle.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('is not put off by a second one', async () => {
    const { handle, seen } = await sh('trap "" TERM; echo up; while :; do sleep 1; done');
    await seen(/up/);
    const first = handle.terminate('SIGTERM', 50);
    void handle.terminate('SIGTERM', 60_000);
    await first;
  });

  it('of what has ended already is done', async () => {
    const { handle } = await sh('true');
    await handle.empty;
    expect(await handle.terminate('SIGTERM', 1000)).toEqual({ killed: [], survivors: [] });
    expect(handle.signal('SIGTERM')).toBe(false);
  });

  it('works on a supervisor that somebody has stopped', async () => {
    let supervisor = 0;
    const { handle } = await start('/bin/sleep', ['60'], {
      deps: {
        listeners: ({ shimPid }) => {
          supervisor = shimPid;
          return Promise.resolve([]);
        },
      },
    });
    await handle.listeners();
    process.kill(supervisor, 'SIGSTOP');
    expect((await handle.terminate('SIGKILL', 0)).killed).toEqual([handle.pid]);
    await until('the supervisor leaves', () => !isAlive(supervisor));
  });
});

describe('a signal', () => {
  it('goes to the leader, and a stop to the whole tree', async () => {
    // The leader forks no more: stopped between a vfork and its exec, a child holds its parent in D instead of T.
    const { handle, text, seen } = await sh(
      'trap "echo got" USR1; sleep 60 & echo $!; while :; do wait; done',
    );
    const child = Number((await seen(/^(\d+)\n/))[1]);
    expect(handle.signal('SIGUSR1')).toBe(true);
    await seen(/got/);
    handle.signal('SIGSTOP');
    const stopped = (pid: number): boolean => readStat(pid)?.state === 'T';
    await until('both are stopped', () => stopped(handle.pid) && stopped(child));
    handle.signal('SIGCONT');
    await until('both go on', () => !stopped(handle.pid) && !stopped(child));
    expect(text()).toContain('got');
  });
});

describe('a stop', () => {
  it('reaches what is left of a tree, and no other signal does', async () => {
    const { handle, seen } = await sh('sleep 60 & echo $!');
    const child = Number((await seen(/^(\d+)\n/))[1]);
    await handle.exited;
    const stopped = (): boolean => readStat(child)?.state === 'T';
    expect(handle.signal('SIGSTOP')).toBe(true);
    await until('it is stopped', stopped);
    expect(handle.signal('SIGUSR1')).toBe(false);
    expect(handle.signal('SIGCONT')).toBe(true);
    await until('it goes on', () => !stopped());
    await handle.terminate('SIGKILL', 0);
    expect(handle.signal('SIGCONT')).toBe(false);
  });
});

describe('a supervisor that is killed', () => {
  const expectEnded = async ({ handle }: Started): Promise<void> => {
    expect(await handle.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await handle.empty;
    expect(isAlive(handle.pid)).toBe(false);
    expect((await handle.terminate('SIGTERM', 1000)).survivors).toEqual([]);
    expect(handle.signal('SIGTERM')).toBe(false);
  };

  it('leaves nobody waiting, and the tree is ended without it', async () => {
    const started = await sh(
      'setsid sleep 61 & sleep 62 & echo $! up; read line; kill -KILL $PPID; sleep 63',
    );
    const child = Number((await started.seen(/^(\d+) up/))[1]);
    await started.handle.write(Buffer.from('\n'), soon());
    await expectEnded(started);
    expect(isAlive(child)).toBe(false);
  });

  it('by the first thing that the command does has started it all the same', async () => {
    for (let i = 0; i < 10; i++) await expectEnded(await sh('kill -KILL $PPID; sleep 64'));
  });
});
