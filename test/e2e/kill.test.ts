import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isAlive } from '../helpers/alive.ts';
import { RawServer } from '../helpers/raw-server.ts';
import type { TestServer } from '../helpers/start-server.ts';
import { CLIENTS, fixtures, useServer } from '../helpers/start-server.ts';
import { until } from '../helpers/until.ts';

/** Starts this line and waits until it has printed "ready". */
async function ready(server: TestServer, line: string, name: string): Promise<number> {
  const run = await server.run(line, { name, wait_for: { log: 'ready', timeout_ms: 10_000 } });
  expect(run.wait?.outcome).toBe('matched');
  return run.pid ?? 0;
}

it('is no cause of an end that came before it, though the server learns of both at once', async () => {
  const server = new RawServer();
  await server.initialize();
  const place = mkdtempSync(join(tmpdir(), 'late-kill-'));
  try {
    for (const [i, args] of [{}, { signal: 'SIGKILL' }, { signal: 'SIGUSR1' }].entries()) {
      const gate = join(place, `${i}`);
      const { id, pid } = await server.run(`while [ ! -e ${gate} ]; do sleep 0.01; done; exit 3`, {
        name: `late-${i}`,
      });
      server.child.kill('SIGSTOP');
      const killing = server.call('kill_process', { id, ...args });
      writeFileSync(gate, '');
      await until('its supervisor knows', () => !existsSync(`/proc/${pid}`));
      server.child.kill('SIGCONT');
      const exit = { status: 'failed', cause: 'self', exit_code: 3 };
      await killing;
      const { result } = await server.call('wait_for_exit', { id });
      expect(result?.structuredContent).toMatchObject({ processes: [{ id, ...exit }] });
    }
  } finally {
    server.child.kill('SIGCONT');
    server.child.stdin.end();
    await server.ended;
    rmSync(place, { recursive: true });
  }
});

describe.each(CLIENTS)('kill_process, client %s', (client) => {
  const server = useServer({ client });

  it('answers when the whole tree is gone, grandchildren and all', async () => {
    const pid = await ready(
      server(),
      'sleep 300 & bash -c "sleep 300 & sleep 300; true" & (setsid sleep 300 &) ; echo ready; wait',
      'tree',
    );
    const members = await until('the tree has grown', async () => {
      const { descendants = [] } = await server().snapshot('tree');
      return descendants.filter(({ command }) => command === 'sleep 300').length === 4 && descendants;
    });
    const begun = performance.now();
    const answer = await server().call('kill_process', { id: 'tree' });
    // Looked at in the same turn as the answer: gone means gone.
    for (const member of [pid, ...members.map((each) => each.pid)]) expect(member).toBeGone();
    expect(performance.now() - begun).toBeLessThan(2000);
    expect(answer.structured).toMatchObject({
      processes: [{ id: 'tree', status: 'killed', cause: 'kill_process', survivors: [] }],
    });
    const { processes } = answer.structured as { processes: [{ killed: number[] }] };
    for (const member of [pid, ...members.map((each) => each.pid)]) {
      expect(processes[0].killed).toContain(member);
      expect(answer.text).toContain(`${member}`);
    }
  });

  it('gives the grace it is told to a program that ignores SIGTERM, then SIGKILLs it', async () => {
    const pid = await ready(server(), join(fixtures, 'ignore-sigterm.sh'), 'stubborn');
    const { processes } = await server().ok('kill_process', { id: 'stubborn', grace_ms: 400 });
    expect(pid).toBeGone();
    expect(processes).toMatchObject([
      { status: 'killed', signal: 'SIGKILL', cause: 'kill_process', survivors: [] },
    ]);
    expect(processes[0]?.waited_ms).toBeGreaterThanOrEqual(395);
    expect(processes[0]?.waited_ms).toBeLessThan(1500);
  });

  it('lets a program end in its own way within the grace', async () => {
    await ready(
      server(),
      `trap 'echo cleaned up; exit 0' TERM; echo ready; while :; do sleep 0.05; done`,
      'polite',
    );
    const { processes } = await server().ok('kill_process', { id: 'polite' });
    expect(processes).toMatchObject([{ status: 'killed', exit_code: 0, cause: 'kill_process' }]);
    expect(processes[0]?.tail).toContain('cleaned up');
  });

  it('is no error for what has ended already', async () => {
    await server().run('exit 3', { name: 'done' });
    await server().exited('done');
    const { processes } = await server().ok('kill_process', { id: 'done' });
    expect(processes).toMatchObject([
      { id: 'done', status: 'failed', exit_code: 3, cause: 'self', killed: [], survivors: [] },
    ]);
  });
});

describe('kill_process', () => {
  const server = useServer();

  it('sends the signal it is told to', async () => {
    await ready(server(), `trap 'echo got INT; exit 9' INT; echo ready; while :; do sleep 0.05; done`, 'int');
    const { processes } = await server().ok('kill_process', { id: 'int', signal: 'SIGINT' });
    expect(processes).toMatchObject([{ exit_code: 9, cause: 'kill_process' }]);
    await ready(server(), 'echo ready; sleep 300', 'kill');
    const hard = await server().ok('kill_process', { id: 'kill', signal: 'SIGKILL' });
    expect(hard.processes).toMatchObject([{ signal: 'SIGKILL', status: 'killed' }]);
    expect(hard.processes[0]?.waited_ms).toBeLessThan(1000);
  });

  it('only delivers any other signal', async () => {
    const pid = await ready(
      server(),
      `trap 'echo reloaded' HUP USR1; echo ready; while :; do sleep 0.05; done`,
      'daemon',
    );
    for (const signal of ['SIGHUP', 'USR1']) {
      const { next } = await server().output('daemon');
      const { processes } = await server().ok('kill_process', { id: 'daemon', signal });
      expect(processes).toMatchObject([{ id: 'daemon', status: 'running', killed: [], survivors: [] }]);
      expect(
        (await server().ok('wait_for_log', { id: 'daemon', pattern: 'reloaded', since: next })).outcome,
      ).toBe('matched');
    }
    expect(await server().snapshot('daemon')).toMatchObject({ pid, status: 'running' });
    expect(await server().call('kill_process', { id: 'daemon', signal: 'SIGWHAT' })).toBeRefused(
      'INVALID_ARGUMENT',
      /SIGWHAT[\s\S]*SIGTERM/,
    );
  });

  it('ends a stopped process', async () => {
    const pid = await ready(server(), 'echo ready; sleep 300', 'stopped');
    await server().ok('kill_process', { id: 'stopped', signal: 'SIGSTOP' });
    const { processes } = await server().ok('kill_process', { id: 'stopped', grace_ms: 2000 });
    expect(pid).toBeGone();
    expect(processes).toMatchObject([{ survivors: [] }]);
  });

  it('ends several, and all', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await server().run('sleep 300', { name });
    const two = await server().ok('kill_process', { ids: ['a', 'b'] });
    expect(two.processes.map(({ id }) => id)).toEqual(['a', 'b']);
    const rest = await server().ok('kill_process', { all: true });
    expect(rest.processes.map(({ id }) => id).sort()).toEqual(['c', 'd']);
    const none = await server().call('kill_process', { all: true });
    expect(none).toMatchObject({ isError: false, structured: { processes: [] } });
    expect((await server().ok('list_processes', { status: 'live' })).processes).toEqual([]);
  });

  it('ends descendants that have outlived their leader: orphans and daemons', async () => {
    const orphan = await server().run(join(fixtures, 'orphan-grandchild.sh'), { args: ['300'] });
    const daemon = await server().run('python3', {
      args: [join(fixtures, 'daemonize.py'), '--clear-env', '300'],
    });
    const pids: number[] = [];
    for (const { id } of [orphan, daemon]) {
      expect(await server().exited(id)).toMatchObject({ status: 'completed', exit_code: 0, cause: 'self' });
      const pid = Number((await server().output(id)).text.trim());
      expect(isAlive(pid)).toBe(true);
      const snapshot = await server().snapshot(id);
      expect(snapshot.status).toBe('completed');
      expect(snapshot.descendants?.map((member) => member.pid)).toEqual([pid]);
      pids.push(pid);
    }
    const { processes } = await server().ok('kill_process', { ids: [orphan.id, daemon.id] });
    expect(processes.map(({ killed }) => killed)).toEqual(pids.map((pid) => [pid]));
    for (const pid of pids) expect(pid).toBeGone();
    // How the leader ended stays the truth.
    expect(await server().snapshot(orphan.id)).toMatchObject({
      status: 'completed',
      exit_code: 0,
      cause: 'self',
    });
  });

  it('touches nothing it did not start', async () => {
    const bystander = spawn('sleep', ['300']);
    await server().run('sleep 300');
    await server().ok('kill_process', { all: true });
    expect(isAlive(bystander.pid ?? 0)).toBe(true);
    bystander.kill('SIGKILL');
    await until('the bystander is gone', () => !isAlive(bystander.pid ?? 0));
  });

  it('hurries a kill under way when asked again with less grace', async () => {
    await ready(server(), join(fixtures, 'ignore-sigterm.sh'), 'stubborn');
    const slow = server().ok('kill_process', { id: 'stubborn', grace_ms: 10_000 });
    const begun = performance.now();
    await server().ok('kill_process', { id: 'stubborn', grace_ms: 0 });
    expect((await slow).processes).toMatchObject([{ survivors: [] }]);
    expect(performance.now() - begun).toBeLessThan(2000);
  });

  it('selects exactly one way', async () => {
    expect(await server().call('kill_process', {})).toBeRefused('INVALID_ARGUMENT', /id, ids, all/);
    expect(await server().call('kill_process', { id: 'a', all: true })).toBeRefused(
      'INVALID_ARGUMENT',
      /id[\s\S]*all/,
    );
  });
});

describe('restart_process', () => {
  const server = useServer();

  it('starts the same again as the next run, with the old tree gone', async () => {
    const first = await server().run('echo "started $X in $PWD"; sleep 300 & wait', {
      name: 'web',
      cwd: fixtures,
      env: { X: 'y' },
    });
    await server().ok('wait_for_log', { id: 'web', pattern: 'started' });
    const { descendants = [] } = await server().snapshot('web');
    const again = await server().ok('restart_process', { id: 'web', wait_for: { log: 'started' } });
    expect(first.pid).toBeGone();
    for (const { pid } of descendants) expect(pid).toBeGone();
    expect(again).toMatchObject({
      id: 'web',
      run: 2,
      status: 'running',
      command: first.command,
      cwd: fixtures,
    });
    expect(again.wait).toMatchObject({ by: 'log', line: `started y in ${fixtures}` });
    expect(again.pid).not.toBe(first.pid);
    const both = await server().output('web', { since: 0 });
    expect(both.text.match(/started y/g)).toHaveLength(2);
  });

  it('starts what has ended, and tells of an end at once', { retry: 2 }, async () => {
    await server().run('echo failing; exit 6', { name: 'job' });
    const again = await server().ok('restart_process', { id: 'job' });
    expect(again).toMatchObject({ run: 2, status: 'failed', exit_code: 6 });
    expect(again.tail).toContain('failing');
  });
});

describe('remove_process', () => {
  const server = useServer();

  it('forgets ended records only', async () => {
    for (const name of ['a', 'b', 'c']) await server().run('true', { name });
    await server().run('sleep 300', { name: 'live' });
    await server().ok('wait_for_exit', { ids: ['a', 'b', 'c'] });
    expect(await server().ok('remove_process', { id: 'a' })).toEqual({ removed: ['a'] });
    expect(await server().call('get_output', { id: 'a' })).toBeRefused('PROCESS_NOT_FOUND');
    expect(await server().call('remove_process', { id: 'live' })).toBeRefused(
      'INVALID_ARGUMENT',
      /kill_process/,
    );
    expect((await server().ok('remove_process', { all_ended: true })).removed.sort()).toEqual(['b', 'c']);
    expect((await server().ok('list_processes')).processes.map(({ id }) => id)).toEqual(['live']);
    // A forgotten name begins anew.
    expect(await server().run('true', { name: 'a' })).toMatchObject({ run: 1 });
  });

  it('does not forget what still has living descendants', async () => {
    const { id } = await server().run('sleep 300 & exit');
    expect(await server().call('remove_process', { id })).toBeRefused('INVALID_ARGUMENT', /descendants/);
    await server().ok('remove_process', { all_ended: true });
    expect((await server().snapshot(id)).descendants).toHaveLength(1);
  });
});

describe('list_processes', () => {
  const server = useServer();

  it('filters by status and ids', async () => {
    await server().run('exit 0', { name: 'fine' });
    await server().run('exit 1', { name: 'bad' });
    await server().run('sleep 300', { name: 'up' });
    await server().run('sleep 300', { name: 'shot' });
    await server().ok('kill_process', { id: 'shot' });
    await server().ok('wait_for_exit', { ids: ['fine', 'bad'] });
    const listed = async (args: Record<string, unknown>): Promise<string[]> =>
      (await server().ok('list_processes', args)).processes.map(({ id }) => id).sort();
    expect(await listed({})).toEqual(['bad', 'fine', 'shot', 'up']);
    expect(await listed({ status: 'all' })).toEqual(['bad', 'fine', 'shot', 'up']);
    expect(await listed({ status: 'live' })).toEqual(['up']);
    expect(await listed({ status: 'ended' })).toEqual(['bad', 'fine', 'shot']);
    expect(await listed({ status: 'completed' })).toEqual(['fine']);
    expect(await listed({ status: 'failed' })).toEqual(['bad']);
    expect(await listed({ status: 'killed' })).toEqual(['shot']);
    expect(await listed({ ids: ['up', 'bad'] })).toEqual(['bad', 'up']);
    expect(await listed({ ids: ['up', 'bad'], status: 'live' })).toEqual(['up']);
    expect(await server().call('list_processes', { ids: ['gone'] })).toBeRefused(
      'PROCESS_NOT_FOUND',
      /gone[\s\S]*up/,
    );
  });

  it('tells the facts of a process, in both forms', async () => {
    const { pid } = await server().run('echo one; echo two; cat', { name: 'facts' });
    await until('it waits for input', async () => (await server().snapshot('facts')).awaiting_input);
    const answer = await server().call('list_processes');
    expect(answer.structured).toMatchObject({
      processes: [
        {
          id: 'facts',
          run: 1,
          pid,
          status: 'running',
          command: 'echo one; echo two; cat',
          ports: [],
          awaiting_input: true,
          output: { bytes: 8, lines: 2, dropped_bytes: 0, last_line: 'two' },
        },
      ],
    });
    const [facts] = (answer.structured as { processes: { memory_bytes: number; uptime_ms: number }[] })
      .processes;
    expect(facts?.memory_bytes).toBeGreaterThan(100_000);
    expect(facts?.uptime_ms).toBeGreaterThan(0);
    for (const fact of ['facts', `${pid}`, 'running', 'two', 'awaiting_input', '8'])
      expect(answer.text).toContain(fact);
  });

  it('measures CPU', async () => {
    await server().run('while :; do :; done', { name: 'busy' });
    await server().snapshot('busy');
    await until('the loop shows', async () => (await server().snapshot('busy')).cpu_percent > 20);
  });
});
