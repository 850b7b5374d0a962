import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ProcessError } from '../../../src/core/errors.ts';
import { DEFAULT_LIMITS, type Limits } from '../../../src/core/limits.ts';
import { ProcessManager } from '../../../src/core/process/process-manager.ts';
import type { RunRequest } from '../../../src/core/service.ts';
import type { RunResult } from '../../../src/core/types.ts';
import { FakeRunner } from '../../helpers/fake-runner.ts';

let runner: FakeRunner;
let manager: ProcessManager;

function fresh(limits: Partial<Limits> = {}): void {
  runner = new FakeRunner();
  manager = new ProcessManager(runner, { ...DEFAULT_LIMITS, ...limits });
}

beforeEach(() => {
  vi.useFakeTimers();
  fresh();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Starts and lets the window for an early exit pass. */
async function start(request: RunRequest): Promise<RunResult> {
  const result = manager.run(request);
  await vi.advanceTimersByTimeAsync(100);
  return result;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof ProcessError ? error.code : `not a ProcessError: ${String(error)}`;
  }
  return 'resolved';
}

const ids = async (): Promise<string[]> => (await manager.list()).processes.map((p) => p.id);

describe('starting', () => {
  it('names a process after its program, numbering what is taken', async () => {
    for (const command of ['vite --port 3000', 'cd app && FOO=1 vite', '/usr/bin/python3 -m http.server']) {
      await start({ command });
    }
    await start({ command: 'node', args: ['server.js'] });
    await start({ code: 'print(1)', language: 'python' });
    expect(await ids()).toEqual(['vite', 'vite-2', 'python3', 'node', 'python']);
  });

  it('tells an early death in the answer itself, with code and last lines', async () => {
    const result = manager.run({ command: 'npm run typo' });
    await vi.advanceTimersByTimeAsync(20);
    runner.last.print('npm error Missing script: "typo"\n', 'stderr');
    runner.last.exit(1);
    const { process, tail } = await result;
    expect(process).toMatchObject({ status: 'failed', exit: { code: 1, signal: null, cause: 'self' } });
    expect(tail).toContain('Missing script');
  });

  it('shows the last words on stderr of a failure, however much stdout came after them', async () => {
    const result = manager.run({ command: 'build' });
    await vi.advanceTimersByTimeAsync(20);
    runner.last.print('cart.ts:42 error\n', 'stderr');
    runner.last.print('progress\n'.repeat(100));
    runner.last.exit(2);
    expect((await result).tail).toMatch(/progress\n--- stderr ---\ncart.ts:42 error$/);
  });

  it('keeps a record of what could not be started', async () => {
    runner.failure = new ProcessError('SPAWN_FAILED', '"nope" was not found on PATH.', {
      hint: 'Install it.',
    });
    expect(await codeOf(manager.run({ command: 'nope', args: [] }))).toBe('SPAWN_FAILED');
    expect((await manager.list({ status: 'error' })).processes).toMatchObject([
      { id: 'nope', status: 'error', live: false, error: { code: 'SPAWN_FAILED' } },
    ]);
  });

  it.each<[string, RunRequest]>([
    ['neither command nor code', {}],
    ['both', { command: 'a', code: 'b', language: 'bash' }],
    ['code without language', { code: 'print(1)' }],
    ['args with code', { code: 'print(1)', language: 'python', args: ['x'] }],
    ['a blank command', { command: '  ' }],
    ['a name that is no id', { command: 'a', name: '../etc/passwd' }],
    ['http_path without port', { command: 'a', waitFor: { httpPath: '/' } }],
  ])('refuses %s', async (_, request) => {
    expect(await codeOf(manager.run(request))).toBe('INVALID_ARGUMENT');
    expect(runner.handles).toEqual([]);
  });

  it('refuses a bad pattern before anything starts', async () => {
    expect(await codeOf(manager.run({ command: 'a', waitFor: { log: '(?=x)' } }))).toBe('INVALID_PATTERN');
    expect(runner.handles).toEqual([]);
  });

  it('keeps working directories inside the roots', async () => {
    fresh({ roots: ['/work/app'] });
    expect(await codeOf(manager.run({ command: 'ls', cwd: '/work/application' }))).toBe('PERMISSION_DENIED');
    expect(await codeOf(manager.run({ command: 'ls', cwd: '/work' }))).toBe('PERMISSION_DENIED');
    expect((await start({ command: 'ls' })).process.cwd).toBe('/work/app');
    expect((await start({ command: 'ls', cwd: '/work/app/sub' })).process.cwd).toBe('/work/app/sub');
  });

  it('looks again where the working directory leads when it restarts, before it ends anything', async () => {
    fresh({ roots: ['/work'] });
    await start({ command: 'ls', name: 'x', cwd: '/work/sub' });
    runner.resolveDirectory = () => Promise.resolve('/outside');
    expect(await codeOf(manager.restart('x'))).toBe('PERMISSION_DENIED');
    const gone = new ProcessError('SPAWN_FAILED', 'There is no such directory.', { hint: 'Make it.' });
    runner.resolveDirectory = () => Promise.reject(gone);
    expect(await codeOf(manager.restart('x'))).toBe('SPAWN_FAILED');
    expect((await manager.list()).processes).toMatchObject([{ run: 1, status: 'running', cwd: '/work/sub' }]);
    runner.resolveDirectory = () => Promise.resolve('/work/elsewhere');
    const restarted = manager.restart('x');
    await vi.advanceTimersByTimeAsync(100);
    expect((await restarted).process).toMatchObject({ run: 2, cwd: '/work/elsewhere' });
    expect(runner.last.spec.cwd).toBe('/work/elsewhere');
  });

  it('allows only so many alive at once and names what could be stopped', async () => {
    fresh({ maxLive: 2 });
    await start({ command: 'a' });
    await start({ command: 'b' });
    await expect(manager.run({ command: 'c' })).rejects.toMatchObject({
      code: 'LIMIT_REACHED',
      hint: /a, b/,
    });
    runner.last.exit(0);
    await vi.advanceTimersByTimeAsync(0);
    await start({ command: 'c' });
  });
});

describe('names and runs', () => {
  it('refuses, reuses or replaces a live name', async () => {
    await start({ command: 'serve', name: 'web' });
    expect(await codeOf(manager.run({ command: 'serve', name: 'web' }))).toBe('NAME_IN_USE');
    expect(await start({ command: 'serve', name: 'web', ifRunning: 'reuse' })).toMatchObject({
      reused: true,
    });
    const replaced = await start({ command: 'serve2', name: 'web', ifRunning: 'replace' });
    expect(replaced.process).toMatchObject({ id: 'web', run: 2, status: 'running', command: 'serve2' });
    expect(runner.handles.map((h) => h.signals)).toEqual([['SIGTERM'], []]);
  });

  it('reuses a start under way only when it has succeeded', async () => {
    const refused = new ProcessError('SPAWN_FAILED', 'no such file.', { hint: 'Check it.' });
    let open = (): void => undefined;
    const startTwice = (name: string): [Promise<unknown>, Promise<RunResult>] => {
      runner.gate = new Promise((resolve) => (open = resolve));
      const first = manager.run({ command: 'serve', name });
      return [first, manager.run({ command: 'serve', name, ifRunning: 'reuse' })];
    };
    const [first, second] = startTwice('good');
    await vi.advanceTimersByTimeAsync(0);
    open();
    await vi.advanceTimersByTimeAsync(100);
    await first;
    expect(await second).toMatchObject({ reused: true, process: { run: 1, pid: 1000, status: 'running' } });

    const failing = startTwice('bad').map(codeOf);
    await vi.advanceTimersByTimeAsync(0);
    runner.failure = refused;
    open();
    expect(await Promise.all(failing)).toEqual(['SPAWN_FAILED', 'SPAWN_FAILED']);
    expect((await manager.list({ ids: ['bad'] })).processes).toMatchObject([{ run: 2, status: 'error' }]);
  });

  it('lets everybody who asks at the same time replace or restart it, one after the other', async () => {
    await start({ command: 'serve', name: 'web' });
    const all = Promise.all([
      manager.run({ command: 'a', name: 'web', ifRunning: 'replace' }),
      manager.run({ command: 'b', name: 'web', ifRunning: 'replace' }),
      manager.restart('web'),
    ]);
    await vi.advanceTimersByTimeAsync(500);
    expect((await all).map(({ process }) => process.run).sort()).toEqual([2, 3, 4]);
    expect((await manager.list({ ids: ['web', 'web'] })).processes).toMatchObject([
      { run: 4, status: 'running' },
    ]);
  });

  it('gives a name to one of two callers that ask at the same time', async () => {
    const both = Promise.allSettled([
      manager.run({ command: 'a', name: 'x' }),
      manager.run({ command: 'b', name: 'x' }),
    ]);
    await vi.advanceTimersByTimeAsync(100);
    expect((await both).map((r) => r.status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(runner.handles).toHaveLength(1);
  });

  it('goes on in the same ring: cursors stay valid, reads and waits begin at the current run', async () => {
    await start({ command: 'serve', name: 'web' });
    runner.last.print('old ready\n');
    runner.last.exit(0);
    await vi.advanceTimersByTimeAsync(0);
    const { next } = await manager.read('web');
    await start({ command: 'serve', name: 'web' });
    runner.last.print('new\n');
    expect((await manager.read('web')).text).not.toContain('old ready');
    expect((await manager.read('web', { since: 0 })).text).toMatch(/old ready\n.*run 2.*\nnew/s);
    expect((await manager.read('web', { since: next })).text).toContain('new');
    const waiting = manager.waitForLog('web', { pattern: 'ready', timeoutMs: 50 });
    await vi.advanceTimersByTimeAsync(50);
    expect(await waiting).toMatchObject({ outcome: 'timeout' });
    expect(await manager.waitForLog('web', { pattern: 'ready', since: 0 })).toMatchObject({
      outcome: 'matched',
    });
  });

  it('treats a tree whose leader has ended as alive, and lists its descendants', async () => {
    await start({ command: 'server & exit', name: 'd' });
    runner.last.descendants = [{ pid: 77, command: 'server' }];
    runner.last.exit(0);
    await vi.advanceTimersByTimeAsync(0);
    const { processes } = await manager.list({ status: 'live' });
    expect(processes).toMatchObject([
      { id: 'd', status: 'completed', live: true, descendants: [{ pid: 77 }] },
    ]);
    const refused = [
      codeOf(manager.run({ command: 'server', name: 'd' })),
      codeOf(manager.remove({ ids: ['d'] })),
    ];
    await vi.advanceTimersByTimeAsync(500);
    expect(await Promise.all(refused)).toEqual(['NAME_IN_USE', 'INVALID_ARGUMENT']);
    expect(await manager.waitForExit({ ids: ['d'] })).toMatchObject({ outcome: 'exited', waitedMs: 0 });
    expect(await manager.kill({ ids: ['d'] })).toMatchObject({
      processes: [{ killed: [77], status: 'completed' }],
    });
    expect(await manager.remove({ allEnded: true })).toEqual(['d']);
  });
});

describe('a tree that empties just after its leader has ended', () => {
  it('frees its name', async () => {
    await start({ command: 'yes | head', name: 'd' });
    runner.last.descendants = [{ pid: 77, command: 'yes' }];
    runner.last.exit(0);
    await vi.advanceTimersByTimeAsync(0);
    const again = manager.run({ command: 'yes | head', name: 'd' });
    const first = runner.last;
    setTimeout(() => void first.terminate('SIGTERM', 0), 20);
    await vi.advanceTimersByTimeAsync(500);
    expect(await again).toMatchObject({ process: { id: 'd', run: 2, status: 'running' } });
  });
});

describe('how it ended', () => {
  it.each([
    ['exit code 0', { code: 0, signal: null }, 'completed', 'self'],
    ['exit code 143, which only looks like a signal', { code: 143, signal: null }, 'failed', 'self'],
    ['a signal that was not ours', { code: null, signal: 'SIGKILL' }, 'killed', 'external'],
  ] as const)('%s', async (_, exit, status, cause) => {
    await start({ command: 'x', name: 'x' });
    runner.last.exit(exit.code, exit.signal);
    await vi.advanceTimersByTimeAsync(0);
    expect((await manager.list()).processes[0]).toMatchObject({ status, exit: { ...exit, cause } });
  });

  it('a request of ours, even when the process answers it with exit code 0', async () => {
    await start({ command: 'x', name: 'x' });
    const { last } = runner;
    last.terminate = (signal) => {
      last.signals.push(signal);
      last.exit(0);
      return Promise.resolve({ killed: [last.pid], survivors: [] });
    };
    const { processes } = await manager.kill({ ids: ['x'] });
    expect(processes).toMatchObject([{ status: 'killed', exit: { code: 0, cause: 'kill_process' } }]);
  });

  it.each([
    ['an exit of its own', 3, null, 'failed', 'self'],
    ['a signal from elsewhere', null, 'SIGSEGV', 'killed', 'external'],
  ] as const)('%s, which a request to end it came too late for', async (_, code, signal, status, cause) => {
    await start({ command: 'x', name: 'x' });
    const { last } = runner;
    last.terminate = () => {
      last.exit(code, signal, { beforeTermination: true });
      return Promise.resolve({ killed: [], survivors: [] });
    };
    const { processes } = await manager.kill({ ids: ['x'] });
    expect(processes).toMatchObject([{ status, killed: [] }]);
    expect(processes[0]?.exit).toEqual({ code, signal, cause });
  });

  it('its lifetime passing', async () => {
    const waiting = (async () => {
      await start({ command: 'x', name: 'x', timeoutMs: 1000 });
      return manager.waitForExit({ ids: ['x'] });
    })();
    await vi.advanceTimersByTimeAsync(1100);
    expect((await waiting).processes).toMatchObject([{ status: 'killed', exit: { cause: 'timeout' } }]);
  });

  it('a delivered signal that turned out to be its end', async () => {
    await start({ command: 'x', name: 'x' });
    expect(await manager.kill({ ids: ['x'], signal: 'usr1' })).toMatchObject({
      processes: [{ status: 'running' }],
    });
    runner.last.exit(null, 'SIGUSR1');
    await vi.advanceTimersByTimeAsync(0);
    expect((await manager.list()).processes[0]).toMatchObject({ exit: { cause: 'kill_process' } });
  });

  it('the server closing, which starts nothing any more', async () => {
    await start({ command: 'x', name: 'x' });
    runner.last.ignoresTerm = true;
    const closing = manager.close(5000);
    expect(await codeOf(manager.run({ command: 'y' }))).toBe('SHUTTING_DOWN');
    await vi.advanceTimersByTimeAsync(5000);
    expect(await closing).toMatchObject([{ id: 'x', exit: { signal: 'SIGKILL', cause: 'shutdown' } }]);
  });
});

describe('killing', () => {
  it('says who survived, and does not call the process ended', async () => {
    await start({ command: 'x', name: 'x' });
    runner.last.immortal = true;
    const { processes } = await manager.kill({ ids: ['x'], graceMs: 10 });
    expect(processes).toMatchObject([{ status: 'running', killed: [], survivors: [runner.last.pid] }]);
  });

  it('is no error for what has ended, and touches nothing when one of the ids is unknown', async () => {
    await start({ command: 'x', name: 'x' });
    expect(await codeOf(manager.kill({ ids: ['x', 'nope'] }))).toBe('PROCESS_NOT_FOUND');
    expect(runner.last.signals).toEqual([]);
    await manager.kill({ all: true });
    expect(await manager.kill({ ids: ['x'] })).toMatchObject({
      processes: [{ status: 'killed', killed: [] }],
    });
    expect(await codeOf(manager.kill({ ids: ['x'], signal: 'SIGNOPE' }))).toBe('INVALID_ARGUMENT');
  });

  it('stops what is left of a tree, and says when another signal reaches nobody', async () => {
    await start({ command: 'd', name: 'daemon' });
    const { last } = runner;
    last.descendants = [{ pid: 4000, command: 'worker' }];
    last.exit(0);
    await vi.advanceTimersByTimeAsync(0);
    await start({ command: 'w', name: 'web' });
    await manager.kill({ ids: ['daemon'], signal: 'SIGSTOP' });
    await manager.kill({ ids: ['daemon'], signal: 'CONT' });
    expect(last.signals).toEqual(['SIGSTOP', 'SIGCONT']);
    await expect(manager.kill({ ids: ['daemon', 'web'], signal: 'HUP' })).rejects.toMatchObject({
      code: 'PROCESS_EXITED',
      message: expect.stringMatching(/^SIGHUP was not delivered to daemon: /) as unknown,
    });
    expect(runner.last.signals).toEqual(['SIGHUP']);
    last.emptied();
    await vi.advanceTimersByTimeAsync(0);
    expect((await manager.kill({ ids: ['daemon'], signal: 'HUP' })).processes).toMatchObject([
      { id: 'daemon', status: 'completed' },
    ]);
  });

  it('works while a wait is pending, and ends that wait', async () => {
    await start({ command: 'x', name: 'x' });
    const waiting = manager.waitForLog('x', { pattern: 'never' });
    await manager.kill({ ids: ['x'] });
    expect(await waiting).toMatchObject({
      outcome: 'exited',
      status: 'killed',
      exit: { cause: 'kill_process' },
    });
  });
});

describe('waiting for the end', () => {
  it('counts an end during the wait, though it was started again since', async () => {
    await start({ command: 'a', name: 'a' });
    await start({ command: 'b', name: 'b' });
    const [, b] = runner.handles;
    const waiting = manager.waitForExit({ ids: ['a', 'b'], timeoutMs: 5000 });
    const restarted = manager.restart('a');
    await vi.advanceTimersByTimeAsync(100);
    expect((await restarted).process).toMatchObject({ run: 2, status: 'running' });
    b?.exit(3);
    expect(await waiting).toMatchObject({
      outcome: 'exited',
      processes: [
        { id: 'a', status: 'killed', exit: { signal: 'SIGTERM', cause: 'kill_process' } },
        { id: 'b', status: 'failed', exit: { code: 3 } },
      ],
    });
  });

  it('tells of the current run where the time is over', async () => {
    await start({ command: 'a', name: 'a' });
    await start({ command: 'b', name: 'b' });
    const waiting = manager.waitForExit({ ids: ['a', 'b'], timeoutMs: 1000 });
    const restarted = manager.restart('a');
    await vi.advanceTimersByTimeAsync(1001);
    await restarted;
    expect(await waiting).toMatchObject({ outcome: 'timeout', processes: [{ status: 'running' }, {}] });
  });
});

describe('waiting for output', () => {
  it('matches retained output, then new lines, an unfinished prompt, and failures', async () => {
    await start({ command: 'x', name: 'x' });
    runner.last.print('starting\n');
    expect(await manager.waitForLog('x', { pattern: 'start(ing)' })).toMatchObject({
      outcome: 'matched',
      line: 'starting',
      groups: ['ing'],
      cursor: 9,
    });
    const prompt = manager.waitForLog('x', { pattern: 'Proceed\\?', since: 'now' });
    runner.last.print('Proceed? ', 'stderr');
    expect(await prompt).toMatchObject({ outcome: 'matched', stream: 'stderr' });
    const failing = manager.waitForLog('x', {
      pattern: 'ok',
      failurePattern: '(?P<what>ENO\\w+)',
      since: 'now',
    });
    runner.last.print('\nopen: ENOENT\n', 'stderr');
    expect(await failing).toMatchObject({ outcome: 'failed', named: { what: 'ENOENT' } });
  });

  it('ends at once with the process, after its very last words', async () => {
    await start({ command: 'x', name: 'x' });
    const matched = manager.waitForLog('x', { pattern: 'bye' });
    const missed = manager.waitForLog('x', { pattern: 'hello' });
    runner.last.print('good bye');
    runner.last.exit(3);
    expect(await matched).toMatchObject({ outcome: 'matched' });
    expect(await missed).toMatchObject({
      outcome: 'exited',
      status: 'failed',
      exit: { code: 3 },
      tail: 'good bye',
    });
  });

  it('finds a long unfinished line in time linear in its length', async () => {
    await start({ command: 'x', name: 'x' });
    const waiting = manager.waitForLog('x', { pattern: 'needle$', stopAtPrompt: false });
    for (let i = 0; i < 5000; i++) runner.last.print('.');
    runner.last.print('needle');
    await vi.advanceTimersByTimeAsync(25);
    expect(await waiting).toMatchObject({ outcome: 'matched' });
  });

  it('takes what had arrived in time, though the clock is looked at first', async () => {
    await start({ command: 'x', name: 'x' });
    const waiting = manager.waitForLog('x', { pattern: 'done', timeoutMs: 400 });
    await vi.advanceTimersByTimeAsync(300);
    setTimeout(() => {
      runner.last.print('done\n');
    }, 100);
    vi.advanceTimersByTime(100);
    expect(await waiting).toMatchObject({ outcome: 'matched', line: 'done' });
  });

  it('is capped, and a cancelled wait leaves the process alone', async () => {
    fresh({ waitCapMs: 1000 });
    await start({ command: 'x', name: 'x' });
    const capped = manager.waitForLog('x', { pattern: 'never', timeoutMs: 3_600_000 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(await capped).toMatchObject({ outcome: 'timeout', waitedMs: 1000 });
    const controller = new AbortController();
    const cancelled = manager.waitForLog('x', { pattern: 'never' }, { signal: controller.signal });
    controller.abort(new Error('cancelled by the client'));
    await expect(cancelled).rejects.toThrow('cancelled by the client');
    expect(runner.last.signals).toEqual([]);
  });

  it.each([
    ['a log', () => manager.waitForLog('x', { pattern: 'never', timeoutMs: 90_000 }, { waitCapMs: 60_000 })],
    ['a port', () => manager.waitForPort({ id: 'x', timeoutMs: 90_000 }, { waitCapMs: 60_000 })],
    ['an exit', () => manager.waitForExit({ ids: ['x'], timeoutMs: 90_000 }, { waitCapMs: 60_000 })],
  ])('is capped by its caller where that one brings a cap of its own: %s', async (_, wait) => {
    fresh({ waitCapMs: 1000 });
    await start({ command: 'x', name: 'x' });
    const waiting = wait();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(await waiting).toMatchObject({ outcome: 'timeout', waitedMs: 60_000 });
  });

  it('ends at a prompt, only in silence and only when told to look', async () => {
    await start({ command: 'x', name: 'x' });
    runner.last.print('Name: ');
    runner.last.atPrompt = true;
    const waiting = manager.waitForLog('x', { pattern: 'never' });
    const stubborn = manager.waitForLog('x', { pattern: 'never', stopAtPrompt: false, timeoutMs: 2000 });
    await vi.advanceTimersByTimeAsync(2000);
    expect(await waiting).toMatchObject({ outcome: 'awaiting_input', tail: 'Name: ', waitedMs: 500 });
    expect(await stubborn).toMatchObject({ outcome: 'timeout' });
  });

  it('does not take for silence what has not been read when the time is over', async () => {
    await start({ command: 'x', name: 'x' });
    runner.last.atPrompt = true;
    const waiting = manager.waitForLog('x', { pattern: 'done' });
    await vi.advanceTimersByTimeAsync(400);
    // As on a busy event loop: the time is over, and only then, in the same turn, is the output read.
    setTimeout(() => {
      runner.last.print('done\n');
    }, 100);
    vi.advanceTimersByTime(200);
    expect(await waiting).toMatchObject({ outcome: 'matched', line: 'done' });
  });
});

describe('waiting for a port', () => {
  it('is ready when the tree listens, foreign when somebody else does', async () => {
    await start({ command: 'x', name: 'x' });
    const waiting = manager.waitForPort({ id: 'x', port: 3000 });
    await vi.advanceTimersByTimeAsync(100);
    runner.last.listening = [3000];
    await vi.advanceTimersByTimeAsync(20);
    expect(await waiting).toMatchObject({ outcome: 'ready', port: 3000, url: 'http://127.0.0.1:3000/' });
    runner.owners.set(4000, { pid: 5, command: 'nginx' });
    expect(await manager.waitForPort({ id: 'x', port: 4000 })).toMatchObject({
      outcome: 'foreign',
      owner: { pid: 5, command: 'nginx' },
    });
    expect(await manager.waitForPort({ id: 'x', port: 4000, allowForeign: true })).toMatchObject({
      outcome: 'ready',
    });
    expect(await manager.waitForPort({ port: 4000 })).toMatchObject({ outcome: 'ready', owner: { pid: 5 } });
  });

  it('tells the tree and a stranger apart that hold the same port on the two loopback addresses', async () => {
    await start({ command: 'x', name: 'x' });
    runner.owners.set(3000, { pid: 5, command: 'other checkout' });
    expect(await manager.waitForPort({ id: 'x', port: 3000 })).toMatchObject({ outcome: 'foreign' });
    runner.last.listening = [3000];
    runner.last.address = '::1';
    expect(await manager.waitForPort({ id: 'x', port: 3000 })).toMatchObject({
      outcome: 'ready',
      url: 'http://[::1]:3000/',
    });
    expect(await manager.waitForPort({ id: 'x', port: 3000, host: '127.0.0.1' })).toMatchObject({
      outcome: 'foreign',
    });
  });

  it('finds the port that the tree opens', async () => {
    await start({ command: 'x', name: 'x' });
    const waiting = manager.waitForPort({ id: 'x' });
    await vi.advanceTimersByTimeAsync(50);
    runner.last.listening = [5173];
    runner.last.print('ready\n');
    await vi.advanceTimersByTimeAsync(0);
    expect(await waiting).toMatchObject({ outcome: 'ready', port: 5173, waitedMs: 50 });
  });

  it('ends with the process, and waits on for a daemon whose leader had ended already', async () => {
    await start({ command: 'x', name: 'x' });
    const waiting = manager.waitForPort({ id: 'x', port: 3000 });
    runner.last.descendants = [{ pid: 7, command: 'daemon' }];
    runner.last.exit(0);
    await vi.advanceTimersByTimeAsync(20);
    expect(await waiting).toMatchObject({ outcome: 'exited', status: 'completed' });
    const again = manager.waitForPort({ id: 'x', port: 3000 });
    await vi.advanceTimersByTimeAsync(500);
    runner.last.listening = [3000];
    await vi.advanceTimersByTimeAsync(20);
    expect(await again).toMatchObject({ outcome: 'ready' });
  });

  it('needs a port or an id', async () => {
    expect(await codeOf(manager.waitForPort({}))).toBe('INVALID_ARGUMENT');
  });
});

describe('waiting until ready, in the call that starts', () => {
  const ready = (waitFor: RunRequest['waitFor']): Promise<RunResult> =>
    manager.run({ command: 'x', name: 'x', ...(waitFor && { waitFor }) });

  it.each<[string, () => void, object]>([
    [
      'log',
      () => {
        runner.last.print('Ready on 3000\n');
      },
      { by: 'log', outcome: 'matched' },
    ],
    ['failure_log', () => runner.last.print('EADDRINUSE\n'), { by: 'failure_log', outcome: 'failed' }],
    ['port', () => (runner.last.listening = [3000]), { by: 'port', outcome: 'ready', port: 3000 }],
    ['exit', () => runner.last.exit(2), { by: 'exit', outcome: 'exited', exit: { code: 2 } }],
    ['silence', () => undefined, { by: 'idle', outcome: 'idle' }],
  ])('by %s', async (_, act, expected) => {
    const result = ready({ log: 'Ready', failureLog: 'EADDRINUSE', port: 3000, idleMs: 1000 });
    await vi.advanceTimersByTimeAsync(200);
    act();
    await vi.advanceTimersByTimeAsync(1000);
    expect((await result).wait).toMatchObject(expected);
  });

  it('by the clock, leaving it running', async () => {
    const result = ready({ log: 'Ready', timeoutMs: 300 });
    await vi.advanceTimersByTimeAsync(300);
    expect(await result).toMatchObject({
      process: { status: 'running' },
      wait: { by: 'timeout', waitedMs: 300 },
    });
  });
});

describe('input', () => {
  it('sends a line, closes stdin, and refuses what can no longer be read', async () => {
    await start({ command: 'x', name: 'x' });
    expect(await manager.send('x', { text: '1+1' })).toMatchObject({
      acceptedBytes: 4,
      totalBytes: 4,
      eof: false,
    });
    await manager.send('x', { text: 'a', newline: false });
    await manager.send('x', { eof: true });
    expect(runner.last).toMatchObject({ input: '1+1\na', inputEnded: true });
    expect(await codeOf(manager.send('x', { text: 'more' }))).toBe('STDIN_CLOSED');
    runner.last.exit(0);
    await vi.advanceTimersByTimeAsync(0);
    expect(await codeOf(manager.send('x', { text: 'more' }))).toBe('PROCESS_EXITED');
  });

  it('says how much a full pipe took', async () => {
    await start({ command: 'x', name: 'x' });
    runner.last.room = 10;
    const sent = await manager.send('x', { text: 'x'.repeat(100), eof: true, waitFor: { log: 'never' } });
    expect(sent).toMatchObject({ acceptedBytes: 10, totalBytes: 101, eof: false });
    expect(sent.reply).toBeUndefined();
  });

  it('drives one turn: only what came after the input is the reply', async () => {
    await start({ command: 'x', name: 'x' });
    runner.last.print('>>> ');
    const turn = manager.send('x', { text: '1+1', waitFor: { log: '>>> $' } });
    await vi.advanceTimersByTimeAsync(10);
    runner.last.print('2\n>>> ');
    expect((await turn).reply).toMatchObject({ outcome: 'matched', page: { text: '2\n>>> ' } });
    const quiet = manager.send('x', { text: 'pass', waitFor: { idleMs: 100 } });
    await vi.advanceTimersByTimeAsync(100);
    expect((await quiet).reply).toMatchObject({ outcome: 'idle', page: { text: '' } });
  });
});

describe('what is kept', () => {
  it('forgets the longest ended beyond the limit, and one-off records at once', async () => {
    fresh({ keepEnded: 2 });
    for (const name of ['a', 'b', 'c', 'd']) {
      await start({ command: 'x', name, autoCleanup: name === 'd' });
      runner.last.exit(0);
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(await ids()).toEqual(['b', 'c']);
  });

  it.each<[string, Partial<Limits>]>([
    ['one that goes at its exit', {}],
    ['one that is past the limit of records', { keepEnded: 0 }],
  ])('keeps a record for the next run while it is restarted or replaced: %s', async (_, limits) => {
    fresh(limits);
    const seen: string[] = [];
    manager.subscribe(({ type, run }) => seen.push(`${type} ${run}`));
    const request = { command: 'x', name: 'x', autoCleanup: limits.keepEnded === undefined };
    await start(request);
    runner.last.print('first');
    const restarted = manager.restart('x');
    await vi.advanceTimersByTimeAsync(100);
    expect((await restarted).process).toMatchObject({ run: 2, output: { bytes: 5 } });
    const both = [
      manager.run({ ...request, ifRunning: 'replace' }),
      manager.run({ ...request, ifRunning: 'replace' }),
    ];
    await vi.advanceTimersByTimeAsync(500);
    expect((await Promise.all(both)).map(({ process }) => process.run).sort()).toEqual([3, 4]);
    runner.last.exit(0);
    await vi.advanceTimersByTimeAsync(0);
    expect(await ids()).toEqual([]);
    expect(seen.filter((event) => !event.startsWith('output'))).toEqual([
      ...['started 1', 'exited 1', 'started 2', 'exited 2', 'started 3', 'exited 3'],
      ...['started 4', 'exited 4', 'removed 4'],
    ]);
  });

  it('forgets a record for one run after all when the next run could not be had', async () => {
    fresh({ maxLive: 1 });
    await start({ command: 'x', name: 'x', autoCleanup: true });
    const restarted = codeOf(manager.restart('x'));
    void manager.close();
    expect(await restarted).toBe('SHUTTING_DOWN');
    expect(await ids()).toEqual([]);
  });

  it('keeps all output together within the total budget, taking from the ended first', async () => {
    fresh({ ringBytes: 65_536, totalRingBytes: 100_000 });
    await start({ command: 'x', name: 'a' });
    runner.last.print('a'.repeat(60_000));
    runner.last.exit(0);
    await start({ command: 'x', name: 'b' });
    runner.last.print('b'.repeat(60_000));
    const [ended, running] = (await manager.list()).processes;
    expect(ended?.output.droppedBytes).toBeGreaterThanOrEqual(20_000);
    expect(running?.output.droppedBytes).toBe(0);
  });

  it('takes no more than the excess from the ended, the longest ended first', async () => {
    fresh({ ringBytes: 32_768, totalRingBytes: 65_536 });
    for (const name of ['old', 'new']) {
      await start({ command: 'x', name });
      runner.last.print(`${'line\n'.repeat(4000)}last of ${name}\n`);
      runner.last.exit(1);
      await vi.advanceTimersByTimeAsync(1);
    }
    await start({ command: 'x', name: 'live' });
    for (let written = 0; written < 32_000; written += 100) runner.last.print('.'.repeat(100));
    const [old, young, live] = (await manager.list()).processes.map(({ output }) => output);
    expect(old).toMatchObject({ lastLine: 'last of old' });
    expect(old?.droppedBytes).toBeGreaterThanOrEqual(72_000 - 65_536);
    expect(old?.droppedBytes).toBeLessThan(10_000);
    expect([young?.droppedBytes, live?.droppedBytes]).toEqual([0, 0]);
  });

  it('leaves the last lines of the ended while others have more to give', async () => {
    fresh({ ringBytes: 32_768, totalRingBytes: 65_536 });
    await start({ command: 'x', name: 'ended' });
    runner.last.print(`${'line\n'.repeat(4000)}panic: no space left\n`);
    runner.last.exit(2);
    for (const name of ['a', 'b', 'c']) {
      await start({ command: 'x', name });
      for (let written = 0; written < 100_000; written += 1000) runner.last.print(`${'.'.repeat(999)}\n`);
    }
    const { processes } = await manager.list();
    expect(processes[0]?.output.lastLine).toBe('panic: no space left');
    const retained = processes.map(({ output }) => output.bytes - output.droppedBytes);
    expect(retained.reduce((sum, bytes) => sum + bytes)).toBeLessThanOrEqual(65_536);
  });

  it('goes on where there are more records than the budget has bytes', async () => {
    fresh({ totalRingBytes: 2 });
    for (const name of ['a', 'b', 'c']) {
      await start({ command: 'x', name });
      runner.last.print('x\n');
      runner.last.exit(0);
    }
    expect(await ids()).toEqual(['a', 'b', 'c']);
  });

  it('tells observers what started, printed, ended and was forgotten', async () => {
    const seen: string[] = [];
    const unsubscribe = manager.subscribe((event) => seen.push(`${event.type} ${event.id}#${event.run}`));
    await start({ command: 'x', name: 'a' });
    runner.last.print('hi\n');
    runner.last.exit(0);
    await vi.advanceTimersByTimeAsync(0);
    await manager.remove({ ids: ['a'] });
    unsubscribe();
    await start({ command: 'x', name: 'b' });
    expect(seen).toEqual(['started a#1', 'output a#1', 'exited a#1', 'removed a#1']);
  });
});
