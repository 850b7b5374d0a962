import { execFile } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isAlive } from '../helpers/alive.ts';
import { act, command, type Finished } from '../helpers/command.ts';
import { SharedServer } from '../helpers/http-server.ts';
import { cli } from '../helpers/start-server.ts';
import { until } from '../helpers/until.ts';

let server: SharedServer;
beforeAll(async () => {
  server = await SharedServer.start();
});
afterAll(async () => {
  await server.close();
});

const env = () => ({ PROCTOR_STATE_DIR: server.stateDirectory });
const proctor = (...args: string[]): Promise<Finished> => act(args, { env: env() });

/** What it printed, of a command that must succeed. */
async function ok(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await proctor(...args);
  expect({ status, stderr }).toMatchObject({ status: 0 });
  return stdout;
}

interface Listed {
  processes: { id: string; pid: number; status: string; cwd: string; client: string }[];
}
const list = async (...args: string[]) => (JSON.parse(await ok('ps', '--json', ...args)) as Listed).processes;

describe('proctor run', () => {
  afterEach(async () => {
    await ok('kill', '--all');
  });

  it('prints the id on stdout and how it went on stderr', async () => {
    const run = ['run', '-n', 'first', '--', 'sleep 60'];
    const { status, stdout, stderr } = await command(run, { env: env() });
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'first\n' });
    expect(stderr).toMatch(/^first started \(pid \d+\)\n$/);
  });

  it('runs where it was called, one word as a shell line and several as they are', async () => {
    const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'proctor-cwd-')));
    const line = await act(['run', '--wait-exit', 'pwd; echo $((1 + 1))'], { env: env(), cwd });
    expect(await ok('logs', line.stdout.trim())).toBe(`${cwd}\n2\n`);
    const words = await act(['run', '--wait-exit', 'printf', '%s|', '-x', '$HOME', 'a b'], {
      env: env(),
      cwd,
    });
    expect(await ok('logs', words.stdout.trim())).toBe('-x|$HOME|a b|\n');
    rmSync(cwd, { recursive: true });
  });

  it('sets and unsets variables, and tells the server who asked', async () => {
    await ok('run', '-n', 'vars', '--wait-exit', '-e', 'A=b=c', '-e', 'HOME', '--', 'echo "$A ${HOME-none}"');
    expect(await ok('logs', 'vars')).toBe('b=c none\n');
    expect((await list('vars'))[0]?.client).toMatch(/^proctor-cli \d/);
  });

  it('returns when the process is ready', async () => {
    const { status, stderr } = await proctor(
      'run',
      '--wait-for',
      'up (on )?\\d+',
      '--',
      'sleep 0.2; echo up 80; sleep 60',
    );
    expect(status).toBe(0);
    expect(stderr).toMatch(/ready after \d\.\d s: up 80/);
  });

  it.each([
    [['run', '--', 'echo oops >&2; exit 7'], 7, /failed \(7\)\noops/],
    [['run', '--wait-exit', '--', 'sleep 0.3; exit 5'], 5, /failed \(5\)/],
    [['run', '--wait-for', 'never', '--', 'sleep 0.2'], 1, /completed/],
    [
      ['run', '--wait-for', 'never', '--timeout', '200ms', '--rm', '--', 'sleep 1'],
      124,
      /timeout after 0\.\d s/,
    ],
    [['run', '--', 'no-such-program', 'x'], 1, /"no-such-program" was not found on PATH/],
    [['run', '--reuse', '--replace', '--', 'x'], 2, /--replace/],
    [['run', '--reuse', '--', 'true'], 2, /--reuse needs a name/],
    [['run'], 2, /missing required argument/],
  ])('%j exits with %d', async (args, expected, words) => {
    const { status, stderr } = await proctor(...args);
    expect({ status, stderr }).toEqual({ status: expected, stderr: expect.stringMatching(words) as string });
  });
});

describe('proctor ps', () => {
  it('shows a table, ids alone, or JSON', async () => {
    await ok('run', '-n', 'shown', '--', 'sleep 60');
    const [heading = '', ...rows] = (await ok('ps')).trimEnd().split('\n');
    expect(heading).toMatch(/^ID +STATUS +PID +TIME +CPU% +MEM +PORTS +CLIENT +COMMAND$/);
    const row = rows.find((line) => line.startsWith('shown '));
    expect(row).toMatch(/^shown +running +\d+ +\d+s .* sleep 60$/);
    expect(row?.indexOf('sleep 60')).toBe(heading.indexOf('COMMAND'));
    expect(await ok('ps', '-q', '--live')).toBe('shown\n');
    const [process] = await list('shown');
    expect(process).toMatchObject({ id: 'shown', status: 'running' });
    await ok('kill', 'shown');
    expect(isAlive(process!.pid)).toBe(false);
  });

  it('goes on with --watch, a line for each change with --json', async () => {
    const child = execFile(process.execPath, [cli, 'ps', '--watch', '--json'], {
      env: { ...process.env, ...env() },
    });
    let seen = '';
    child.stdout?.on('data', (chunk: string) => (seen += chunk));
    await until('the first list', () => seen.includes('\n'));
    await ok('run', '-n', 'watched', '--wait-exit', '--', 'sleep 0.5');
    const statuses = () =>
      seen
        .split('\n')
        .slice(0, -1)
        .flatMap((line) => (JSON.parse(line) as Listed).processes.filter(({ id }) => id === 'watched'))
        .map(({ status }) => status);
    await until('its end is shown', () => statuses().includes('completed'));
    expect(statuses()).toContain('running');
    child.kill('SIGINT');
  });
});

describe('proctor logs', () => {
  const lines =
    'for i in 1 2 3 4 5; do echo "line $i"; done; printf "\\033[31mred\\033[0m\\n50%%\\r100%%\\n" >&2; printf end';
  beforeAll(async () => {
    await ok('run', '-n', 'printed', '--wait-exit', '--', lines);
  });

  it.each([
    [[], 'line 1\nline 2\nline 3\nline 4\nline 5\nred\n100%\nend\n'],
    [['--raw', '--stream', 'stderr'], '\x1b[31mred\x1b[0m\n50%\r100%\n'],
    [['--tail', '2', '--stream', 'stdout'], 'line 5\nend\n'],
    [['-n', '2', '-g', 'line'], 'line 4\nline 5\n'],
    [['-n', '3'], 'red\n100%\nend\n'],
    [['-g', 'line [24]'], 'line 2\nline 4\n'],
    [['--since', '28'], 'line 5\nred\n100%\nend\n'],
    [['--since', '1h', '-g', 'red'], 'red\n'],
    [['--since', 'now'], ''],
    [['-f', '--stream', 'stderr'], 'red\n100%\n'],
  ])('%j prints %j', async (flags, expected) => {
    const printed = await ok('logs', 'printed', ...flags);
    // Two pipes keep no common order within a burst.
    expect(printed.split('\n').sort()).toEqual(expected.split('\n').sort());
  });

  it('begins lines with their time', async () => {
    expect(await ok('logs', 'printed', '-t', '-g', 'line 1')).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z line 1\n$/);
  });

  it('follows until the end, and does not lose a byte of a flood', async () => {
    await ok('run', '-n', 'flood', '--', 'seq 1 300000');
    const printed = await ok('logs', '-f', 'flood');
    expect(printed).toBe(Array.from({ length: 300_000 }, (_, i) => `${i + 1}\n`).join(''));
  });

  it('ends quietly when its reader has seen enough', async () => {
    const script = `"${process.execPath}" "${cli}" logs -f flood | head -n 2`;
    const { stdout, stderr } = await promisify(execFile)('bash', ['-o', 'pipefail', '-c', script], {
      env: { ...process.env, ...env() },
    });
    expect({ stdout, stderr }).toEqual({ stdout: '1\n2\n', stderr: '' });
  });
});

describe('proctor wait', () => {
  it('exits as the process does', async () => {
    await ok('run', '-n', 'three', '--', 'sleep 0.3; exit 3');
    expect(await command(['wait', 'three'], { env: env() })).toMatchObject({
      status: 3,
      stderr: 'three: failed (3)\n',
    });
    await ok('run', '-n', 'killed', '--', 'sleep 0.3; kill -9 $$');
    expect(await proctor('wait', '--exit', 'killed')).toMatchObject({ status: 137 });
  });

  it('exits with 124 when the time is over, and leaves the process alone', async () => {
    await ok('run', '-n', 'long', '--', 'sleep 60');
    expect(await proctor('wait', 'long', '--timeout', '0.2')).toMatchObject({ status: 124 });
    expect(await list('long')).toMatchObject([{ status: 'running' }]);
    await ok('kill', 'long');
  });

  it('waits for lines and ports', async () => {
    const code = 'console.log("v1.2"); require("net").createServer().listen(0, "127.0.0.1")';
    await ok('run', '-n', 'port', '--', 'node', '-e', code);
    expect(await ok('wait', 'port', '--log', 'v(\\d)')).toBe('v1.2\n');
    expect(await ok('wait', 'port', '--port')).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\n$/);
    expect(await proctor('wait', 'port', '--log', 'nothing', '--timeout', '100ms')).toMatchObject({
      status: 124,
    });
    await ok('kill', 'port');
    expect(await proctor('wait', 'port', '--log', 'nothing')).toMatchObject({ status: 1 });
  });
});

describe('proctor send, restart, kill and rm', () => {
  it('drive a process through its life', async () => {
    await ok('run', '-n', 'cat', '--', 'cat');
    expect(await ok('send', 'cat', 'two', 'words', '--wait-for', 'words')).toBe('two words\n');
    const piped = await command(['send', 'cat', '-'], { env: env(), input: 'a\nb' });
    expect(piped.status).toBe(0);
    await ok('send', 'cat', '--eof');
    expect(await proctor('wait', 'cat')).toMatchObject({ status: 0 });
    expect(await ok('logs', 'cat')).toBe('two words\na\nb\n');
    expect(await proctor('restart', 'cat')).toMatchObject({ status: 0, stdout: 'cat\n' });
    const [{ pid } = { pid: 0 }] = await list('cat');
    expect(await proctor('rm', 'cat')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('"proctor kill"') as string,
    });
    expect(await proctor('kill', 'cat', '-s', 'int')).toMatchObject({
      status: 0,
      stderr: expect.stringContaining('SIGINT') as string,
    });
    expect(isAlive(pid)).toBe(false);
    expect(await ok('rm', 'cat')).toBe('cat\n');
    expect(await proctor('logs', 'cat')).toMatchObject({ status: 3 });
  });

  it('want to be told which', async () => {
    expect(await proctor('kill')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--all') as string,
    });
    expect(await proctor('rm', 'x', '--ended')).toMatchObject({ status: 2 });
    expect((await ok('rm', '--ended')).split('\n')).toContain('printed');
    expect(await ok('ps', '-q')).toBe('');
  });
});

describe('a command', () => {
  it('says so in clear words when no server runs', async () => {
    const nowhere = mkdtempSync(join(tmpdir(), 'proctor-none-'));
    const { status, stderr } = await command(['ps'], { env: { PROCTOR_STATE_DIR: nowhere } });
    expect({ status, stderr }).toEqual({
      status: 69,
      stderr: 'proctor: No server is running. Start one with "proctor serve", or name one with --url.\n',
    });
    const gone = await act(['ps', '--url', 'http://127.0.0.1:9'], {
      env: { PROCTOR_STATE_DIR: nowhere },
    });
    expect(gone).toMatchObject({
      status: 69,
      stderr: expect.stringContaining('http://127.0.0.1:9') as string,
    });
    rmSync(nowhere, { recursive: true });
  });

  it('finds a server by --url and --token, or by the variables', async () => {
    const { url, token } = server;
    expect((await act(['ps', '-q', '--url', url, '--token', token])).status).toBe(0);
    expect((await act(['ps', '-q'], { env: { PROCTOR_URL: url, PROCTOR_TOKEN: token } })).status).toBe(0);
    const wrong = await act(['ps'], { env: { PROCTOR_URL: url, PROCTOR_TOKEN: 'x'.repeat(20) } });
    expect(wrong).toMatchObject({ status: 77, stderr: expect.stringContaining('token') as string });
  });

  it('sends the token of the state directory to no other server', async () => {
    const url = `http://127.0.0.1:${server.port === 9 ? 10 : 9}`;
    expect((await act(['open', '--print', '--url', url], { env: env() })).stdout).toBe(`${url}/\n`);
  });

  it('writes no colours into a pipe, and explains itself', async () => {
    expect(await ok('ps', '--help')).toMatch(/--watch[\s\S]*Exit status: 0 done, 1 failed, 2 wrong usage/);
    expect(await proctor('pss')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("unknown command 'pss'") as string,
    });
  });

  it('prints the address of the dashboard, its token where no server is sent it', async () => {
    expect(await ok('open', '--print')).toBe(`${server.url}/#token=${server.token}\n`);
  });
});

describe('proctor doctor', () => {
  it('finds by trying that the promise holds here', async () => {
    const { status, stdout } = await act(['doctor', '--json'], {
      env: { PROCTOR_STATE_DIR: '/nonexistent' },
    });
    const { holds, findings } = JSON.parse(stdout) as {
      holds: boolean;
      findings: { name: string; verdict: string }[];
    };
    expect(findings.map(({ name }) => name)).toEqual([
      ...[
        'node',
        'shell',
        'supervisor',
        'whole tree',
        'terminals',
        'port owners',
        'cgroup.kill',
        'pid namespaces',
      ],
    ]);
    expect({ status, holds }).toEqual({ status: 0, holds: true });
  });

  it('says what is missing and what would mend it', async () => {
    const { status, stdout } = await act(['doctor'], {
      env: { PATH: process.env.PATH ?? '', PROCTOR_SHIM: '/nonexistent' },
    });
    expect(status).toBe(1);
    expect(stdout).toMatch(/weak +supervisor +.*process groups serve.*\n +npm run build /);
  });
});

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('for %s names every command', async (shell) => {
    const script = await ok('completion', shell);
    for (const name of [
      'ps',
      'run',
      'logs',
      'wait',
      'send',
      'kill',
      'restart',
      'rm',
      'open',
      'doctor',
      'serve',
    ])
      expect(script).toMatch(new RegExp(`\\b${name}\\b`));
  });

  it('works in bash: commands, flags, and the ids that exist', async () => {
    await ok('run', '-n', 'completed-id', '--', 'sleep 60');
    const bin = mkdtempSync(join(tmpdir(), 'proctor-bin-'));
    const script = [
      `mkdir -p "${bin}"; printf '#!/bin/sh\\nexec "%s" "%s" "$@"\\n' "${process.execPath}" "${cli}" > "${bin}/proctor"; chmod +x "${bin}/proctor"`,
      `PATH="${bin}:$PATH"; source <(proctor completion bash)`,
      'ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _proctor; echo "${COMPREPLY[@]}"; }',
      'ask proctor re; ask proctor logs --fol; ask proctor logs comp; ask proctor nonsense x',
    ].join('\n');
    const { stdout } = await promisify(execFile)('bash', ['-c', script], {
      env: { ...process.env, ...env() },
    });
    expect(stdout).toBe('restart\n--follow\ncompleted-id\n\n');
    rmSync(bin, { recursive: true });
    await ok('kill', 'completed-id');
  });
});
