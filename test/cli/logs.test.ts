import { Readable, Writable } from 'node:stream';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CliIo } from '../../src/cli/io.ts';
import { LastLines } from '../../src/cli/last-lines.ts';
import { logs, type LogsOptions } from '../../src/cli/logs.ts';
import { OtherLifeError } from '../../src/client/output-follow.ts';
import type { OutputEvent } from '../../src/core/types.ts';
import { FakeService, pageOf, snapshotOf } from '../helpers/fake-service.ts';

const AT = Date.UTC(2026, 0, 2, 3, 4, 5);

let service: FakeService;
beforeEach(() => {
  service = new FakeService();
});

/** Output from offset 0 on: a string prints, a number begins that run; each a second after the last. */
function story(...told: (string | number | { stderr: string } | OutputEvent)[]): OutputEvent[] {
  let from = 0;
  return told.map((part, index): OutputEvent => {
    const at = AT + index * 1000;
    if (typeof part === 'number') return { type: 'run', run: part, from, at };
    if (typeof part === 'object' && 'type' in part) return part;
    const [stream, text] =
      typeof part === 'string' ? (['stdout', part] as const) : (['stderr', part.stderr] as const);
    const bytes = Buffer.from(text);
    from += bytes.length;
    return { type: 'output', stream, from: from - bytes.length, at, bytes };
  });
}

const endOf = (events: readonly OutputEvent[]): number =>
  events.reduce((end, event) => (event.type === 'output' ? event.from + event.bytes.length : end), 0);

/** What `proctor logs` prints of these events. */
async function printed(
  events: readonly OutputEvent[],
  options: LogsOptions = {},
  { terminal = false, open = () => stream(events) } = {},
) {
  const seen = { stdout: '', stderr: '' };
  const collector = (name: keyof typeof seen) =>
    Object.assign(
      new Writable({
        write: (chunk: Buffer, _, done) => {
          seen[name] += chunk.toString();
          done();
        },
      }),
      { isTTY: terminal },
    );
  const end = endOf(events);
  service.answers.read = () => pageOf({ from: 0, end });
  service.answers.openOutput = open;
  const io: CliIo = {
    ...{ stdin: Readable.from([]), stdout: collector('stdout'), stderr: collector('stderr') },
    ...{ env: {}, cwd: '/', version: '0' },
  };
  expect(await logs('web', options, service, io)).toBe(0);
  return seen;
}

async function* stream(events: readonly OutputEvent[]): AsyncIterable<OutputEvent> {
  await Promise.resolve();
  yield* events;
}

const sinceStart: LogsOptions = { since: { cursor: 0 } };

describe('logs of several runs', () => {
  const runs = story(1, 'half of run one', 2, 'first of run two\n');

  it('end the line of one run before the next begins, with a border between', async () => {
    const { stdout } = await printed(runs, sinceStart);
    expect(stdout).toBe('half of run one\n--- run 2 started 2026-01-02T03:04:07Z ---\nfirst of run two\n');
  });

  it('show the border on a terminal as well', async () => {
    const { stdout } = await printed(runs, sinceStart, { terminal: true });
    expect(stdout).toMatch(/^half of run one\n.*--- run 2 started .*\nfirst of run two\n$/);
  });

  it('are the bytes alone with --raw, and the lines that match alone with --grep', async () => {
    expect(await printed(runs, { ...sinceStart, raw: true })).toEqual({
      stdout: 'half of run onefirst of run two\n',
      stderr: '[run 2]\n',
    });
    expect(await printed(runs, { ...sinceStart, grep: '^first' })).toMatchObject({
      stdout: 'first of run two\n',
    });
  });

  it('begin at the current run, and say so, where the cursor is one of another record', async () => {
    expect(await printed(story(1, 'new\n'), { since: { cursor: 99 } })).toEqual({
      stdout: 'new\n',
      stderr: '[output ends at 4: this begins at the current run]\n',
    });
  });

  it('do not join what stood before a gap to what follows it', async () => {
    const events = story(1, 'half', { type: 'gap', from: 4, to: 9, bytes: 5 }, 'rest\n');
    expect(await printed(events, { follow: true })).toMatchObject({
      stdout: 'half\nrest\n',
      stderr: '[5 bytes no longer kept]\n',
    });
  });

  it('are shown from a time on, earlier runs included', async () => {
    const { stdout } = await printed(story(1, 'a\n', 'b\n', 2, 'c\n'), { since: { at: AT + 2000 } });
    expect(stdout).toMatch(/^b\n--- run 2 .*\nc\n$/);
    expect(service.askedFor('openOutput').slice(0, 2)).toEqual(['web', { since: 0 }]);
  });
});

describe('logs with --tail', () => {
  const lines = story(1, 'line 1\n', { stderr: 'other\n' }, 'line 2\n', { stderr: 'other\n' }, 'x\ny\n');

  it.each([
    [{ tail: 2 }, 'x\ny\n'],
    [{ tail: 2, grep: 'line' }, 'line 1\nline 2\n'],
    [{ tail: 1, stream: 'stderr' as const }, 'other\n'],
    [{ tail: 2, raw: true }, 'x\ny\n'],
    [{ tail: 2, ...sinceStart }, 'x\ny\n'],
    [{ tail: 0 }, ''],
    [{ tail: 99, grep: 'line' }, 'line 1\nline 2\n'],
  ])('%j counts the lines that are shown', async (options, expected) => {
    expect((await printed(lines, options)).stdout).toBe(expected);
  });

  it('keeps the border of a run with its first line, and an unfinished line as one', async () => {
    const { stdout } = await printed(story(1, 'a\n', 2, 'b\n', 'c'), { ...sinceStart, tail: 2 });
    expect(stdout).toMatch(/^--- run 2 .*\nb\nc\n$/);
    expect((await printed(story(1, 'a\nb\nc'), { tail: 2, raw: true })).stdout).toBe('b\nc');
  });

  it('holds no more than it is asked for', () => {
    const last = new LastLines(3);
    for (let i = 0; i < 10_000; i++) last.push(`${i}\n`);
    expect(last.take().toString()).toBe('9997\n9998\n9999\n');
  });
});

describe('logs of a line too long to be held', () => {
  const long = 'x'.repeat(100_000);

  it('are one line, also where the other stream prints meanwhile', async () => {
    expect((await printed(story(1, `${long}\nend\n`))).stdout).toBe(`${long}\nend\n`);
    const { stdout } = await printed(story(1, long.slice(0, 70_000), { stderr: 'other\n' }, '\n'));
    expect(stdout.split('\n').map(({ length }) => length)).toEqual([65_536, 5, 4464, 0]);
  });
});

describe('logs --follow', () => {
  const exit = (run: number, to: number): OutputEvent => ({
    ...{ type: 'exit', run, to, at: AT, status: 'killed' },
    exit: { code: null, signal: 'SIGTERM', cause: 'kill_process' },
  });

  it('goes on with the next run, without a word of descendants', async () => {
    service.processes = [snapshotOf({ run: 2, live: true })];
    let asked = 0;
    const ended = snapshotOf({ run: 2, live: false });
    service.answers.list = () => ({
      processes: asked++ < 2 ? service.processes : [ended],
      supervision: { mode: 'shim' },
    });
    const events = story(1, 'one\n', exit(1, 4), 2, 'two\n', exit(2, 8));
    expect(await printed(events, { follow: true })).toEqual({
      stdout: 'one\n--- run 2 started 2026-01-02T03:04:08Z ---\ntwo\n',
      stderr: '',
    });
  });

  it('begins anew where another server has the id now, and says so', async () => {
    const lives = [story(1, 'of the old\n', 'ha'), story(1, 'of the new\n')];
    const open = async function* () {
      yield* stream(lives.shift() ?? []);
      if (lives.length > 0) throw new OtherLifeError('web');
    };
    expect(await printed(lives[0] ?? [], { follow: true, since: { cursor: 3 } }, { open })).toEqual({
      stdout: 'of the old\nha\nof the new\n',
      stderr: '[the server was started again, and web is another process now]\n',
    });
    const requests = service.calls.filter(({ method }) => method === 'openOutput');
    expect(requests.map(({ args }) => args[1])).toEqual([{ since: 3 }, {}]);
  });
});
