import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { useServer } from '../helpers/start-server.ts';

/** What an answer may take by default: 16,000 bytes of output and the facts around it. */
const ANSWER_BYTES = 20_000;

describe('answers are bounded', () => {
  const server = useServer();

  it('in a matched line and its groups', async () => {
    const { id } = await server().run(`head -c 300000 /dev/zero | tr '\\0' x; echo MARK; sleep 300`);
    for (const pattern of ['^x', 'MARK', '(x{100}x*)(?<mark>MARK)']) {
      const answer = await server().call('wait_for_log', { id, pattern });
      expect(answer.structured).toMatchObject({ outcome: 'matched' });
      expect(Buffer.byteLength(answer.text)).toBeLessThan(ANSWER_BYTES);
      expect(JSON.stringify(answer.structured).length).toBeLessThan(ANSWER_BYTES);
      expect(answer.text).toMatch(/\(\d+ characters\)/);
    }
  });

  it('below what makes a client drop the connection, even for control characters', async () => {
    const { id } = await server().run(`head -c 4194304 /dev/zero | tr '\\0' '\\001'`);
    await server().exited(id);
    const { next } = await server().output(id, { since: 0, raw: true, max_bytes: 1024 * 1024 });
    expect(next).toBeGreaterThan(900_000);
    expect(next).toBeLessThanOrEqual(1024 * 1024);
    expect(await server().call('get_output', { id, raw: true, max_bytes: 4_194_304 })).toBeRefused(
      'INVALID_ARGUMENT',
      /max_bytes[\s\S]*at most/,
    );
  });

  it('in a list of many, and in the kill of them all', async () => {
    const names = Array.from({ length: 64 }, (_, n) => `p${n}`);
    const command = `sleep 300 # ${'long '.repeat(100)}`;
    await Promise.all(names.map((name) => server().run(command, { name })));
    expect(await server().call('run_background', { command: 'true' })).toBeRefused('LIMIT_REACHED', /64/);
    const list = await server().call('list_processes');
    expect(Buffer.byteLength(list.text)).toBeLessThan(ANSWER_BYTES);
    for (const name of names) expect(list.text).toMatch(new RegExp(`^${name} `, 'm'));
    const kill = await server().call('kill_process', { all: true });
    expect(Buffer.byteLength(kill.text)).toBeLessThan(ANSWER_BYTES);
    expect((kill.structured as { processes: unknown[] }).processes).toHaveLength(64);
  });

  it('in the kill of a large tree, which is quick and complete', async () => {
    const { id } = await server().run('for i in $(seq 300); do sleep 300 & done; echo ready; wait', {
      wait_for: { log: 'ready', timeout_ms: 20_000 },
    });
    const kill = await server().call('kill_process', { id });
    expect(kill.text).toMatch(/301 killed: .* and 281 more/);
    expect(Buffer.byteLength(kill.text)).toBeLessThan(2000);
    await server().proveEmpty();
  });

  it('in the reply to what was sent', async () => {
    const { id } = await server().run('read -r x; seq 1 50000; read -r y');
    const answer = await server().call('send_stdin', { id, text: 'x', wait_for: { log: '50000' } });
    expect(Buffer.byteLength(answer.text)).toBeLessThan(ANSWER_BYTES);
    expect(answer.text).toMatch(/left out/);
    // The cursor leads to the rest, with nothing skipped.
    const { cursor, output } = answer.structured as { cursor: number; output: string };
    expect(cursor).toBe(Buffer.byteLength(output));
  });
});

describe('many at once', () => {
  const server = useServer();

  it('gives a name to one of those who ask for it at the same time', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => server().call('run_background', { command: 'sleep 300', name: 'one' })),
    );
    const [first, ...others] = answers.sort((a, b) => Number(a.isError) - Number(b.isError));
    expect(first?.isError).toBe(false);
    for (const other of others) expect(other).toBeRefused('NAME_IN_USE');
    expect((await server().ok('list_processes')).processes).toHaveLength(1);
  });

  it('stays prompt while four processes flood', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await server().run('yes', { name });
    const times: number[] = [];
    for (let call = 0; call < 30; call++) {
      const begun = performance.now();
      await server().call('get_output', { id: 'a', tail: 1 });
      times.push(performance.now() - begun);
    }
    expect(times.sort((a, b) => a - b)[15]).toBeLessThan(100);
    const begun = performance.now();
    await server().ok('kill_process', { all: true });
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  it('tells each process of a list once', async () => {
    await server().run('sleep 300', { name: 'a' });
    expect((await server().ok('list_processes', { ids: ['a', 'a'] })).processes).toHaveLength(1);
  });
});

function parentOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

describe('the loss of a supervisor', () => {
  const server = useServer();

  it('ends its whole tree, tells the end, and leaves other processes alone', async () => {
    const run = await server().run('setsid sleep 300 & (sleep 300 &); sleep 300 & echo ready; wait', {
      wait_for: { log: 'ready', timeout_ms: 10_000 },
    });
    const other = await server().run('sleep 300', { name: 'other' });
    const waiting = server().ok('wait_for_exit', { id: run.id });
    process.kill(parentOf(run.pid ?? 0), 'SIGKILL');
    expect(await waiting).toMatchObject({
      outcome: 'exited',
      processes: [{ status: 'killed', cause: 'external' }],
    });
    const { processes } = await server().ok('kill_process', { id: run.id });
    expect(processes).toMatchObject([{ survivors: [] }]);
    expect(await server().snapshot('other')).toMatchObject({ pid: other.pid, status: 'running' });
    expect((await server().run('echo still serving')).tail).toContain('still serving');
  });
});

describe('without the native supervisor', () => {
  const server = useServer({ env: { PROCTOR_SHIM: '/nonexistent', PROCTOR_LOG_LEVEL: 'silent' } });

  it('says what that costs, and still ends trees', async () => {
    const run = await server().run('setsid sleep 300 & (sleep 300 &); sleep 300 & echo ready; wait', {
      wait_for: { log: 'ready', timeout_ms: 10_000 },
    });
    const list = await server().call('list_processes');
    expect(list.text).toMatch(/^warning: .*supervisor/m);
    const { processes } = await server().ok('kill_process', { id: run.id });
    expect(processes).toMatchObject([{ status: 'killed', cause: 'kill_process', survivors: [] }]);
    expect(run.pid).toBeGone();
  });

  it('runs a shell line without the start-up files of the user', async () => {
    const home = mkdtempSync(join(tmpdir(), 'proctor-home-'));
    writeFileSync(join(home, '.bashrc'), 'echo from bashrc\n');
    const { id } = await server().run('echo from the line', { env: { HOME: home } });
    expect((await server().exited(id)).tail.trim()).toBe('from the line');
    rmSync(home, { recursive: true });
  });

  it('tells of an early end, and loses no output of a short life', { retry: 2 }, async () => {
    expect(await server().run('nosuchprogram')).toMatchObject({ status: 'failed', exit_code: 127 });
    for (let round = 0; round < 10; round++) {
      const { id } = await server().run(`echo out${round}; echo err${round} >&2`);
      const { tail } = await server().exited(id);
      expect(tail).toContain(`out${round}`);
      expect(tail).toContain(`err${round}`);
    }
  });

  it('counts only what stdin took', async () => {
    const { id } = await server().run('sleep 300');
    const sent = await server().ok('send_stdin', { id, text: 'x'.repeat(900_000) });
    expect(sent.accepted_bytes).toBeLessThan(sent.total_bytes);
  });

  it('is not held up by a descendant that keeps the pipe', async () => {
    const { id } = await server().run('sleep 300 & echo done');
    expect(await server().exited(id)).toMatchObject({ status: 'completed' });
    expect((await server().snapshot(id)).descendants).toMatchObject([{ command: 'sleep 300' }]);
  });
});
