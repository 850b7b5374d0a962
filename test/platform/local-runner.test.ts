import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { portsOf } from '../../src/core/listeners.ts';
import type { Launch } from '../../src/core/types.ts';
import { LocalRunner } from '../../src/platform/local-runner.ts';
import { readStat } from '../../src/platform/proc/proc-fs.ts';
import { findShim } from '../../src/platform/shim/shim.ts';
import { isAlive } from '../helpers/alive.ts';
import { endAll, FIXTURES, record, type Started } from './support.ts';

const directory = mkdtempSync(join(realpathSync(tmpdir()), 'proctor-runner-'));
const WITHOUT = '/nonexistent/proctor-shim';

afterEach(endAll);
afterAll(() => {
  rmSync(directory, { recursive: true });
});

function runnerWith(shim: string | undefined): { runner: LocalRunner; log: string[] } {
  const log: string[] = [];
  const env = { ...process.env, ...(shim === undefined ? {} : { PROCTOR_SHIM: shim }) };
  return { runner: new LocalRunner({ env, logger: { info: (message) => log.push(message) } }), log };
}

function start(
  runner: LocalRunner,
  launch: Launch | string,
  env: Record<string, string> = {},
): Promise<Started> {
  const spec = {
    launch: typeof launch === 'string' ? { kind: 'shell' as const, line: launch } : launch,
    cwd: FIXTURES,
    env,
    stdin: 'open' as const,
  };
  return record((sink) => runner.spawn(spec, sink));
}

const modes = [
  { mode: 'process-group', shim: WITHOUT },
  ...(findShim() ? [{ mode: 'shim', shim: findShim() }] : []),
];

describe.each(modes)('under $mode', ({ mode, shim }) => {
  const { runner } = runnerWith(shim);

  it('runs a prompt through to its answer', async () => {
    const { handle, text, seen } = await start(runner, './prompt-no-newline.sh');
    await seen(/Name: $/);
    await expect.poll(() => handle.awaitingInput()).toBe(true);
    expect(await handle.write(Buffer.from('Ada\n'), AbortSignal.timeout(1000))).toBe(4);
    expect(await handle.exited).toEqual({ code: 0, signal: null });
    expect(text()).toBe('Name: Hello, Ada\n');
    await handle.empty;
    expect(runner.supervision().mode).toBe(mode);
  });

  it('knows what waits for input, in a shell, in epoll, and at the head of a pipeline', async () => {
    for (const line of ['read x', './prompt-readline.mjs', 'cat | sleep 60']) {
      const { handle } = await start(runner, line);
      await expect.poll(() => handle.awaitingInput(), { timeout: 5000 }).toBe(true);
      expect((await handle.inspect()).awaitingInput).toBe(true);
    }
    const { handle, seen } = await start(runner, 'echo up >&2; sleep 60 | cat');
    await seen(/up/);
    await expect.poll(async () => (await handle.inspect()).descendants.length).toBe(2);
    expect(await handle.awaitingInput()).toBe(false);
  });

  it('sees the ports and the members of a tree, and whose a port is', async () => {
    const { handle, seen } = await start(runner, '(setsid ./listen-late.mjs &); sleep 60');
    const port = Number((await seen(/listening on (\d+)/))[1]);
    expect(portsOf(await handle.listeners())).toEqual([port]);
    const { descendants, ports, memoryBytes } = await handle.inspect();
    expect(ports).toEqual([port]);
    expect(memoryBytes).toBeGreaterThan(10_000_000);
    const owner = await runner.portOwner(port, '127.0.0.1');
    expect(owner?.command).toMatch(/listen-late/);
    expect(descendants).toContainEqual(owner);
    const result = await runner.probePort({ host: 'localhost', port }, new AbortController().signal);
    expect(result.open).toBe(true);
    await handle.terminate('SIGTERM', 3000);
    expect(await runner.portOwner(port, '127.0.0.1')).toBeUndefined();
  });

  it('ends a daemon that left', async () => {
    const { handle, seen } = await start(runner, './daemonize.py; sleep 60');
    const daemon = Number((await seen(/(\d+)/))[1]);
    expect((await handle.terminate('SIGTERM', 3000)).killed).toContain(daemon);
    expect(isAlive(daemon)).toBe(false);
    expect(await handle.exited).toEqual({ code: null, signal: 'SIGTERM' });
    await handle.empty;
  });

  it.each<[Launch, string, RegExp]>([
    [{ kind: 'exec', file: 'nosuchprogram', args: [] }, 'SPAWN_FAILED', /ENOENT/],
    [{ kind: 'exec', file: '/etc/passwd', args: [] }, 'PERMISSION_DENIED', /EACCES/],
    [{ kind: 'exec', file: 'true', args: ['x'.repeat(200_000)] }, 'SPAWN_FAILED', /E2BIG/],
    [{ kind: 'exec', file: `${directory}/no-interpreter`, args: [] }, 'SPAWN_FAILED', /ENOENT/],
    [{ kind: 'code', language: 'cobol', source: '' }, 'INVALID_ARGUMENT', /cobol/],
  ])('refuses %j', async (launch, code, message) => {
    writeFileSync(join(directory, 'no-interpreter'), '#!/nonexistent/interpreter\n', { mode: 0o755 });
    const failure = await start(runner, launch).then(
      () => expect.fail('it started'),
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ code, hint: expect.stringMatching(/\.$/) });
    expect(String(failure).slice(0, 2000)).toMatch(message);
  });

  it('hands no settings of the server on', async () => {
    const { handle, text } = await start(runner, 'exec ./environment.mjs', { MINE: '1' });
    await handle.exited;
    const found: unknown = JSON.parse(text());
    expect(found).toMatchObject({ MINE: '1', PATH: process.env.PATH, PROCTOR_TREE: expect.any(String) });
    expect(found).not.toHaveProperty('PROCTOR_SHIM');
  });
});

describe.skipIf(findShim() === undefined)('a supervisor that is killed', () => {
  it('takes its tree along, daemons included', async () => {
    const { handle, seen } = await start(
      runnerWith(undefined).runner,
      './daemonize.py; env -i sleep 60 & echo "child $!"; exec ./ignore-sigterm.sh',
    );
    await seen(/ready/);
    const daemon = Number((await seen(/^(\d+)/))[1]);
    const child = Number((await seen(/child (\d+)/))[1]);
    const supervisor = readStat(handle.pid)?.ppid ?? expect.fail('the leader is gone');
    expect(supervisor).not.toBe(process.pid);
    process.kill(supervisor, 'SIGKILL');
    expect(await handle.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await handle.empty;
    expect([handle.pid, daemon, child].map(isAlive)).toEqual([false, false, false]);
  });
});

describe.skipIf(findShim() === undefined)('on a terminal', () => {
  it.each(['bash --norc -i', `python3 -c 'input("Name: ")'`, './prompt-readline.mjs'])(
    '%s waits for input, and what only runs there does not',
    async (line) => {
      const { runner } = runnerWith(undefined);
      const terminal = { cols: 80, rows: 24 };
      const open = (shellLine: string): Promise<Started> =>
        record((sink) =>
          runner.spawn(
            { launch: { kind: 'shell', line: shellLine }, cwd: FIXTURES, env: {}, stdin: 'open', terminal },
            sink,
          ),
        );
      const { handle } = await open(line);
      await expect.poll(() => handle.awaitingInput(), { timeout: 15_000 }).toBe(true);
      const other = await open('echo up; sleep 60');
      await other.seen(/up/);
      expect(await other.handle.awaitingInput()).toBe(false);
    },
  );
});

describe('the choice of supervision', () => {
  it('falls back, and says why and what to do, where there is no supervisor', async () => {
    const { runner, log } = runnerWith(WITHOUT);
    expect(runner.supervision().mode).toBe('process-group');
    expect(runner.supervision().warning).toMatch(/C compiler/);
    for (let round = 0; round < 2; round++) await (await start(runner, 'true')).handle.exited;
    expect(log).toHaveLength(1);
  });

  it('falls back where the supervisor does not work', async () => {
    const broken = join(directory, 'broken-shim');
    writeFileSync(broken, '#!/bin/sh\necho "cannot do that" >&2; exit 1\n', { mode: 0o755 });
    const { runner, log } = runnerWith(broken);
    const { handle } = await start(runner, 'exit 7');
    expect(await handle.exited).toEqual({ code: 7, signal: null });
    expect(runner.supervision()).toMatchObject({
      mode: 'process-group',
      warning: expect.stringContaining(broken),
    });
    expect(log).toHaveLength(1);
  });

  it('falls back when the supervisor fails at a start', async () => {
    const failing = join(directory, 'failing-shim');
    writeFileSync(failing, '#!/bin/sh\n[ "$1" = --check ] && echo "proctor-shim 4"\n', { mode: 0o755 });
    const { runner } = runnerWith(failing);
    expect(runner.supervision()).toEqual({ mode: 'shim' });
    const { handle } = await start(runner, 'exit 7');
    expect(await handle.exited).toEqual({ code: 7, signal: null });
    expect(runner.supervision().mode).toBe('process-group');
  });

  it('keeps to a supervisor that has served, whatever becomes of one or two of them', async () => {
    const dying = join(directory, 'dying-shim');
    const doomed = join(directory, 'doomed');
    // As many as the file has lines die before they are ready.
    writeFileSync(
      dying,
      `#!/bin/sh
if [ "$1" != --check ] && [ -s ${doomed} ]; then sed -i 1d ${doomed}; kill -KILL $$; fi
exec ${findShim() ?? ''} "$@"
`,
      { mode: 0o755 },
    );
    const { runner, log } = runnerWith(dying);
    // Then none stands by, and each start takes a new one.
    await runner.close();
    writeFileSync(doomed, '');
    await (
      await start(runner, 'true')
    ).handle.empty;

    writeFileSync(doomed, '\n');
    const { handle } = await start(runner, 'exit 7');
    expect(await handle.exited).toEqual({ code: 7, signal: null });

    writeFileSync(doomed, '\n\n\n');
    await expect(start(runner, 'exit 7')).rejects.toMatchObject({
      code: 'SPAWN_FAILED',
      message: expect.stringMatching(/ended before/),
    });
    expect(readFileSync(doomed, 'utf8')).toBe('\n');
    await expect(start(runner, 'exit 7')).resolves.toBeDefined();
    expect(runner.supervision()).toEqual({ mode: 'shim' });
    expect(log).toEqual([]);
  });

  it('refuses a terminal where only a supervisor could give one', async () => {
    const { runner } = runnerWith(WITHOUT);
    const spec = { launch: { kind: 'shell', line: 'true' }, cwd: '/', env: {}, stdin: 'open' } as const;
    const spawn = runner.spawn({ ...spec, terminal: { cols: 80, rows: 24 } }, () => undefined);
    await expect(spawn).rejects.toMatchObject({ code: 'SPAWN_FAILED', hint: expect.stringContaining('pty') });
  });
});

describe('resolveDirectory', () => {
  const { runner } = runnerWith(WITHOUT);

  it('resolves links and relative paths', async () => {
    mkdirSync(join(directory, 'real/inner'), { recursive: true });
    symlinkSync('real', join(directory, 'link'));
    expect(await runner.resolveDirectory('link/inner', directory)).toBe(join(directory, 'real/inner'));
    expect(await runner.resolveDirectory('..', join(directory, 'real'))).toBe(directory);
    expect(await runner.resolveDirectory('.')).toBe(realpathSync('.'));
  });

  it.each([
    ['/nonexistent/directory', /ENOENT/],
    ['/etc/passwd', /ENOTDIR/],
  ])('refuses %s', async (path, message) => {
    await expect(runner.resolveDirectory(path)).rejects.toMatchObject({
      code: 'SPAWN_FAILED',
      message: expect.stringMatching(message),
    });
  });
});
