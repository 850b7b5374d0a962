import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../../../src/core/limits.ts';
import { ProcessManager } from '../../../src/core/process/process-manager.ts';
import type { SpawnSpec } from '../../../src/core/runner.ts';
import { LocalRunner } from '../../../src/platform/local-runner.ts';
import { readStat } from '../../../src/platform/proc/proc-fs.ts';
import { isAlive } from '../../helpers/alive.ts';
import { pidsRunning } from '../../helpers/pids.ts';
import { until } from '../../helpers/until.ts';
import { endAll, FIXTURES, record, type Started } from '../support.ts';
import { shim } from './shim-support.ts';

const directory = mkdtempSync(join(realpathSync(tmpdir()), 'proctor-spare-'));
// Under a name of its own, which tells its processes from those of others.
const supervisor = join(directory, 'supervisor');
copyFileSync(shim, supervisor);

const runners: LocalRunner[] = [];

function newRunner(env: Record<string, string> = {}): LocalRunner {
  const runner = new LocalRunner({ env: { ...process.env, PROCTOR_SHIM: supervisor, ...env } });
  runners.push(runner);
  return runner;
}

afterEach(async () => {
  await endAll();
  await Promise.all(runners.splice(0).map((runner) => runner.close()));
  await until('all supervisors are gone', () => pidsRunning(supervisor).length === 0);
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

function start(runner: LocalRunner, line: string, more: Partial<SpawnSpec> = {}): Promise<Started> {
  const spec: SpawnSpec = {
    launch: { kind: 'shell', line },
    cwd: FIXTURES,
    env: {},
    stdin: 'open',
    ...more,
  };
  return record((sink) => runner.spawn(spec, sink));
}

function exec(
  runner: LocalRunner,
  file: string,
  args: string[],
  more: Partial<SpawnSpec> = {},
): Promise<Started> {
  return start(runner, '', { launch: { kind: 'exec', file, args }, ...more });
}

/** What a process holds open, one entry a descriptor. */
function descriptors(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
      } catch {
        return [];
      }
    });
  } catch {
    return [];
  }
}

/** Of one that stands by: /dev/null thrice, its socket, signals, /proc, its children, and both ends of three pipes. */
const DESCRIPTORS = 13;

const supervisorOf = ({ handle }: Started): number => readStat(handle.pid)?.ppid ?? NaN;

function isChildless(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8') === '';
  } catch {
    return false;
  }
}

/** The one supervisor that has no tree and has made its pipes. */
function spare(): Promise<number> {
  return until('a spare stands by', () => {
    const idle = pidsRunning(supervisor).filter(isChildless);
    return idle.length === 1 && descriptors(idle[0] ?? 0).length === DESCRIPTORS && idle[0];
  });
}

/** A runner whose next start finds a spare. */
async function prepared(env: Record<string, string> = {}): Promise<{ runner: LocalRunner; standby: number }> {
  const runner = newRunner(env);
  await (
    await start(runner, 'true')
  ).handle.empty;
  return { runner, standby: await spare() };
}

describe('a spare supervisor', () => {
  it('is not there before the first start, stands by after each, and is what the next start takes', async () => {
    const runner = newRunner();
    expect(runner.supervision()).toEqual({ mode: 'shim' });
    expect(pidsRunning(supervisor)).toEqual([]);
    let standby = supervisorOf(await start(runner, 'exec sleep 60'));
    for (let i = 0; i < 3; i++) {
      const next = await spare();
      expect(next).not.toBe(standby);
      standby = next;
      expect(supervisorOf(await start(runner, 'exec sleep 60'))).toBe(standby);
    }
  });

  it('holds nothing of the server but its own pipes and socket', async () => {
    const { standby } = await prepared({ SECRET: 'of the server' });
    expect(readFileSync(`/proc/${standby}/environ`, 'utf8')).toBe('');
    expect(readlinkSync(`/proc/${standby}/cwd`)).toBe('/');
    const held = descriptors(standby);
    const pipes = [...new Set(held.filter((link) => link.startsWith('pipe:')))];
    expect(pipes).toHaveLength(3);
    expect(held.filter((link) => link === '/dev/null')).toHaveLength(3);
    expect(held.filter((link) => link.startsWith('socket:'))).toHaveLength(1);
    const others = held.filter((link) => !/^(pipe:|socket:|\/dev\/null$)/.test(link));
    expect(others.sort()).toEqual([
      '/proc',
      `/proc/${standby}/task/${standby}/children`,
      'anon_inode:[signalfd]',
    ]);
    const holders = (): number[] =>
      readdirSync('/proc')
        .filter((name) => /^\d+$/.test(name))
        .map(Number)
        .filter((pid) => descriptors(pid).some((link) => pipes.includes(link)));
    await expect.poll(() => holders().sort()).toEqual([process.pid, standby].sort());
  });

  it('gives the command what a fresh one gives', async () => {
    const env = { EMPTY: '', NAME: 'Zoë 日本 🐚', LINES: 'a\nb=c\n', 'odd name.x': "'$(x)\t" };
    const looks = async (runner: LocalRunner): Promise<string[]> => {
      const script =
        'pwd; env -0 | sort -z | grep -zv ^PROCTOR_TREE= | tr "\\0" ";"; ls /proc/self/fd; umask';
      const { handle, text } = await start(runner, script, { env });
      expect(await handle.exited).toEqual({ code: 0, signal: null });
      return text().split(handle.pid.toString());
    };
    const runner = newRunner();
    const fresh = await looks(runner);
    await spare();
    expect(fresh.join()).toContain('EMPTY=;');
    expect(fresh.join()).toContain(`NAME=${env.NAME};`);
    expect(fresh.join()).toContain(`LINES=${env.LINES};`);
    expect(await looks(runner)).toEqual(fresh);
  });

  it('gives no input where none is wanted', async () => {
    const { runner, standby } = await prepared();
    const started = await start(runner, 'cat; readlink /proc/self/fd/0; exec sleep 60', { stdin: 'closed' });
    expect(supervisorOf(started)).toBe(standby);
    await started.seen(/^\/dev\/null\n$/);
    const write = started.handle.write(Buffer.from('y'), AbortSignal.timeout(1000));
    await expect(write).rejects.toMatchObject({ code: 'STDIN_CLOSED' });
    started.handle.endInput();
  });

  it('reports what cannot be started, and the next start is none the worse', async () => {
    const { runner } = await prepared();
    const long = 'x'.repeat(140_000);
    const many = (count: number): string[] => Array.from({ length: count }, () => 'x'.repeat(100_000));
    const attempts = [
      { file: '/bin/true', args: [long] },
      { file: '/bin/true', args: many(40) },
      { file: '/bin/true', args: many(100) },
      { file: '/bin/true', args: [], env: { LONG: long } },
    ];
    for (const { file, args, env = {} } of attempts) {
      await spare();
      await expect(exec(runner, file, args, { env })).rejects.toMatchObject({
        code: 'SPAWN_FAILED',
        details: { errno: 'E2BIG' },
      });
    }
    await spare();
    const { handle, text } = await exec(runner, '/bin/sh', ['-c', 'echo $#', 'sh', ...many(15)]);
    expect(await handle.exited).toEqual({ code: 0, signal: null });
    expect(text()).toBe('15\n');
    expect(runner.supervision()).toEqual({ mode: 'shim' });
  });

  it('that was killed is passed over', async () => {
    const { runner, standby } = await prepared();
    process.kill(standby, 'SIGKILL');
    await until('it is gone', () => !isAlive(standby));
    const { handle, text } = await start(runner, 'echo here');
    expect(await handle.exited).toEqual({ code: 0, signal: null });
    expect(text()).toBe('here\n');
    expect(await spare()).not.toBe(standby);
    expect(runner.supervision()).toEqual({ mode: 'shim' });
  });

  it('that is killed when it is used costs no start, and nothing runs twice', async () => {
    const { runner } = await prepared();
    let survived = 0;
    for (let round = 0; round < 30; round++) {
      const standby = await spare();
      const log = join(directory, `log-${round}`);
      writeFileSync(log, '');
      const starting = start(runner, `echo ran >> ${log}; echo done`);
      // From before the message is sent to after the command has begun.
      for (let turn = 0; turn < round % 10; turn++) await new Promise((resolve) => setImmediate(resolve));
      // The command may have ended by then, and its supervisor with it.
      if (pidsRunning(supervisor).includes(standby)) process.kill(standby, 'SIGKILL');
      const { handle } = await starting;
      const { code, signal } = await handle.exited;
      await handle.empty;
      const ran = readFileSync(log, 'utf8');
      if (code === 0) survived++;
      else expect(signal).toBe('SIGKILL');
      expect(code === 0 ? ['ran\n'] : ['ran\n', '']).toContain(ran);
    }
    // Where it was killed before it had read its message, a fresh one has run the command.
    expect(survived).toBeGreaterThan(0);
    expect(runner.supervision()).toEqual({ mode: 'shim' });
  });

  it('that somebody has stopped starts the command all the same', async () => {
    const { runner, standby } = await prepared();
    process.kill(standby, 'SIGSTOP');
    await until('it is stopped', () => readStat(standby)?.state === 'T');
    const started = await start(runner, 'exec sleep 60');
    expect(supervisorOf(started)).toBe(standby);
  });

  it('serves one of many starts at once, and there is one again when they are done', async () => {
    const { runner, standby } = await prepared();
    const burst = await Promise.all(
      Array.from({ length: 20 }, (_, i) => start(runner, `echo ${i}; exec sleep 60`)),
    );
    const supervisors = burst.map(supervisorOf);
    expect(new Set(supervisors).size).toBe(20);
    expect(supervisors.filter((pid) => pid === standby)).toHaveLength(1);
    await Promise.all(burst.map(({ seen }, i) => seen(new RegExp(`^${i}\n$`))));
    expect(supervisors).not.toContain(await spare());
    expect(pidsRunning(supervisor)).toHaveLength(21);
  });

  it('is left alone by a start in a terminal', async () => {
    const { runner, standby } = await prepared();
    const terminal = { cols: 80, rows: 24 };
    const started = await start(runner, 'test -t 0 && echo terminal; exec sleep 60', { terminal });
    await started.seen(/terminal/);
    expect(supervisorOf(started)).not.toBe(standby);
    expect(await spare()).toBe(standby);
  });

  it('is gone when the runner has been closed, and none comes back', async () => {
    const { runner, standby } = await prepared();
    process.kill(standby, 'SIGSTOP');
    await runner.close();
    expect(isAlive(standby)).toBe(false);
    const started = await start(runner, 'echo still; exec sleep 60');
    await started.seen(/still/);
    await started.handle.terminate('SIGKILL', 0);
    await runner.close();
    await until('its supervisor leaves', () => pidsRunning(supervisor).length === 0);
  });

  it('is gone when the service has been closed', async () => {
    const manager = new ProcessManager(newRunner(), DEFAULT_LIMITS);
    await manager.run({ command: 'sleep 60' });
    await spare();
    expect(await manager.close(0)).toHaveLength(1);
    await until('no supervisor is left', () => pidsRunning(supervisor).length === 0);
  });

  it('is gone when the runner is closed at any moment', async () => {
    for (let round = 0; round < 20; round++) {
      const runner = newRunner();
      const { handle } = await start(runner, 'echo');
      for (let turn = 0; turn < round; turn++) await new Promise((resolve) => setImmediate(resolve));
      await runner.close();
      await handle.empty;
      await until('no supervisor is left', () => pidsRunning(supervisor).length === 0);
    }
  });
});

describe('a process that keeps a spare', () => {
  const host = join(directory, 'host.mjs');
  const servers: ChildProcess[] = [];
  const run = async (mode: string, ...lines: string[]): Promise<ChildProcess> => {
    await build({
      entryPoints: [join(FIXTURES, 'runner-host.ts')],
      outfile: host,
      bundle: true,
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
    });
    const server = spawn(process.execPath, [host, mode, ...lines], {
      env: { PATH: process.env.PATH, PROCTOR_SHIM: supervisor },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    servers.push(server);
    return server;
  };
  afterEach(() => {
    for (const server of servers.splice(0)) server.kill('SIGKILL');
  });

  it.each(['SIGKILL', 'SIGTERM'] as const)('leaves none when it ends by %s', async (signal) => {
    const server = await run('stay', 'true', 'exec sleep 60');
    const exited = once(server, 'exit');
    await until('a tree and a spare stand', () => pidsRunning(supervisor).length === 2);
    await spare();
    server.kill(signal);
    await exited;
    await until('no supervisor is left', () => pidsRunning(supervisor).length === 0, 3000);
  });

  it('ends by itself when it has nothing else to do', async () => {
    const server = await run('go', 'true', 'sleep 60');
    expect(await once(server, 'exit')).toEqual([0, null]);
    await until('no supervisor is left', () => pidsRunning(supervisor).length === 0, 3000);
  });
});
