import { describe, expect, it } from 'vitest';
import type { ReadyOutcome } from '../../src/core/types.ts';
import { endedSnapshot, pageOf, snapshotOf } from '../helpers/fake-service.ts';
import { connect, connectV1, type Answer } from './connect.ts';

/** Facts that the text gives in units people read. */
const ROUNDED = new Set(['uptime_ms', 'memory_bytes']);

/** Every value of the structured form that the text does not show. */
function missingFacts({ structured, text }: Answer): string[] {
  const missing: string[] = [];
  const visit = (value: unknown, path: string): void => {
    if (Array.isArray(value)) value.forEach((item, index) => visit(item, `${path}.${index}`));
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) if (!ROUNDED.has(key)) visit(inner, `${path}.${key}`);
    if (typeof value === 'string' || (typeof value === 'number' && value !== 0)) {
      const shown = String(value).trim();
      if (!text.includes(shown)) missing.push(`${path} = ${shown}`);
    }
  };
  visit(structured, '');
  return missing;
}

const facts = {
  status: 'running' as const,
  waitedMs: 1500.4,
  tail: 'compiling\nstill compiling\n',
  cursor: 77,
};
const ended = {
  ...facts,
  status: 'failed' as const,
  exit: { code: 3, signal: null, cause: 'self' as const },
};

describe('both forms of an answer carry the same facts', () => {
  it('run_background, at once', async () => {
    const { call, service } = await connect();
    const answer = await call('run_background', { command: 'npm run dev', name: 'web' });
    expect(answer.structured).toEqual({
      id: 'web',
      run: 1,
      pid: 4242,
      status: 'running',
      command: 'npm run dev',
      cwd: '/srv/app',
      started_at: '2026-01-02T03:04:05.000Z',
    });
    expect(missingFacts(answer)).toEqual([]);
    expect(service.askedFor('run')[0]).toEqual({ command: 'npm run dev', name: 'web' });
  });

  it('run_background, of what died at once', async () => {
    const { call, service } = await connect();
    service.answers.run = () => ({ process: endedSnapshot(), reused: false, tail: 'sh: nmp: not found\n' });
    const answer = await call('run_background', { command: 'nmp start' });
    expect(answer.structured).toMatchObject({
      status: 'failed',
      exit_code: 2,
      cause: 'self',
      tail: 'sh: nmp: not found\n',
    });
    expect(answer.text).toContain('failed (exit_code 2, cause self)');
    expect(missingFacts(answer)).toEqual([]);
  });

  it('run_background, reused', async () => {
    const { call, service } = await connect();
    service.answers.run = () => ({ process: snapshotOf(), reused: true });
    const answer = await call('run_background', { command: 'x', name: 'web', if_running: 'reuse' });
    expect(answer.structured).toMatchObject({ reused: true });
    expect(answer.text).toMatch(/^web run 1 pid 4242 running; reused: it was live already$/m);
    expect(service.askedFor('run')[0]).toMatchObject({ ifRunning: 'reuse' });
    // Of a leader that has ended, its descendants are what is reused.
    service.answers.run = () => ({ process: endedSnapshot({ live: true }), reused: true });
    const daemon = await call('run_background', { command: 'x', name: 'build', if_running: 'reuse' });
    expect(daemon.text).not.toContain('running');
  });

  const readies: [string, ReadyOutcome][] = [
    [
      'log',
      {
        by: 'log',
        outcome: 'matched',
        ...facts,
        line: 'up',
        groups: ['u', null],
        named: {},
        stream: 'stderr',
      },
    ],
    [
      'failure_log',
      { by: 'failure_log', outcome: 'failed', ...facts, line: 'E1', groups: [], named: {}, stream: 'stdout' },
    ],
    [
      'port',
      {
        by: 'port',
        outcome: 'ready',
        port: 3,
        host: '::1',
        httpStatus: 204,
        url: 'http://[::1]:3/',
        waitedMs: 4,
      },
    ],
    ['exit', { by: 'exit', outcome: 'exited', ...ended }],
    ['idle', { by: 'idle', outcome: 'idle', ...facts }],
    ['timeout', { by: 'timeout', outcome: 'timeout', ...facts }],
    ['timeout', { by: 'timeout', outcome: 'timeout', port: 80, lastProbe: 'HTTP 404', ...facts }],
    ['awaiting_input', { by: 'awaiting_input', outcome: 'awaiting_input', ...facts, tail: 'Name? ' }],
  ];
  it.each(readies)('run_background and restart_process, with a wait that ended by %s', async (by, wait) => {
    const { call, service } = await connect();
    service.answers.run = () => ({ process: snapshotOf(), reused: false, wait });
    service.answers.restart = service.answers.run as () => ReturnType<typeof service.answers.restart>;
    const conditions = { log: 'up', failure_log: 'E', port: true, idle_ms: 5, exit: true, timeout_ms: 9 };
    const answer = await call('run_background', { command: 'x', wait_for: conditions });
    expect(answer.structured?.wait).toMatchObject({ by, outcome: wait.outcome });
    expect(answer.text).toContain(`wait ended by ${by}: ${wait.outcome} after`);
    if (wait.by === 'timeout' && wait.lastProbe !== undefined) {
      expect(answer.structured?.wait).toMatchObject({ port: wait.port, last_probe: wait.lastProbe });
    }
    expect(missingFacts(answer)).toEqual([]);
    const asked = { log: 'up', failureLog: 'E', port: true, idleMs: 5, exit: true, timeoutMs: 9 };
    expect(service.askedFor('run')[0]).toEqual({ command: 'x', waitFor: asked });
    const again = await call('restart_process', { id: 'web', wait_for: conditions });
    expect(again).toEqual(answer);
    expect(service.askedFor('restart').slice(0, 2)).toEqual(['web', asked]);
  });

  it('list_processes', async () => {
    const { call, service } = await connect();
    service.processes = [
      snapshotOf({
        ports: [5173, 24678],
        awaitingInput: true,
        descendants: [{ pid: 4243, command: 'node vite' }],
        output: { bytes: 9, lines: 2, droppedBytes: 5, lastLine: 'ready in 5 ms' },
      }),
      endedSnapshot(),
      endedSnapshot({
        id: 'gone',
        pid: null,
        status: 'error',
        error: { code: 'SPAWN_FAILED', message: 'no such file' },
      }),
    ];
    const answer = await call('list_processes');
    expect(missingFacts(answer)).toEqual([]);
    expect(answer.text).toMatch(/^3 processes, 2 of them ended$/m);
    expect(answer.text).toContain('awaiting_input');
    expect(answer.structured).toMatchObject({
      processes: [
        { id: 'web', ports: [5173, 24678], awaiting_input: true, output: { dropped_bytes: 5 } },
        { id: 'build', exit_code: 2, cause: 'self', ended_at: '2026-01-02T03:05:06.500Z' },
        { id: 'gone', pid: null, error: 'SPAWN_FAILED: no such file' },
      ],
    });
    const columns = answer.text.split('\n').filter((line) => / run \d/.test(line));
    expect(new Set(columns.map((line) => line.indexOf(' run '))).size).toBe(1);
  });

  it('list_processes, with a warning about supervision', async () => {
    const { call, service } = await connect();
    const warning = 'no supervisor binary: detached children can escape';
    service.answers.list = () => ({ processes: [], supervision: { mode: 'process-group', warning } });
    const answer = await call('list_processes', { status: 'live' });
    expect(answer.structured).toEqual({ processes: [], warning });
    expect(answer.text).toContain(`warning: ${warning}`);
    expect(service.askedFor('list')[0]).toEqual({ status: 'live' });
  });

  it('wait_for_log, whatever the outcome', async () => {
    const { call, service } = await connect();
    const matched = await call('wait_for_log', {
      id: 'web',
      pattern: 'Ready',
      since: 'now',
      stream: 'stdout',
    });
    expect(matched.structured).toEqual({
      outcome: 'matched',
      line: 'Ready on port 5173',
      groups: ['5173'],
      named: { port: '5173' },
      stream: 'stdout',
      cursor: 19,
      waited_ms: 12,
      status: 'running',
    });
    expect(missingFacts(matched)).toEqual([]);
    expect(service.askedFor('waitForLog').slice(0, 2)).toEqual([
      'web',
      { pattern: 'Ready', since: 'now', stream: 'stdout' },
    ]);
    for (const outcome of ['timeout', 'exited', 'awaiting_input'] as const) {
      service.answers.waitForLog = () => ({ ...(outcome === 'exited' ? ended : facts), outcome });
      const answer = await call('wait_for_log', { id: 'web', pattern: 'x' });
      expect(answer.structured).toMatchObject({ outcome, waited_ms: 1500, cursor: 77, tail: facts.tail });
      expect(answer.text.startsWith(`${outcome} after 1500 ms`)).toBe(true);
      expect(missingFacts(answer)).toEqual([]);
      if (outcome === 'timeout') expect(answer.text).toContain('Call wait_for_log again with since=77');
      if (outcome === 'awaiting_input') expect(answer.text).toContain('send_stdin');
      if (outcome === 'exited') expect(answer.structured).toMatchObject({ exit_code: 3, cause: 'self' });
    }
  });

  it('wait_for_port, whatever the outcome', async () => {
    const { call, service } = await connect();
    const ready = await call('wait_for_port', { id: 'web', status: [200, 204], path: '/health' });
    expect(ready.structured).toMatchObject({ outcome: 'ready', port: 5173, owner: { id: 'web' } });
    expect(missingFacts(ready)).toEqual([]);
    expect(service.askedFor('waitForPort')[0]).toEqual({
      id: 'web',
      path: '/health',
      httpStatus: [200, 204],
    });

    service.answers.waitForPort = () => ({
      outcome: 'foreign',
      port: 80,
      host: '127.0.0.1',
      owner: { pid: 7, command: 'nginx' },
      ...facts,
    });
    const foreign = await call('wait_for_port', { id: 'web', port: 80, status: 200 });
    expect(foreign.structured).toMatchObject({ outcome: 'foreign', owner: { pid: 7, command: 'nginx' } });
    expect(foreign.text).toContain('127.0.0.1:80 is held by another process (owner pid 7: nginx)');
    expect(missingFacts(foreign)).toEqual([]);

    service.answers.waitForPort = () => ({
      outcome: 'timeout',
      port: 80,
      lastProbe: 'HTTP 503',
      waitedMs: 50,
    });
    const timeout = await call('wait_for_port', { port: 80, mode: 'http' });
    expect(timeout.structured).toEqual({
      outcome: 'timeout',
      port: 80,
      last_probe: 'HTTP 503',
      waited_ms: 50,
    });
    expect(timeout.text).toContain('last probe: HTTP 503');
    expect(missingFacts(timeout)).toEqual([]);

    service.answers.waitForPort = () => ({ outcome: 'exited', ...ended });
    const exited = await call('wait_for_port', { id: 'web' });
    expect(exited.structured).toMatchObject({ outcome: 'exited', exit_code: 3, tail: ended.tail });
    expect(missingFacts(exited)).toEqual([]);
  });

  it('wait_for_exit', async () => {
    const { call, service } = await connect();
    const answer = await call('wait_for_exit', { ids: ['web', 'build', 'web'], mode: 'any', timeout_ms: 5 });
    expect(answer.structured).toMatchObject({
      outcome: 'exited',
      processes: [
        { id: 'web', status: 'failed', exit_code: 2, cause: 'self', tail: 'error: no\n' },
        { id: 'build' },
      ],
      waited_ms: 5,
    });
    expect(missingFacts(answer)).toEqual([]);
    expect(service.askedFor('waitForExit')[0]).toEqual({ ids: ['web', 'build'], mode: 'any', timeoutMs: 5 });

    service.answers.waitForExit = () => ({
      outcome: 'timeout',
      waitedMs: 6,
      processes: [{ id: 'web', status: 'running', tail: '' }],
    });
    const timeout = await call('wait_for_exit', { id: 'web' });
    expect(timeout.text).toContain('Call wait_for_exit again to go on waiting for web.');
    expect(timeout.text).toContain('last output: none');
  });

  it.each([
    ['run_background', { command: 'x', wait_for: { exit: true } }],
    ['wait_for_log', { id: 'web', pattern: 'x', stop_at_prompt: false }],
    ['wait_for_port', { id: 'web' }],
    ['wait_for_exit', { id: 'web' }],
  ])('%s whose time is up advises send_stdin where the program waits for input', async (name, args) => {
    const { call, service } = await connect();
    for (const asking of [true, false]) {
      const timeout = {
        ...facts,
        outcome: 'timeout' as const,
        ...(asking && { awaitingInput: true as const }),
      };
      service.answers.run = () => ({
        process: snapshotOf(),
        reused: false,
        wait: { by: 'timeout', ...timeout },
      });
      service.answers.waitForLog = () => timeout;
      service.answers.waitForPort = () => timeout;
      service.answers.waitForExit = () => ({ ...timeout, processes: [{ id: 'web', ...timeout }] });
      const { text } = await call(name, args);
      expect(text.includes('Answer with send_stdin.')).toBe(asking);
      if (!asking) expect(text).toMatch(/wait_for_exit|again/);
    }
  });

  it('send_stdin', async () => {
    const { call, service } = await connect();
    const sent = await call('send_stdin', {
      id: 'web',
      text: 'hi',
      newline: false,
      keys: ['enter'],
      eof: false,
    });
    expect(sent.structured).toEqual({
      id: 'web',
      status: 'running',
      accepted_bytes: 3,
      total_bytes: 3,
      eof: false,
      cursor: 6,
    });
    expect(missingFacts(sent)).toEqual([]);
    const given = { text: 'hi', newline: false, keys: ['enter'], eof: false };
    expect(service.askedFor('send').slice(0, 2)).toEqual(['web', given]);

    service.answers.send = (id) => ({
      id,
      status: 'running',
      acceptedBytes: 2,
      totalBytes: 9,
      eof: false,
      reply: {
        outcome: 'idle',
        waitedMs: 500,
        page: pageOf({ text: '>>> 4\n', omitted: [{ lines: 3, where: 'after' }] }),
      },
      cursor: 12,
    });
    const reply = await call('send_stdin', {
      id: 'web',
      text: '2+2',
      wait_for: { idle_ms: 500, log: '>>>' },
    });
    expect(reply.structured).toMatchObject({
      outcome: 'idle',
      output: '>>> 4\n',
      waited_ms: 500,
      cursor: 12,
    });
    expect(reply.text).toContain('Send the remaining 7 bytes later');
    expect(reply.text).toContain('3 lines left out; get_output {"id":"web","since":12} reads them');
    expect(missingFacts(reply)).toEqual([]);
  });

  it('kill_process and remove_process', async () => {
    const { call, service } = await connect();
    const answer = await call('kill_process', { id: 'web', signal: 'SIGINT', grace_ms: 100 });
    expect(answer.structured).toEqual({
      processes: [
        {
          id: 'web',
          status: 'killed',
          cause: 'kill_process',
          signal: 'SIGTERM',
          killed: [4242, 4243],
          survivors: [],
          waited_ms: 7,
          tail: 'bye\n',
        },
      ],
    });
    expect(missingFacts(answer)).toEqual([]);
    expect(service.askedFor('kill')[0]).toEqual({ ids: ['web'], signal: 'SIGINT', graceMs: 100 });
    const removed = await call('remove_process', { all_ended: true });
    expect(removed).toMatchObject({ structured: { removed: ['build'] }, text: 'removed: build' });
    expect(service.askedFor('remove')[0]).toEqual({ allEnded: true });
  });

  it('reach the client of the 1.x SDK as they are', async () => {
    const v1 = await connectV1();
    const v2 = await connect();
    for (const [name, args] of [
      ['list_processes', {}],
      ['wait_for_log', { id: 'web', pattern: 'x' }],
      ['kill_process', { all: true }],
    ] as const) {
      expect(await v1.call(name, args)).toEqual(await v2.call(name, args));
    }
  });
});

describe('get_output', () => {
  it('is text only: a header line, then the output', async () => {
    const { call, service } = await connect();
    const answer = await call('get_output', { id: 'web', since: 0, max_bytes: 500, grep: 'r', context: 1 });
    expect(answer.structured).toBeUndefined();
    expect(answer.text).toBe('web run 1 running | bytes 0-6 of 6 | next: since=6\nready\n');
    expect(service.askedFor('read')).toEqual(['web', { since: 0, maxBytes: 500, grep: 'r', context: 1 }]);
  });

  it('says how the process ended, what was evicted, how much matched, and what is left out', async () => {
    const { call, service } = await connect();
    service.answers.read = () =>
      pageOf({
        run: 3,
        status: 'failed',
        exit: { code: 2, signal: null, cause: 'self' },
        from: 900,
        to: 1000,
        next: 1000,
        end: 2000,
        gap: { from: 100, to: 800, bytes: 700 },
        matches: 4,
        omitted: [
          { lines: 12, where: 'before' },
          { lines: 7, where: 'after' },
        ],
        text: 'x\n',
      });
    const { text } = await call('get_output', { id: 'web', since: 100, tail: 5, grep: 'x', max_bytes: 500 });
    expect(text.split('\n')).toEqual([
      'web run 3 failed (exit_code 2, cause self) | bytes 900-1000 of 2000 | gap: 700 bytes 100-800 no longer kept | 4 lines match | next: since=1000',
      '[12 lines left out before these: get_output {"id":"web","since":100,"head":12,"max_bytes":500,"grep":"x"}]',
      '[7 lines left out after these: get_output {"id":"web","since":1000,"max_bytes":500,"grep":"x"}]',
      'x',
      '',
    ]);
  });

  it('says so where a cursor is beyond the end', async () => {
    const { call, service } = await connect();
    service.answers.read = () => pageOf({ text: 'new\n', from: 0, to: 4, next: 4, end: 4 });
    const { text } = await call('get_output', { id: 'web', since: 4000 });
    expect(text.split('\n').slice(1)).toEqual([
      '[since=4000 is beyond the end, so of an earlier process of this name: run 1 is shown from its start]',
      'new',
      '',
    ]);
    expect((await call('get_output', { id: 'web', since: 4 })).text).not.toContain('beyond');
  });

  it('tells a blank screen from one that max_bytes has no room for', async () => {
    const { call, service } = await connect();
    const screen = {
      ...{ cols: 80, rows: 24, cursor: { row: 1, col: 1 } },
      ...{ alternate: false, title: '', missingBytes: 0 },
    };
    service.answers.read = () => pageOf({ text: '', screen });
    expect((await call('get_output', { id: 'web', screen: true })).text).toMatch(
      /\n\(the screen is blank\)$/,
    );
    service.answers.read = () => pageOf({ text: '', screen, omitted: [{ lines: 24, where: 'after' }] });
    const { text } = await call('get_output', { id: 'web', screen: true, max_bytes: 2 });
    expect(text).toMatch(/\n\(max_bytes is too small for what the screen shows\)$/);
  });

  it('tells an empty range from a failure', async () => {
    const { call, service } = await connect();
    service.answers.read = () => pageOf({ text: '', from: 6 });
    expect((await call('get_output', { id: 'web', since: 6 })).text).toMatch(
      /\n\(no output in this range\)$/,
    );
  });
});

describe('answers are bounded', () => {
  const size = ({ text, structured }: Answer): number =>
    Math.max(Buffer.byteLength(text), Buffer.byteLength(JSON.stringify(structured ?? null)));
  const long = 'é'.repeat(200_000);

  it('cuts tails on whole characters and says what it cut', async () => {
    const { call, service } = await connect();
    service.answers.waitForLog = () => ({ ...facts, outcome: 'timeout', tail: long });
    const answer = await call('wait_for_log', { id: 'web', pattern: 'x' });
    expect(size(answer)).toBeLessThan(16_000);
    expect(answer.structured?.tail).toMatch(/^\[\d+ bytes earlier\]\né+$/);
  });

  it('shares the room for tails between many processes', async () => {
    const { call, service } = await connect();
    const ids = Array.from({ length: 40 }, (_, index) => `p${index}`);
    service.answers.waitForExit = () => ({
      outcome: 'exited',
      waitedMs: 1,
      processes: ids.map((id) => ({
        id,
        status: 'completed',
        tail: `${'line\n'.repeat(500)}last of ${id}\n`,
      })),
    });
    const answer = await call('wait_for_exit', { ids });
    expect(size(answer)).toBeLessThan(16_000);
    for (const id of ids) expect(`${answer.text}\n`).toContain(`last of ${id}\n`);
  });

  it('names at most 20 killed pids in text, 1000 in the structured form, and counts the rest', async () => {
    const { call, service } = await connect();
    const killed = Array.from({ length: 1500 }, (_, index) => index + 10_000);
    service.answers.kill = () => ({
      processes: [{ id: 'web', status: 'killed', killed, survivors: [], waitedMs: 50, tail: '' }],
    });
    const answer = await call('kill_process', { all: true });
    expect(answer.text).toContain('1500 killed: 10000,');
    expect(answer.text).toContain('10019 and 1480 more');
    expect(answer.structured).toMatchObject({ processes: [{ killed_total: 1500 }] });
    expect(size(answer)).toBeLessThan(16_000);
  });
});
