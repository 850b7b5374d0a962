import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CLIENTS, TestServer, fixtures, useServer } from '../helpers/start-server.ts';
import { until } from '../helpers/until.ts';

/** Keeps what was printed readable after the end: output is read from a finished run. */
async function printed(
  server: TestServer,
  command: string,
  more: Record<string, unknown> = {},
): Promise<string> {
  const { id } = await server.run(command, more);
  await server.exited(id);
  return id;
}

describe.each(CLIENTS)('get_output, client %s', (client) => {
  const server = useServer({ client });

  it('begins with a header: id, status, byte range, cursor', async () => {
    const id = await printed(server(), 'echo one; echo two; exit 3', { name: 'job' });
    const { header, text, next } = await server().output(id);
    expect(header).toMatch(/^job .*failed.*3/);
    expect(header).toContain('bytes 0-8 of 8');
    expect(next).toBe(8);
    expect(text.trimEnd()).toBe('one\ntwo');
  });

  it('goes on from a cursor, for two readers who never steal from each other', async () => {
    const { id } = await server().run('cat');
    const readers = [
      { since: 0, heard: '' },
      { since: 0, heard: '' },
    ];
    for (let turn = 1; turn <= 6; turn++) {
      await server().ok('send_stdin', { id, text: `line ${turn}`, wait_for: { log: `line ${turn}` } });
      for (const [n, reader] of readers.entries()) {
        // The second reads only every third turn.
        if (n === 1 && turn % 3 !== 0) continue;
        const page = await server().output(id, { since: reader.since });
        reader.heard += `${page.text.trimEnd()}\n`;
        reader.since = page.next;
      }
    }
    const all = [1, 2, 3, 4, 5, 6].map((turn) => `line ${turn}\n`).join('');
    expect(readers.map(({ heard }) => heard)).toEqual([all, all]);
    expect((await server().output(id, { since: readers[0]?.since })).text).toBe('');
  });

  it('reads tail, head, one stream, and matching lines with context', async () => {
    const id = await printed(
      server(),
      'for n in $(seq 1 300); do echo "line $n"; done; sleep 0.05; echo oops >&2',
    );
    const lines = async (args: Record<string, unknown>): Promise<string[]> =>
      (await server().output(id, args)).text.trimEnd().split('\n');
    expect(await lines({})).toHaveLength(100);
    expect(await lines({ tail: 2 })).toEqual(['line 300', 'oops']);
    expect(await lines({ head: 2 })).toEqual(['line 1', 'line 2']);
    expect(await lines({ stream: 'stderr' })).toEqual(['oops']);
    expect(await lines({ stream: 'stdout', tail: 1 })).toEqual(['line 300']);
    expect(await lines({ grep: '^line 15\\d$' })).toHaveLength(10);
    expect(await lines({ grep: 'line 7$', context: 1 })).toEqual(['line 6', 'line 7', 'line 8']);
    const stamped = await lines({ tail: 1, timestamps: true });
    expect(stamped[0]).toMatch(/^\d\d:\d\d:\d\d\.\d{3} oops$/);
  });

  it('bounds its answer and names the call that gets the rest, so that everything is read once', async () => {
    const id = await printed(server(), 'seq 1 20000');
    const first = await server().call('get_output', { id, since: 0 });
    expect(Buffer.byteLength(first.text)).toBeLessThan(17_000);
    expect(first.text).toMatch(/left out/);
    const whole = await server().call('get_output', { id, tail: 20_000 });
    expect(Buffer.byteLength(whole.text)).toBeLessThan(17_000);
    let read = '';
    for (let since = 0, calls = 0; ; calls++) {
      const page = await server().output(id, { since, max_bytes: 30_000 });
      if (page.text === '') break;
      expect(page.next).toBeGreaterThan(since);
      expect(calls).toBeLessThan(20);
      read += page.text.trimEnd() + '\n';
      since = page.next;
    }
    expect(read).toBe(Array.from({ length: 20_000 }, (_, n) => `${n + 1}\n`).join(''));
  });
});

describe('clean text', () => {
  const server = useServer();

  it.each([
    ['CRLF line ends', 'one\\r\\ntwo\\r\\n', 'one\ntwo'],
    ['a progress bar', '10%%\\r 50%%\\r100%% done\\n', '100% done'],
    ['a redraw that leaves the end of the longer text', 'abcdef\\rXY\\n', 'XYcdef'],
    ['a redraw that erases the line', 'downloading...\\r\\033[Kdone\\n', 'done'],
    ['colours', '\\033[1;31mred\\033[0m plain\\n', 'red plain'],
    ['a window title', '\\033]0;title\\007text\\n', 'text'],
    ['a prompt with no newline', 'Name: ', 'Name: '],
    ['backspaces', 'abc\\b\\bX\\n', 'aXc'],
  ])('folds %s', async (_, format, expected) => {
    const id = await printed(server(), `printf '${format}'`);
    expect((await server().output(id)).text.replace(/\n$/, '')).toBe(expected);
  });

  it('joins characters and escapes that arrive in pieces', async () => {
    const utf8 = await printed(server(), 'python3', { args: [join(fixtures, 'split-utf8.py')] });
    expect((await server().output(utf8)).text.trim()).toBe('naïve – 日本語 🚀');
    const ansi = await printed(
      server(),
      `for part in 'a\\033' '[3' '1mred' '\\033[' '0m!\\n'; do printf "$part"; sleep 0.05; done`,
    );
    expect((await server().output(ansi)).text.trim()).toBe('ared!');
  });

  it('shows a character that was never finished once nothing is left of the program', async () => {
    const id = await printed(server(), `printf 'abc\\303'`);
    await until('the unfinished character', async () => (await server().output(id)).text === 'abc\ufffd');
  });

  it('gives the bytes as they came with raw', async () => {
    const id = await printed(server(), `printf '1\\r\\033[32m2\\033[0m\\n'`);
    expect((await server().output(id, { raw: true })).text.replace(/\n$/, '')).toBe(
      '1\r\u001b[32m2\u001b[0m',
    );
  });

  it('survives binary junk', async () => {
    const id = await printed(server(), 'head -c 200000 /dev/urandom; printf "\\nend of junk\\n"');
    const { text, whole } = await server().output(id, { tail: 1 });
    expect(text.trim()).toBe('end of junk');
    expect(Buffer.byteLength(whole)).toBeLessThan(17_000);
    await server().output(id);
    await server().output(id, { raw: true });
    await server().output(id, { grep: 'x', context: 2 });
    expect((await server().ok('wait_for_log', { id, pattern: 'end of junk' })).outcome).toBe('matched');
  });

  it('knows which stream a line came from, and keeps their order at human pace', async () => {
    const id = await printed(
      server(),
      'for n in 1 2 3; do echo out$n; sleep 0.03; echo err$n >&2; sleep 0.03; done',
    );
    expect((await server().output(id)).text.trim().split('\n')).toEqual([
      'out1',
      'err1',
      'out2',
      'err2',
      'out3',
      'err3',
    ]);
    expect((await server().output(id, { stream: 'stderr' })).text.trim().split('\n')).toEqual([
      'err1',
      'err2',
      'err3',
    ]);
  });
});

describe('hard cases', () => {
  const server = useServer();

  it('loses nothing of a program that prints and exits within a millisecond', async () => {
    for (let round = 0; round < 30; round++) {
      const { id } = await server().run('printf', { args: ['out%s', `${round}`] });
      const end = await server().exited(id);
      expect(end).toMatchObject({ status: 'completed', exit_code: 0, tail: `out${round}` });
      await server().ok('remove_process', { id });
    }
    const both = 'head -c 30000 /dev/zero | tr "\\0" o; head -c 30000 /dev/zero | tr "\\0" e >&2';
    for (let round = 0; round < 10; round++) {
      const id = await printed(server(), both);
      const { output } = await server().snapshot(id);
      expect(output.bytes).toBe(60_000);
      const err = await server().output(id, { stream: 'stderr', max_bytes: 100_000 });
      expect(err.text.trim()).toBe('e'.repeat(30_000));
    }
  });

  it('lets a child write to its outputs by name', async () => {
    const id = await printed(
      server(),
      'echo "by name" > /dev/stdout; echo both | tee /dev/stderr; echo err > /dev/stderr',
    );
    expect((await server().output(id, { stream: 'stdout' })).text.trim().split('\n')).toEqual([
      'by name',
      'both',
    ]);
    expect((await server().output(id, { stream: 'stderr' })).text.trim().split('\n')).toEqual([
      'both',
      'err',
    ]);
  });

  it('takes 100 MB without a newline', async () => {
    const { id } = await server().run(`head -c 100000000 /dev/zero | tr '\\0' x; printf 'THE END'`);
    const end = await server().exited(id);
    expect(end.status).toBe('completed');
    expect(end.tail.endsWith('THE END')).toBe(true);
    const { output } = await server().snapshot(id);
    expect(output.bytes).toBe(100_000_007);
    expect(output.bytes - output.dropped_bytes).toBeLessThanOrEqual(4 * 1024 * 1024);
    expect(output.last_line.length).toBeLessThanOrEqual(200);
    const page = await server().output(id);
    expect(Buffer.byteLength(page.whole)).toBeLessThan(17_000);
    expect((await server().ok('wait_for_log', { id, pattern: 'THE END', timeout_ms: 5000 })).outcome).toBe(
      'matched',
    );
  });

  it('says what was evicted as a gap in bytes, and calls stay prompt during a flood', async () => {
    const { id } = await server().run(
      'echo begin; read -r go; yes "a line of some length that floods the buffer"; sleep 300',
    );
    await server().ok('wait_for_log', { id, pattern: 'begin' });
    const { next } = await server().output(id);
    await server().ok('send_stdin', { id, text: 'go' });
    let dropped = 0;
    while (dropped < 10_000_000) {
      const begun = performance.now();
      dropped = (await server().snapshot(id)).output.dropped_bytes;
      expect(performance.now() - begun).toBeLessThan(1000);
    }
    await server().ok('kill_process', { id });
    const page = await server().output(id, { since: next });
    const [, bytes, from, to] = /gap: (\d+) bytes (\d+)-(\d+)/.exec(page.header) ?? [];
    expect(Number(from)).toBe(next);
    expect(Number(bytes)).toBe(Number(to) - Number(from));
    const { output } = await server().snapshot(id);
    expect(Number(to)).toBe(output.dropped_bytes);
    // What is retained is whole from its first line end on.
    expect(page.text).toMatch(/\na line of some length that floods the buffer\n/);
  });

  it('keeps only as much as it is told to', async () => {
    const small = await TestServer.start({ flags: ['--ring-bytes', '8K'] });
    const id = await printed(small, 'seq 1 10000');
    const { output } = await small.snapshot(id);
    expect(output.bytes).toBe(48_894);
    expect(output.lines).toBe(10_000);
    expect(output.bytes - output.dropped_bytes).toBeLessThanOrEqual(8192);
    expect((await small.output(id, { tail: 1 })).text.trim()).toBe('10000');
    await small.close();
  });

  it('answers with an empty page at the end, and begins anew for the cursor of an earlier record', async () => {
    const old = await printed(server(), 'seq 1 1000', { name: 'again' });
    const { next } = await server().output(old);
    expect((await server().output(old, { since: next })).text).toBe('');
    await server().ok('remove_process', { id: old });
    const id = await printed(server(), 'echo something', { name: 'again' });
    const page = await server().call('get_output', { id, since: next });
    expect(page.text).toMatch(/next: since=10\n\[since=3893 is beyond the end[^\n]*\]\nsomething\n$/);
  });
});
