import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { isAlive } from '../helpers/alive.ts';
import { RawServer } from '../helpers/raw-server.ts';
import { cli, fixtures, projectRoot } from '../helpers/start-server.ts';
import '../helpers/matchers.ts';
import { until } from '../helpers/until.ts';

/** A tree of every awkward kind: plain, in a session of its own, orphaned, and one that ignores polite signals. */
const TREE = `sleep 300 & setsid sleep 300 & (sleep 300 &); ${join(fixtures, 'ignore-sigterm.sh')} & wait`;

let server: RawServer | undefined;

afterEach(() => {
  if (server && isAlive(server.pid)) server.child.kill('SIGKILL');
  server = undefined;
});

async function start(flags: readonly string[] = []): Promise<RawServer> {
  server = new RawServer({ flags });
  await server.initialize();
  return server;
}

async function growTree(raw: RawServer): Promise<number[]> {
  const { id } = await raw.run(TREE, { wait_for: { log: 'ready', timeout_ms: 10_000 } });
  await raw.run('sleep 300 & exit', { name: 'daemonized' });
  return until('the trees have grown', async () => {
    const { result } = await raw.call('list_processes');
    const { processes } = result?.structuredContent as {
      processes: { id: string; pid: number; descendants?: { pid: number }[] }[];
    };
    const tree = processes.find((process) => process.id === id);
    if ((tree?.descendants?.length ?? 0) < 5) return undefined;
    return processes
      .flatMap(({ pid, descendants = [] }) => [pid, ...descendants.map((member) => member.pid)])
      .filter(isAlive);
  });
}

describe('the end of the server', () => {
  it.each([
    ['stdin at its end', (raw: RawServer) => raw.child.stdin.end()],
    ['SIGTERM', (raw: RawServer) => raw.child.kill('SIGTERM')],
    ['SIGINT', (raw: RawServer) => raw.child.kill('SIGINT')],
    ['SIGHUP', (raw: RawServer) => raw.child.kill('SIGHUP')],
  ])('by %s ends every process within the grace and a second', async (_, end) => {
    const raw = await start(['--grace-ms', '500']);
    const pids = await growTree(raw);
    expect(pids.length).toBeGreaterThanOrEqual(7);
    const begun = performance.now();
    end(raw);
    expect(await raw.ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - begun).toBeLessThan(1500);
    for (const pid of pids) expect(pid).toBeGone();
    await until('nothing is left', () => raw.leftovers().length === 0, 500);
    expect(raw.stray).toBe('');
  });

  it('by SIGKILL ends every process within a second, without the server', async () => {
    const raw = await start();
    const pids = await growTree(raw);
    const begun = performance.now();
    raw.child.kill('SIGKILL');
    await raw.ended;
    await until('the trees are gone', () => !pids.some(isAlive) && raw.leftovers().length === 0, 1500);
    expect(performance.now() - begun).toBeLessThan(1500);
  });

  it('is quick when processes end politely', async () => {
    const raw = await start();
    await raw.run('sleep 300');
    const begun = performance.now();
    raw.child.stdin.end();
    expect(await raw.ended).toEqual({ code: 0, signal: null });
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  it('is hurried by a second signal', async () => {
    const raw = await start(['--grace-ms', '30000']);
    const { pid } = await raw.run(join(fixtures, 'ignore-sigterm.sh'), {
      wait_for: { log: 'ready', timeout_ms: 10_000 },
    });
    raw.child.kill('SIGINT');
    // Still within its grace: what ignores the signal is alive.
    const { result } = await raw.call('list_processes');
    expect(result?.structuredContent).toMatchObject({ processes: [{ status: 'running' }] });
    expect(isAlive(pid)).toBe(true);
    const begun = performance.now();
    raw.child.kill('SIGINT');
    await raw.ended;
    expect(performance.now() - begun).toBeLessThan(1500);
    expect(pid).toBeGone();
  });

  it('starts nothing new while it is closing, and tells waits the cause', async () => {
    const raw = await start(['--grace-ms', '1000']);
    const polite = await raw.run('sleep 300', { name: 'polite' });
    await raw.run(join(fixtures, 'ignore-sigterm.sh'), {
      name: 'stubborn',
      wait_for: { log: 'ready', timeout_ms: 10_000 },
    });
    const waiting = raw.call('wait_for_exit', { id: 'polite' });
    await raw.call('list_processes');
    raw.child.kill('SIGTERM');
    const { result: ended } = await waiting;
    expect(ended?.structuredContent).toMatchObject({
      outcome: 'exited',
      processes: [{ status: 'killed', cause: 'shutdown' }],
    });
    expect(polite.pid).toBeGone();
    for (const [tool, args] of [
      ['run_background', { command: 'sleep 300' }],
      ['restart_process', { id: 'polite' }],
    ] as const) {
      const { result } = await raw.call(tool, args);
      const [content] = (result?.content ?? []) as { text: string }[];
      expect({ isError: result?.isError, text: content?.text }).toBeRefused('SHUTTING_DOWN');
    }
    await raw.ended;
    await until('nothing is left', () => raw.leftovers().length === 0, 500);
  });

  it('comes too when the client vanishes with its pipes', async () => {
    const raw = await start(['--grace-ms', '300']);
    const { pid } = await raw.run('yes');
    raw.child.stdout.destroy();
    raw.child.stdin.destroy();
    await raw.ended;
    expect(pid).toBeGone();
  });

  it('has no side effects when a client only probes it', async () => {
    server = new RawServer();
    server.child.stdin.end();
    expect(await server.ended).toEqual({ code: 0, signal: null });
    expect(server.stdout).toBe('');
  });
});

function runCli(
  args: string[],
  env: NodeJS.ProcessEnv = {},
): { status: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    env: { PATH: process.env.PATH, ...env },
    input: '',
    encoding: 'utf8',
    timeout: 10_000,
  });
  return { status, stdout, stderr };
}

/** Flag, variable, and values that must be refused. */
const SETTINGS: [string, string, string[]][] = [
  ['ring-bytes', 'PROCTOR_RING_BYTES', ['lots', '-1', '10', '4X', '1e6']],
  ['total-bytes', 'PROCTOR_TOTAL_BYTES', ['lots', '1']],
  ['max-processes', 'PROCTOR_MAX_PROCESSES', ['0', 'many', '1.5', '-3']],
  ['keep-ended', 'PROCTOR_KEEP_ENDED', ['-1', 'all', '999999999']],
  ['wait-cap-ms', 'PROCTOR_WAIT_CAP_MS', ['0', '50s', '1e5']],
  ['grace-ms', 'PROCTOR_GRACE_MS', ['-1', 'soon']],
  ['root', 'PROCTOR_ROOT', ['/no/such/directory']],
  ['log-level', 'PROCTOR_LOG_LEVEL', ['loud', 'INFO!']],
];

describe('the command line', () => {
  it('explains itself', () => {
    const { status, stdout, stderr } = runCli(['--help']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    for (const [flag, variable] of SETTINGS) {
      expect(stdout).toContain(`--${flag}`);
      expect(stdout).toContain(variable);
    }
    expect(runCli(['-h']).stdout).toBe(stdout);
  });

  it('tells its version, that of the package', () => {
    const { version } = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as {
      version: string;
    };
    expect(runCli(['--version'])).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
    expect(runCli(['-v']).stdout).toBe(`${version}\n`);
  });

  it.each([[['--nosuch']], [['--max-processes']], [['stray']], [['--help=1']]])(
    'refuses %j with status 2',
    (args) => {
      const { status, stdout, stderr } = runCli(args);
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
      expect(stderr).toMatch(/^proctor-mcp: /);
      expect(stderr).toContain('--help');
    },
  );

  it.each([0, 1, 2, 3, 4])('refuses bad values, naming each flag or variable (set %d)', (set) => {
    // One start tells of all that is wrong, so each tries one bad value of every setting.
    const bad = SETTINGS.flatMap(([flag, variable, values]) => {
      const value = values[set];
      return value === undefined ? [] : [{ flag, variable, value }];
    });
    const byFlag = runCli(bad.map(({ flag, value }) => `--${flag}=${value}`));
    const byVariable = runCli([], Object.fromEntries(bad.map(({ variable, value }) => [variable, value])));
    for (const { status, stdout } of [byFlag, byVariable])
      expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    for (const { flag, variable } of bad) {
      expect(byFlag.stderr).toMatch(new RegExp(`--${flag}: .*expected`));
      expect(byVariable.stderr).toMatch(new RegExp(`${variable}: .*expected`));
    }
  });

  it('takes a good flag over a bad variable, and an empty variable as none', () => {
    expect(runCli(['--grace-ms', '1'], { PROCTOR_GRACE_MS: 'soon', PROCTOR_ROOT: '' }).status).toBe(0);
  });
});
