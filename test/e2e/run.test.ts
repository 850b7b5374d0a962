import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENTS, TestServer, projectRoot, useServer } from '../helpers/start-server.ts';
import { until } from '../helpers/until.ts';

let directory = '';
beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'proctor-run-')));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

describe.each(CLIENTS)('run_background, client %s', (client) => {
  const server = useServer({ client, env: { PROCTOR_LOG_LEVEL: 'info', OUTER: 'outer' } });

  it('answers at once with what an agent needs to go on, in both forms', async () => {
    const begun = performance.now();
    const answer = await server().call('run_background', { command: 'sleep 300' });
    expect(performance.now() - begun).toBeLessThan(1000);
    expect(answer.structured).toEqual({
      id: 'sleep',
      run: 1,
      pid: expect.any(Number) as number,
      status: 'running',
      command: 'sleep 300',
      cwd: process.cwd(),
      started_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/) as string,
    });
    const { pid, started_at } = answer.structured as { pid: number; started_at: string };
    for (const fact of ['sleep', 'run 1', `${pid}`, 'running', 'sleep 300', process.cwd(), started_at])
      expect(answer.text).toContain(fact);
  });

  it('names processes after their program and numbers the next', async () => {
    expect((await server().run('sleep 300')).id).toBe('sleep');
    expect((await server().run('sleep 300')).id).toBe('sleep-2');
    expect((await server().run('sleep', { args: ['300'] })).id).toBe('sleep-3');
    expect((await server().run('sleep 300', { name: 'nap' })).id).toBe('nap');
  });

  // The answer waits 100 ms for an end: on a machine busy with other work, one try may not be enough.
  it('tells of a mistyped command in this very answer', { retry: 2 }, async () => {
    const run = await server().run('nosuchprogram --flag');
    expect(run).toMatchObject({ status: 'failed', exit_code: 127, cause: 'self' });
    expect(run.tail).toMatch(/nosuchprogram.*not found/);
  });

  it('tells of a program that fails at once, with its last words', { retry: 2 }, async () => {
    const run = await server().run('echo starting; echo "config missing" >&2; exit 3');
    expect(run).toMatchObject({ status: 'failed', exit_code: 3, cause: 'self' });
    expect(run.tail).toContain('starting');
    expect(run.tail).toContain('config missing');
  });

  it('tells of a missing module with wait_for, however slowly the runtime starts', async () => {
    const answer = await server().call('run_background', {
      command: 'node',
      args: ['missing-module.js'],
      cwd: directory,
      wait_for: { port: true, timeout_ms: 10_000 },
    });
    expect(answer.structured).toMatchObject({
      status: 'failed',
      exit_code: 1,
      wait: {
        by: 'exit',
        outcome: 'exited',
        exit_code: 1,
        tail: expect.stringContaining('MODULE_NOT_FOUND') as string,
      },
    });
    expect(answer.text).toContain('MODULE_NOT_FOUND');
  });

  it('runs a shell line in bash, and an executable with its arguments untouched', async () => {
    const shell = await server().run('x=(a b); echo "${x[1]}-$OUTER" | tr a-z A-Z');
    expect((await server().exited(shell.id)).tail.trim()).toBe('B-OUTER');
    const direct = await server().run('printf', { args: ['%s|', 'a b', '$HOME', '', '*'] });
    expect((await server().exited(direct.id)).tail.trim()).toBe('a b|$HOME||*|');
  });

  it('takes the working directory and the environment it is given', async () => {
    const run = await server().run(
      'pwd; echo "[$ADDED][${OUTER-unset}][${PROCTOR_LOG_LEVEL-unset}][${HOME:+home}]"',
      {
        cwd: directory,
        env: { ADDED: 'added "x"', OUTER: null },
      },
    );
    expect(run.cwd).toBe(directory);
    const { tail } = await server().exited(run.id);
    expect(tail.trim().split('\n')).toEqual([directory, '[added "x"][unset][unset][home]']);
  });

  it('starts with a closed stdin when asked to, and an open one otherwise', async () => {
    const closed = await server().run('cat; echo ended', { stdin: 'closed' });
    expect((await server().exited(closed.id)).tail).toContain('ended');
    const open = await server().run('cat; echo ended');
    expect(open.status).toBe('running');
    expect((await server().snapshot(open.id)).status).toBe('running');
  });

  it('kills the whole tree at the end of its lifetime', async () => {
    const run = await server().run('sleep 301 & setsid sleep 302 & wait', { timeout_ms: 300 });
    const end = await server().exited(run.id);
    expect(end).toMatchObject({ status: 'killed', cause: 'timeout' });
    await until('the whole tree is gone', () => server().leftovers().length === 0, 2000);
  });

  it('drops the record at exit with auto_cleanup', async () => {
    const run = await server().run('sleep 1', { name: 'brief', auto_cleanup: true });
    expect(run.status).toBe('running');
    await until('the record is gone', async () => {
      const { processes } = await server().ok('list_processes');
      return processes.length === 0;
    });
    const other = await server().run('sleep 300');
    const answer = await server().call('get_output', { id: 'brief' });
    expect(answer).toBeRefused('PROCESS_NOT_FOUND', new RegExp(`brief[\\s\\S]*${other.id}`));
  });
});

describe('run_background with source text', () => {
  const server = useServer();

  it.each([
    ['python', 'import sys\nprint("py", sys.version_info[0], input())'],
    [
      'javascript',
      'process.stdin.once("data", (d) => { console.log("js", 1, String(d).trim()); process.exit() })',
    ],
    [
      'typescript',
      'const n: number = 2; process.stdin.once("data", (d: Buffer) => { console.log("ts", n, String(d).trim()); process.exit() })',
    ],
    ['bash', 'read -r line; echo "bash 5 $line"'],
    ['perl', 'my $line = <STDIN>; print "perl 5 $line";'],
  ])('runs %s with stdin left free', async (language, code) => {
    const run = await server().ok('run_background', { code, language, cwd: projectRoot });
    await server().ok('send_stdin', { id: run.id, text: 'hello' });
    const end = await server().exited(run.id);
    expect(end.tail).toMatch(/^\w+ \d hello\s*$/);
    expect(end).toMatchObject({ status: 'completed', exit_code: 0, cause: 'self' });
  });

  it('refuses a language it does not know and names those it does', async () => {
    const answer = await server().call('run_background', { code: 'x', language: 'cobol' });
    expect(answer).toBeRefused('INVALID_ARGUMENT', /cobol[\s\S]*python/);
  });

  it('says how to get an interpreter that is missing', async () => {
    const answer = await server().call('run_background', {
      code: 'puts 1',
      language: 'ruby',
      env: { PATH: directory },
    });
    expect(answer).toBeRefused('SPAWN_FAILED', /ruby/);
  });
});

describe('a name that is taken', () => {
  const server = useServer();

  it('is refused while live, and the running process is left alone', async () => {
    const first = await server().run('sleep 300', { name: 'web' });
    const answer = await server().call('run_background', { command: 'sleep 301', name: 'web' });
    expect(answer).toBeRefused('NAME_IN_USE', new RegExp(`web[\\s\\S]*${first.pid}[\\s\\S]*if_running`));
    expect(await server().snapshot('web')).toMatchObject({ pid: first.pid, run: 1, status: 'running' });
  });

  it('is reused on request: the same process, said so', async () => {
    const first = await server().run('echo one; sleep 300', { name: 'web' });
    const again = await server().run('echo two; sleep 300', { name: 'web', if_running: 'reuse' });
    expect(again).toMatchObject({ pid: first.pid, run: 1, reused: true });
    const { text } = await server().output('web');
    expect(text).not.toContain('two');
  });

  it('is replaced on request: the old tree gone, the next run under the same id', async () => {
    const first = await server().run('echo one; sleep 300 & sleep 300', { name: 'web' });
    const next = await server().run('echo two; sleep 300', { name: 'web', if_running: 'replace' });
    expect(first.pid).toBeGone();
    expect(next).toMatchObject({ id: 'web', run: 2, status: 'running' });
    expect(next.pid).not.toBe(first.pid);
  });

  it('is free, and its record can be forgotten, as soon as the end was told', async () => {
    for (let run = 1; run <= 15; run++) {
      expect(await server().run('sleep 0.01; yes | head -n 1', { name: 'job' })).toMatchObject({ run });
      await server().exited('job');
    }
    expect(await server().ok('remove_process', { id: 'job' })).toEqual({ removed: ['job'] });
  });

  it('goes on as the next run once ended; cursors stay valid and reads begin at the current run', async () => {
    await server().run('echo first run', { name: 'job' });
    await server().exited('job');
    const { next } = await server().output('job');
    const again = await server().run('echo second run; sleep 300', { name: 'job' });
    expect(again.run).toBe(2);
    await server().ok('wait_for_log', { id: 'job', pattern: 'second run' });
    const current = await server().output('job');
    expect(current.header).toContain('run 2');
    expect(current.text).toContain('second run');
    expect(current.text).not.toContain('first run');
    expect((await server().output('job', { since: next })).text).toContain('second run');
    const whole = await server().output('job', { since: 0 });
    expect(whole.text).toMatch(/first run[\s\S]*run 2[\s\S]*second run/);
    // A wait begins at the current run as well.
    const wait = await server().ok('wait_for_log', { id: 'job', pattern: 'first run', timeout_ms: 200 });
    expect(wait.outcome).toBe('timeout');
    const back = await server().ok('wait_for_log', {
      id: 'job',
      pattern: 'first run',
      since: 0,
      timeout_ms: 200,
    });
    expect(back.outcome).toBe('matched');
  });
});

describe('run_background with wait_for', () => {
  const server = useServer();
  const serve =
    'require("http").createServer((q, r) => r.end("ok")).listen(0, "127.0.0.1", function () { console.log("listening on", this.address().port) })';

  it('ends on the log line, with its groups', async () => {
    const { wait, status } = await server().run('echo booting; sleep 0.2; echo "ready in 42 ms"; sleep 300', {
      wait_for: { log: 'ready in (?<ms>\\d+)', timeout_ms: 5000 },
    });
    expect(status).toBe('running');
    expect(wait).toMatchObject({
      by: 'log',
      outcome: 'matched',
      line: 'ready in 42 ms',
      named: { ms: '42' },
    });
    expect(wait?.cursor).toBe('booting\nready in 42 ms\n'.length);
  });

  it('ends on the failure line', async () => {
    const { wait } = await server().run('echo "error: port taken" >&2; sleep 300', {
      wait_for: { log: 'ready', failure_log: '(?i)ERROR', timeout_ms: 5000 },
    });
    expect(wait).toMatchObject({
      by: 'failure_log',
      outcome: 'failed',
      line: 'error: port taken',
      stream: 'stderr',
    });
  });

  it('ends on whichever port it opens first', async () => {
    const run = await server().run('node', {
      args: ['-e', serve],
      wait_for: { port: true, timeout_ms: 10_000 },
    });
    // The port is seen before the program comes to say so.
    const { groups } = await server().ok('wait_for_log', { id: run.id, pattern: 'listening on (\\d+)' });
    const port = Number(groups?.[0]);
    expect(run.wait).toMatchObject({ by: 'port', outcome: 'ready', port, url: `http://127.0.0.1:${port}/` });
  });

  it('ends when HTTP answers on the path', async () => {
    const { wait } = await server().run('node', {
      args: ['-e', serve],
      wait_for: { port: true, http_path: '/health', timeout_ms: 10_000 },
    });
    expect(wait).toMatchObject({ by: 'port', outcome: 'ready', http_status: 200 });
    expect(wait?.url).toMatch(/\/health$/);
  });

  it('ends at its exit', async () => {
    const run = await server().run('sleep 0.2; echo done', { wait_for: { exit: true, timeout_ms: 5000 } });
    expect(run).toMatchObject({
      status: 'completed',
      exit_code: 0,
      wait: { by: 'exit', outcome: 'exited', exit_code: 0 },
    });
    expect(run.wait?.tail).toContain('done');
  });

  it('ends after silence', async () => {
    const run = await server().run('echo one; sleep 0.2; echo two; sleep 300', {
      wait_for: { idle_ms: 600, timeout_ms: 5000 },
    });
    expect(run.wait).toMatchObject({ by: 'idle', outcome: 'idle' });
    expect(run.wait?.tail).toMatch(/one\ntwo/);
    expect(run.wait?.waited_ms).toBeGreaterThanOrEqual(600);
  });

  it('ends at the time-out, and says how long it waited', async () => {
    const run = await server().run('echo hello; sleep 300', { wait_for: { log: 'never', timeout_ms: 250 } });
    expect(run.status).toBe('running');
    expect(run.wait).toMatchObject({ by: 'timeout', outcome: 'timeout' });
    expect(run.wait?.waited_ms).toBeGreaterThanOrEqual(245);
    expect(run.wait?.waited_ms).toBeLessThan(1500);
    expect(run.wait?.tail).toContain('hello');
  });

  it('ends when the process ends before any of it', async () => {
    const run = await server().run('sleep 0.1; echo "no luck" >&2; exit 9', {
      wait_for: { log: 'ready', port: 1, timeout_ms: 10_000 },
    });
    expect(run).toMatchObject({
      status: 'failed',
      exit_code: 9,
      wait: { by: 'exit', outcome: 'exited', exit_code: 9 },
    });
    expect(run.wait?.tail).toContain('no luck');
  });

  it('ends at a prompt instead of waiting for what cannot come', async () => {
    const run = await server().run('printf "Proceed? [y/N] "; read -r answer', {
      wait_for: { log: 'done', timeout_ms: 10_000 },
    });
    expect(run.wait).toMatchObject({ by: 'awaiting_input', outcome: 'awaiting_input' });
    expect(run.wait?.tail).toContain('Proceed? [y/N]');
  });

  it('starts nothing when the condition cannot be waited for', async () => {
    const command = `touch ${join(directory, 'started')}`;
    const bad = await server().call('run_background', { command, wait_for: { log: '(?=x)' } });
    expect(bad).toBeRefused('INVALID_PATTERN');
    const path = await server().call('run_background', { command, wait_for: { http_path: '/' } });
    expect(path).toBeRefused('INVALID_ARGUMENT', /http_path[\s\S]*port/);
    expect((await server().ok('list_processes')).processes).toEqual([]);
  });
});

describe('what cannot start', () => {
  const server = useServer();

  it('names a program that is not on PATH, in direct form', async () => {
    const answer = await server().call('run_background', { command: 'nosuchprogram', args: ['-x'] });
    expect(answer).toBeRefused('SPAWN_FAILED', /nosuchprogram[\s\S]*PATH/);
  });

  it('names a file that is not executable', async () => {
    const file = join(directory, 'plain.txt');
    writeFileSync(file, 'text');
    const answer = await server().call('run_background', { command: file, args: [] });
    expect(answer).toBeRefused('PERMISSION_DENIED', /plain\.txt[\s\S]*EACCES/);
  });

  it('names a working directory that is missing or no directory', async () => {
    const missing = await server().call('run_background', {
      command: 'true',
      cwd: join(directory, 'nowhere'),
    });
    expect(missing).toBeRefused('SPAWN_FAILED', /nowhere[\s\S]*ENOENT/);
    const file = join(directory, 'file.txt');
    writeFileSync(file, 'text');
    expect(await server().call('run_background', { command: 'true', cwd: file })).toBeRefused(
      'SPAWN_FAILED',
      /ENOTDIR/,
    );
  });

  it('explains arguments that are too long for the system', async () => {
    const answer = await server().call('run_background', {
      command: 'true',
      args: Array<string>(40).fill('x'.repeat(99_000)),
    });
    expect(answer).toBeRefused('SPAWN_FAILED', /E2BIG/);
  });
});

describe('limits set by flags', () => {
  it('refuses beyond the number of live processes, naming those alive', async () => {
    const server = await TestServer.start({ flags: ['--max-processes', '2'] });
    await server.run('sleep 300', { name: 'one' });
    await server.run('sleep 300', { name: 'two' });
    const answer = await server.call('run_background', { command: 'sleep 300' });
    expect(answer).toBeRefused('LIMIT_REACHED', /one, two[\s\S]*/);
    await server.ok('kill_process', { id: 'one' });
    await server.run('sleep 300');
    await server.close();
  });

  it('keeps working directories inside the roots', async () => {
    const server = await TestServer.start({ flags: ['--root', directory] });
    const answer = await server.call('run_background', { command: 'true', cwd: '/' });
    expect(answer).toBeRefused('PERMISSION_DENIED', new RegExp(directory));
    expect(await server.run('pwd')).toMatchObject({ cwd: directory });
    await server.close();
  });

  it('remembers only so many ended processes', async () => {
    const server = await TestServer.start({ flags: ['--keep-ended', '2'] });
    for (const name of ['a', 'b', 'c']) {
      await server.run('true', { name });
      await server.exited(name);
    }
    await until('the oldest is forgotten', async () => {
      const { processes } = await server.ok('list_processes');
      return processes.map(({ id }) => id).join() === 'b,c';
    });
    await server.close();
  });
});
