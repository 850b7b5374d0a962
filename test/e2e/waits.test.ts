import { describe, expect, it } from 'vitest';
import { isAlive } from '../helpers/alive.ts';
import { CLIENTS, TestServer, useServer } from '../helpers/start-server.ts';
import { until } from '../helpers/until.ts';

describe.each(CLIENTS)('wait_for_log, client %s', (client) => {
  const server = useServer({ client });

  it('matches what was printed before the wait began', async () => {
    const { id } = await server().run('echo one; echo two; sleep 300');
    await server().ok('wait_for_log', { id, pattern: 'two' });
    const wait = await server().ok('wait_for_log', { id, pattern: '^o(n)(?<last>.)$' });
    expect(wait).toMatchObject({
      outcome: 'matched',
      line: 'one',
      groups: ['n', 'e'],
      named: { last: 'e' },
      stream: 'stdout',
      cursor: 4,
      status: 'running',
    });
    expect(wait.waited_ms).toBeLessThan(200);
  });

  it('matches what is printed later, at once when it comes', async () => {
    const { id } = await server().run('sleep 0.4; echo late; sleep 300');
    const begun = performance.now();
    const wait = await server().ok('wait_for_log', { id, pattern: 'late' });
    expect(wait).toMatchObject({ outcome: 'matched', line: 'late', cursor: 5 });
    expect(performance.now() - begun).toBeLessThan(1500);
  });

  it('matches a prompt with no newline', async () => {
    const { id } = await server().run('printf "Password: "; sleep 300');
    const wait = await server().ok('wait_for_log', { id, pattern: 'Password: $' });
    expect(wait).toMatchObject({ outcome: 'matched', line: 'Password: ', cursor: 10 });
  });

  it('ends with the process, telling its exit and last lines', async () => {
    const { id } = await server().run('sleep 0.3; echo out; echo err >&2; exit 4');
    const answer = await server().call('wait_for_log', { id, pattern: 'ready' });
    expect(answer.structured).toMatchObject({
      outcome: 'exited',
      status: 'failed',
      exit_code: 4,
      cause: 'self',
    });
    for (const fact of ['exited', 'failed', '4', 'out', 'err']) expect(answer.text).toContain(fact);
    // Waiting on what has ended already is answered at once.
    const again = await server().ok('wait_for_log', { id, pattern: 'ready' });
    expect(again.outcome).toBe('exited');
    expect(again.waited_ms).toBeLessThan(200);
  });

  it('times out as an outcome that says how to go on', async () => {
    const { id } = await server().run('echo hello; while :; do sleep 1; done');
    const answer = await server().call('wait_for_log', { id, pattern: 'ready', timeout_ms: 300 });
    expect(answer.isError).toBe(false);
    const { waited_ms, cursor } = answer.structured as { waited_ms: number; cursor: number };
    expect(answer.structured).toMatchObject({ outcome: 'timeout', status: 'running' });
    expect(waited_ms).toBeGreaterThanOrEqual(295);
    expect(waited_ms).toBeLessThan(1500);
    expect(answer.text).toContain(`since=${cursor}`);
    expect(answer.text).toContain('hello');
  });

  it('is cancelled without touching the process', async () => {
    const { id, pid } = await server().run('while :; do echo tick; sleep 0.05; done');
    const controller = new AbortController();
    const waiting = server().call('wait_for_log', { id, pattern: 'never' }, { signal: controller.signal });
    setTimeout(() => controller.abort(), 100);
    await expect(waiting).rejects.toThrow();
    const { next } = await server().output(id);
    const wait = await server().ok('wait_for_log', { id, pattern: 'tick', since: next });
    expect(wait.outcome).toBe('matched');
    expect(await server().snapshot(id)).toMatchObject({ pid, status: 'running' });
  });
});

describe('wait_for_log', () => {
  const server = useServer();

  it('begins where since says, or at the present with "now"', async () => {
    const { id } = await server().run('echo "build 1 ok"; read -r x; echo "build 2 ok"; sleep 300');
    const first = await server().ok('wait_for_log', { id, pattern: 'build \\d ok' });
    expect(first.line).toBe('build 1 ok');
    const after = server().ok('wait_for_log', { id, pattern: 'build \\d ok', since: first.cursor });
    const now = server().ok('wait_for_log', { id, pattern: 'build \\d ok', since: 'now' });
    await server().ok('send_stdin', { id, text: '' });
    expect((await after).line).toBe('build 2 ok');
    expect((await now).line).toBe('build 2 ok');
    const history = await server().ok('wait_for_log', { id, pattern: 'build \\d ok' });
    expect(history.line).toBe('build 1 ok');
  });

  it('looks at one stream when asked to', async () => {
    const { id } = await server().run('echo "marker on out"; sleep 0.1; echo "marker on err" >&2; sleep 300');
    const err = await server().ok('wait_for_log', { id, pattern: 'marker', stream: 'stderr' });
    expect(err).toMatchObject({ line: 'marker on err', stream: 'stderr' });
    const out = await server().ok('wait_for_log', { id, pattern: 'marker', stream: 'stdout' });
    expect(out).toMatchObject({ line: 'marker on out', stream: 'stdout' });
    const none = await server().ok('wait_for_log', {
      id,
      pattern: 'on out',
      stream: 'stderr',
      timeout_ms: 150,
    });
    expect(none.outcome).toBe('timeout');
  });

  it('ends as a failure on the failure pattern', async () => {
    const { id } = await server().run('sleep 0.2; echo "Error: EADDRINUSE" >&2; sleep 300');
    const wait = await server().ok('wait_for_log', {
      id,
      pattern: 'ready',
      failure_pattern: 'Error: (\\w+)',
    });
    expect(wait).toMatchObject({ outcome: 'failed', line: 'Error: EADDRINUSE', groups: ['EADDRINUSE'] });
    expect(wait.tail).toContain('EADDRINUSE');
  });

  it('ends early at a prompt, or stays when told to', async () => {
    const { id } = await server().run('printf "Overwrite? "; read -r x; echo "answer: $x"; sleep 300');
    const wait = await server().call('wait_for_log', { id, pattern: 'answer' });
    expect(wait.structured).toMatchObject({ outcome: 'awaiting_input' });
    expect(wait.text).toContain('Overwrite?');
    const { waited_ms } = wait.structured as { waited_ms: number };
    expect(waited_ms).toBeGreaterThanOrEqual(450);
    expect(waited_ms).toBeLessThan(3000);
    expect((await server().snapshot(id)).awaiting_input).toBe(true);
    const stays = await server().ok('wait_for_log', {
      id,
      pattern: 'answer',
      stop_at_prompt: false,
      timeout_ms: 900,
    });
    expect(stays.outcome).toBe('timeout');
    await server().ok('send_stdin', { id, text: 'yes' });
    expect((await server().ok('wait_for_log', { id, pattern: 'answer: yes' })).outcome).toBe('matched');
  });

  it('does not take a silent program for one that waits for input', async () => {
    const { id } = await server().run('sleep 300');
    const wait = await server().ok('wait_for_log', { id, pattern: 'x', timeout_ms: 1200 });
    expect(wait.outcome).toBe('timeout');
    expect((await server().snapshot(id)).awaiting_input).toBe(false);
  });

  it('lets two waits on one process and a kill go on at the same time', async () => {
    const { id, pid } = await server().run('sleep 300');
    const waits = [
      server().ok('wait_for_log', { id, pattern: 'a' }),
      server().ok('wait_for_log', { id, pattern: 'b' }),
    ];
    const exit = server().ok('wait_for_exit', { id });
    const begun = performance.now();
    const { processes } = await server().ok('kill_process', { id });
    expect(processes).toMatchObject([
      { id, status: 'killed', cause: 'kill_process', killed: [pid], survivors: [] },
    ]);
    for (const wait of waits) expect(await wait).toMatchObject({ outcome: 'exited', cause: 'kill_process' });
    expect(await exit).toMatchObject({ outcome: 'exited' });
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});

describe('patterns', () => {
  const server = useServer();

  it.each([
    ['verbatim punctuation', 'Server Ready (stderr) [ok]', 'Ready (stderr) [ok]'],
    ['case folding', 'SERVER READY', '(?i)server ready'],
    ['a class', 'took 118 ms', 'took \\d+ ms'],
    ['the P form of a named group', 'pid=77', 'pid=(?P<pid>\\d+)'],
    ['text beyond ASCII', 'fertig ✔ jetzt', 'fertig ✔'],
    ['a coloured line, by its plain text', '\\033[32mcompiled\\033[0m ok', '^compiled ok$'],
  ])('matches %s', async (_, printed, pattern) => {
    const { id } = await server().run(`printf '${printed}\\n'; sleep 300`);
    const wait = await server().call('wait_for_log', { id, pattern, timeout_ms: 3000 });
    expect(wait.structured, wait.text).toMatchObject({ outcome: 'matched' });
  });

  it.each([
    ['lookahead', 'a(?=b)', /look/i],
    ['negative lookahead', 'a(?!b)', /look/i],
    ['lookbehind', '(?<=a)b', /look/i],
    ['back-reference', '(a)\\1', /back-?reference/i],
    ['an open group', '(unclosed', /./],
    ['over-long', 'x'.repeat(20_000), /long|characters/i],
    ['a huge repetition', 'a{100000}', /./],
  ])('refuses %s, naming it', async (_, pattern, saying) => {
    const { id } = await server().run('sleep 300');
    expect(await server().call('wait_for_log', { id, pattern })).toBeRefused('INVALID_PATTERN', saying);
    expect(await server().call('wait_for_log', { id, pattern: 'x', failure_pattern: pattern })).toBeRefused(
      'INVALID_PATTERN',
    );
    expect(await server().call('get_output', { id, grep: pattern })).toBeRefused('INVALID_PATTERN');
    expect(await server().call('send_stdin', { id, text: 'x', wait_for: { log: pattern } })).toBeRefused(
      'INVALID_PATTERN',
    );
    expect(
      await server().call('run_background', { command: 'true', wait_for: { log: pattern } }),
    ).toBeRefused('INVALID_PATTERN');
  });

  it('is linear on what makes others explode', async () => {
    const { id } = await server().run(`head -c 60000 /dev/zero | tr '\\0' a; echo X; sleep 300`);
    await server().ok('wait_for_log', { id, pattern: 'X' });
    const begun = performance.now();
    const wait = await server().ok('wait_for_log', { id, pattern: '(a+)+$', timeout_ms: 400 });
    expect(wait.outcome).toBe('timeout');
    const pong = performance.now();
    await server().ok('list_processes');
    expect(performance.now() - pong).toBeLessThan(1000);
    expect(performance.now() - begun).toBeLessThan(3000);
  });
});

describe('wait_for_exit', () => {
  const server = useServer();

  it('waits for all, or for the first of them', async () => {
    await server().run('sleep 0.3; exit 1', { name: 'soon' });
    await server().run('sleep 0.8', { name: 'later' });
    await server().run('sleep 300', { name: 'never' });
    const any = await server().ok('wait_for_exit', { ids: ['soon', 'later', 'never'], mode: 'any' });
    expect(any.outcome).toBe('exited');
    expect(any.processes).toMatchObject([
      { id: 'soon', status: 'failed', exit_code: 1 },
      { id: 'later', status: 'running' },
      { id: 'never', status: 'running' },
    ]);
    const all = await server().ok('wait_for_exit', { ids: ['soon', 'later'] });
    expect(all).toMatchObject({ outcome: 'exited', processes: [{ exit_code: 1 }, { exit_code: 0 }] });
    const none = await server().call('wait_for_exit', { ids: ['later', 'never'], timeout_ms: 200 });
    expect(none.structured).toMatchObject({
      outcome: 'timeout',
      processes: [{ status: 'completed' }, { status: 'running' }],
    });
    expect(none.text).toContain('never');
  });

  it('tells the end as the system told it', async () => {
    await server().run('exit 7', { name: 'code' });
    await server().run('kill -SEGV $$', { name: 'crash' });
    await server().run('sleep 300', { name: 'outside' });
    process.kill((await server().snapshot('outside')).pid ?? 0, 'SIGTERM');
    const { processes } = await server().ok('wait_for_exit', { ids: ['code', 'crash', 'outside'] });
    expect(processes).toMatchObject([
      { status: 'failed', exit_code: 7, cause: 'self' },
      { status: 'killed', signal: 'SIGSEGV', cause: 'external' },
      { status: 'killed', signal: 'SIGTERM', cause: 'external' },
    ]);
    // 128 + n is an exit code like any other: nobody was killed.
    await server().run('exit 143', { name: 'looks-killed' });
    expect(await server().exited('looks-killed')).toMatchObject({
      status: 'failed',
      exit_code: 143,
      cause: 'self',
    });
  });

  it('is not held up by a descendant that keeps the pipe', async () => {
    const begun = performance.now();
    const { id } = await server().run('sleep 300 & echo leader done');
    const end = await server().exited(id);
    expect(end).toMatchObject({ status: 'completed', exit_code: 0 });
    expect(end.tail).toContain('leader done');
    expect((await server().ok('wait_for_log', { id, pattern: 'never' })).outcome).toBe('exited');
    expect(performance.now() - begun).toBeLessThan(3000);
    const { descendants } = await server().snapshot(id);
    expect(descendants).toMatchObject([{ command: 'sleep 300' }]);
    expect(isAlive(descendants?.[0]?.pid ?? 0)).toBe(true);
  });

  it('has the last words of both streams, complete to the last byte', async () => {
    await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const { id } = await server().run(`printf 'out-${n}-end'; printf 'err-${n}-end' >&2; exit ${n}`, {
          name: `quick${n}`,
        });
        const end = await server().exited(id);
        expect(end.tail).toContain(`out-${n}-end`);
        expect(end.tail).toContain(`err-${n}-end`);
      }),
    );
  });

  it('is cancelled without touching the process', async () => {
    const { id, pid } = await server().run('sleep 300');
    const controller = new AbortController();
    const waiting = server().call('wait_for_exit', { id }, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(waiting).rejects.toThrow();
    expect(await server().snapshot(id)).toMatchObject({ pid, status: 'running' });
  });
});

describe('the cap on waits', () => {
  it('cuts longer ones short and says so truthfully', async () => {
    const server = await TestServer.start({ flags: ['--wait-cap-ms', '300'] });
    const { id } = await server.run('sleep 300');
    for (const [tool, args] of [
      ['wait_for_log', { id, pattern: 'x', timeout_ms: 600_000 }],
      ['wait_for_log', { id, pattern: 'x' }],
      ['wait_for_exit', { id, timeout_ms: 600_000 }],
      ['wait_for_port', { port: 1, timeout_ms: 600_000 }],
    ] as const) {
      const answer = await server.ok(tool, args);
      expect(answer.outcome).toBe('timeout');
      expect(answer.waited_ms).toBeGreaterThanOrEqual(295);
      expect(answer.waited_ms).toBeLessThan(2000);
    }
    await server.close();
  });

  it('ends waits when the server ends', async () => {
    const server = await TestServer.start();
    const { id } = await server.run('sleep 300');
    const waiting = server.call('wait_for_exit', { id }).catch(() => 'disconnected');
    await until('the wait is under way', async () => (await server.snapshot(id)).status === 'running');
    process.kill(server.pid, 'SIGTERM');
    const answer = await waiting;
    if (typeof answer !== 'string') {
      expect(answer.structured).toMatchObject({ processes: [{ id, cause: 'shutdown' }] });
    }
    await server.close();
  });
});
