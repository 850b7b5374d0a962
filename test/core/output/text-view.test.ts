import { describe, expect, it } from 'vitest';
import { OutputBuffer } from '../../../src/core/output/output-buffer.ts';
import { compilePattern } from '../../../src/core/output/pattern.ts';
import type { ReadRequest } from '../../../src/core/service.ts';
import { lastLine, renderPage, tailText, type RenderedPage } from '../../../src/core/output/text-view.ts';
import type { StreamName } from '../../../src/core/types.ts';

function bufferOf(...chunks: (string | [StreamName, string])[]): OutputBuffer {
  const buffer = new OutputBuffer(1_000_000);
  buffer.beginRun(1, 0);
  for (const [index, chunk] of chunks.entries()) {
    const [stream, text] = typeof chunk === 'string' ? (['stdout', chunk] as const) : chunk;
    buffer.append(stream, Buffer.from(text), 1000 * index);
  }
  return buffer;
}

function read(buffer: OutputBuffer, request: ReadRequest = {}, runFrom = 0): RenderedPage {
  return renderPage({ buffer, runFrom }, request);
}

async function search(buffer: OutputBuffer, grep: string, request: ReadRequest = {}): Promise<RenderedPage> {
  return renderPage({ buffer, runFrom: 0 }, request, await compilePattern(grep));
}

function numbered(from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, index) => `line ${from + index}\n`).join('');
}

const HUNDREDS = bufferOf(numbered(1, 500));

describe('renderPage: which part', () => {
  it('shows the last 100 lines of the current run by default', () => {
    const page = read(HUNDREDS);
    expect(page.text).toBe(numbered(401, 500));
    expect(page).toMatchObject({
      to: HUNDREDS.end,
      next: HUNDREDS.end,
      omitted: [{ lines: 400, where: 'before' }],
      retainedFrom: 0,
      end: HUNDREDS.end,
    });
    expect(page.from).toBe(numbered(1, 400).length);
    expect(page.gap).toBeUndefined();
  });

  it('shows the last or the first lines on request, or both', () => {
    expect(read(HUNDREDS, { tail: 2 }).text).toBe('line 499\nline 500\n');
    const head = read(HUNDREDS, { head: 2 });
    expect(head).toMatchObject({
      text: 'line 1\nline 2\n',
      from: 0,
      next: 14,
      omitted: [{ lines: 498, where: 'after' }],
    });
    const both = read(HUNDREDS, { head: 1, tail: 1 });
    expect(both.text).toBe('line 1\n--- 498 omitted ---\nline 500\n');
    expect(both).toMatchObject({ omitted: [{ lines: 498, where: 'middle' }], next: HUNDREDS.end });
    expect(read(bufferOf('a\nb\n'), { head: 5, tail: 5 })).toMatchObject({ text: 'a\nb\n', omitted: [] });
    expect(read(HUNDREDS, { head: 0, tail: 1 }).text).toBe('--- 499 omitted ---\nline 500\n');
    expect(read(bufferOf('a\nb\nc\n'), { head: 2, tail: 2 })).toMatchObject({
      text: 'a\nb\nc\n',
      omitted: [],
    });
  });

  it('does not count a colour reset after the last line as a line', () => {
    expect(read(bufferOf('a\nb\n\x1b[0m'))).toMatchObject({ text: 'a\nb\n', omitted: [] });
  });

  it('shows nothing for zero lines, and says where to go on', () => {
    expect(read(HUNDREDS, { tail: 0 })).toMatchObject({ text: '', next: HUNDREDS.end });
    expect(read(HUNDREDS, { head: 0 })).toMatchObject({ text: '', next: 0 });
  });

  it('fills a page from a cursor and goes on where it stopped', () => {
    const first = read(HUNDREDS, { since: 0, maxBytes: 1000 });
    expect(Buffer.byteLength(first.text)).toBeLessThanOrEqual(1000);
    expect(Buffer.byteLength(first.text)).toBeGreaterThan(900);
    expect(first.text.endsWith('\n')).toBe(true);
    const shown = first.text.split('\n').length - 1;
    expect(first.omitted).toEqual([{ lines: 500 - shown, where: 'after' }]);
    expect(read(HUNDREDS, { since: first.next }).text.startsWith(`line ${shown + 1}\n`)).toBe(true);
  });

  it('takes a cursor in the middle of a line, of a character or of an escape sequence', () => {
    expect(read(bufferOf('hello\nworld\n'), { since: 2 }).text).toBe('llo\nworld\n');
    const accents = bufferOf('aé\n');
    expect(read(accents, { since: 2 }).text).toBe('é\n');
    const coloured = bufferOf('\x1b[31mred\x1b[0m\n');
    for (let since = 1; since <= 5; since++) expect(read(coloured, { since }).text).toBe('red\n');
  });

  it('begins at the current run for a cursor beyond the end, which an earlier record of the name gave', () => {
    const buffer = bufferOf('first\n');
    buffer.beginRun(2, 0);
    buffer.append('stdout', Buffer.from('second\n'), 0);
    expect(read(buffer, { since: 14 }, 6)).toMatchObject({ text: 'second\n', from: 6, next: 13 });
    expect(read(buffer, { since: 13 }, 6)).toMatchObject({ text: '', from: 13, next: 13 });
  });

  it('reports what was evicted as a gap in bytes', () => {
    const buffer = new OutputBuffer(100);
    buffer.beginRun(1, 0);
    buffer.append('stdout', Buffer.from(numbered(100, 199)), 1);
    expect(read(buffer, { since: 7 })).toMatchObject({ from: 800, gap: { from: 7, to: 800, bytes: 793 } });
    expect(read(buffer).gap).toEqual({ from: 0, to: 800, bytes: 800 });
    expect(read(buffer, { since: 800 }).gap).toBeUndefined();
  });
});

describe('renderPage: lines', () => {
  it('shows an unfinished line without a newline, and its rest once', () => {
    const buffer = bufferOf('done\nName: ');
    const first = read(buffer, { since: 0 });
    expect(first).toMatchObject({ text: 'done\nName: ', next: 11 });
    buffer.append('stdout', Buffer.from('Ann\nAge: '));
    expect(read(buffer, { since: first.next }).text).toBe('Ann\nAge: ');
    expect(read(buffer).text).toBe('done\nName: Ann\nAge: ');
  });

  it('shows lines of two streams whole, in order of completion, unfinished ones last', () => {
    const buffer = bufferOf('out ', ['stderr', 'err\nwarn'], 'put\n', ['stderr', 'ing']);
    expect(read(buffer).text).toBe('err\nout put\nwarning');
    expect(read(buffer, { stream: 'stderr' }).text).toBe('err\nwarning');
    expect(read(buffer, { stream: 'stdout' }).text).toBe('out put\n');
  });

  it('shows both unfinished lines on lines of their own', () => {
    expect(read(bufferOf('one', ['stderr', 'two'])).text).toBe('one\ntwo');
  });

  it('loses no beginning of a line where a page ends within it', () => {
    const buffer = bufferOf('begin', ['stderr', numbered(1, 200)], 'ning\n');
    const first = read(buffer, { since: 0, maxBytes: 500 });
    expect(first.text.endsWith('\nbegin')).toBe(true);
    let text = first.text;
    for (let page = first; page.next < page.end; text += page.text) {
      page = read(buffer, { since: page.next, maxBytes: 500 });
    }
    expect(text.match(/line \d+/g)).toHaveLength(200);
    expect(text.match(/begin/g)).toHaveLength(1);
    expect(text.endsWith('ning\n')).toBe(true);
  });

  it('finds the beginning of a tail line that the other stream interrupts', () => {
    const buffer = bufferOf(numbered(1, 5), 'left', ['stderr', 'x\ny\nz\n'], 'right\n');
    expect(read(buffer, { tail: 2 }).text).toBe('z\nleftright\n');
    expect(read(buffer, { tail: 4 }).text).toBe('x\ny\nz\nleftright\n');
  });

  it('shows a character cut off at the end only when no more can come', () => {
    const buffer = new OutputBuffer(1000);
    buffer.beginRun(1, 0);
    buffer.append('stdout', Buffer.from('abc\xc3', 'latin1'), 0);
    for (const request of [{}, { since: 0 }, { since: 3 }, { since: 0, raw: true }]) {
      const shown = request.since === 3 ? '' : 'abc';
      expect(renderPage({ buffer, runFrom: 0 }, request).text).toBe(shown);
      expect(renderPage({ buffer, runFrom: 0, ended: true }, request).text).toBe(`${shown}\ufffd`);
    }
    buffer.beginRun(2, 0);
    buffer.append('stdout', Buffer.from('next\n'), 0);
    expect(renderPage({ buffer, runFrom: 4 }, { since: 0 }).text).toMatch(/^abc\ufffd\n--- run 2/);
  });

  it('stamps lines with their arrival in UTC, and a split line once', () => {
    const buffer = bufferOf('a\nb', 'c\n');
    expect(read(buffer, { timestamps: true }).text).toBe('00:00:00.000 a\n00:00:01.000 bc\n');
    const long = bufferOf(`${'x'.repeat(1000)}\n`);
    expect(read(long, { since: 0, maxBytes: 300, timestamps: true }).text.match(/00:00/g)).toHaveLength(1);
  });

  it('cleans text, and leaves it alone on request', async () => {
    const buffer = bufferOf('\x1b[31mred\x1b[0m\r\n10%\r20%\r\n');
    expect(read(buffer).text).toBe('red\n20%\n');
    expect(read(buffer, { raw: true }).text).toBe('\x1b[31mred\x1b[0m\r\n10%\r20%\r\n');
    expect(read(buffer, { raw: true, tail: 1 }).text).toBe('10%\r20%\r\n');
    expect((await search(buffer, '31m', { raw: true })).text).toBe('\x1b[31mred\x1b[0m\r\n');
  });

  it('shows raw bytes of both streams as they came', () => {
    expect(read(bufferOf('a', ['stderr', 'b\nc'], 'd\n'), { raw: true }).text).toBe('ab\ncd\n');
  });
});

describe('renderPage: budget', () => {
  it.each([1, 2, 3, 10, 50, 200, 333, 1000, 16_000])(
    'splits a line that is longer than %i bytes and loses nothing of it',
    (maxBytes) => {
      const long = 'é'.repeat(maxBytes < 200 ? 200 : 20_000);
      const buffer = bufferOf(`short\n${long}\nend\n`);
      for (const raw of [false, true]) {
        let text = '';
        for (let next = 0; next < buffer.end;) {
          const page = read(buffer, { since: next, maxBytes, raw });
          // One character and a newline are shown in any case.
          expect(Buffer.byteLength(page.text)).toBeLessThanOrEqual(Math.max(3, maxBytes));
          expect(page.next).toBeGreaterThan(next);
          text += page.text;
          next = page.next;
        }
        expect(text).toBe(`short\n${long}\nend\n`);
      }
    },
  );

  it('shows one piece where there is room for nothing, with the border before it', () => {
    const lines = bufferOf(numbered(1, 100));
    for (const maxBytes of [1, 10, 50, 100]) {
      for (const request of [{ since: 0 }, { tail: 50 }, { head: 1, tail: 1 }]) {
        const { text } = read(lines, { ...request, maxBytes });
        expect(text).not.toBe('');
        expect(text.replace(/--- \d+ omitted ---\n/, '').length).toBeLessThanOrEqual(Math.max(4, maxBytes));
      }
    }
    lines.beginRun(2, 0);
    lines.append('stdout', Buffer.from('second\n'), 0);
    const page = read(lines, { since: numbered(1, 100).length, maxBytes: 1 });
    expect(page.text).toBe('--- run 2 started 1970-01-01T00:00:00Z ---\ns');
    expect(read(lines, { since: page.next, maxBytes: 1 }).text).toBe('e');
  });

  it('takes no long escape sequence apart', () => {
    const link = `\x1b]8;;https://example.com/${'x'.repeat(300)}\x07`;
    const buffer = bufferOf(`${link}${'text'.repeat(100)}${link}\n`);
    for (const maxBytes of [1, 20, 200]) {
      let text = '';
      for (let next = 0; next < buffer.end;) {
        const page = read(buffer, { since: next, maxBytes });
        text += page.text;
        next = page.next;
      }
      expect(text).toBe(`${'text'.repeat(100)}\n`);
    }
  });

  it('keeps the end of a tail that is too long, and says what is missing', () => {
    const page = read(HUNDREDS, { tail: 400, maxBytes: 300 });
    expect(Buffer.byteLength(page.text)).toBeLessThanOrEqual(300);
    const shown = page.text.split('\n').length - 1;
    expect(page.text).toBe(numbered(501 - shown, 500));
    expect(page.omitted).toEqual([{ lines: 500 - shown, where: 'before' }]);
  });

  it('counts back over lines longer than a slice where the page has room for them', () => {
    const buffer = bufferOf(`a\nb\nc\n${'x'.repeat(70_000)}\n`);
    const page = read(buffer, { tail: 3, maxBytes: 100_000 });
    expect(page.text).toBe(`b\nc\n${'x'.repeat(70_000)}\n`);
    expect(page.omitted).toEqual([{ lines: 1, where: 'before' }]);
  });

  it('keeps the end of a last line that is too long', () => {
    const buffer = bufferOf(`first\n${'x'.repeat(300_000)}THE END`);
    const page = read(buffer, { maxBytes: 500 });
    expect(page.text).toMatch(/^x+THE END$/);
    expect(page.text.length).toBeGreaterThan(300);
    expect(page.text.length).toBeLessThanOrEqual(500);
    expect(page.omitted).toEqual([{ lines: 2, where: 'before' }]);
  });

  it('counts bytes that invalid UTF-8 grows to', () => {
    const buffer = new OutputBuffer(100_000);
    buffer.append('stdout', Buffer.alloc(50_000, 0xff), 1);
    for (const request of [{ since: 0 }, { tail: 5 }, { since: 0, raw: true }]) {
      const page = read(buffer, { ...request, maxBytes: 1000 });
      expect(Buffer.byteLength(page.text)).toBeLessThanOrEqual(1000);
      expect(page.text).toMatch(/^\ufffd+$/);
    }
  });
});

describe('renderPage: search', () => {
  const LOG = bufferOf('a\nb\nERROR one\nc\nd\ne\nERROR two\nf\nERROR three\ng\n');

  it('shows hits and counts them', async () => {
    const page = await search(LOG, 'ERROR');
    expect(page).toMatchObject({
      text: 'ERROR one\nERROR two\nERROR three\n',
      matches: 3,
      omitted: [],
      next: LOG.end,
    });
    expect(await search(LOG, 'absent')).toMatchObject({ text: '', matches: 0, omitted: [], next: LOG.end });
    expect((await search(LOG, 'ERROR t(wo|hree)')).matches).toBe(2);
  });

  it('shows neighbours and separates groups that are not adjacent', async () => {
    expect((await search(LOG, 'ERROR', { context: 1 })).text).toBe(
      'b\nERROR one\nc\n--\ne\nERROR two\nf\nERROR three\ng\n',
    );
    expect((await search(LOG, 'ERROR', { context: 2 })).text).toBe(
      'a\nb\nERROR one\nc\nd\ne\nERROR two\nf\nERROR three\ng\n',
    );
  });

  it('counts hits for tail and head', async () => {
    const tail = await search(LOG, 'ERROR', { tail: 1, context: 1 });
    expect(tail).toMatchObject({ matches: 3, omitted: [{ lines: 2, where: 'before' }] });
    expect(tail.text).toMatch(/f\nERROR three\ng\n$/);
    const apart = bufferOf('a\nERROR one\nb\nc\nd\nERROR two\n');
    expect((await search(apart, 'ERROR', { tail: 1, context: 1 })).text).toBe('d\nERROR two\n');
    expect((await search(LOG, 'ERROR', { head: 2, context: 1 })).text).toMatch(/ERROR two\nf\n$/);
    const head = await search(LOG, 'ERROR', { head: 1, context: 1 });
    expect(head).toMatchObject({
      text: 'b\nERROR one\nc\n',
      matches: 3,
      omitted: [{ lines: 2, where: 'after' }],
    });
    expect((await search(LOG, 'ERROR', { since: head.next })).text).toBe('ERROR two\nERROR three\n');
  });

  it('shows every hit once to a reader that goes on by next', async () => {
    let text = '';
    let matches = 0;
    for (let next = 0, guard = 0; next < HUNDREDS.end && guard < 100; guard++) {
      const page = await search(HUNDREDS, '[05]$', { since: next, maxBytes: 200 });
      if (guard === 0) matches = page.matches ?? 0;
      text += page.text;
      next = page.next;
    }
    expect(text.match(/line \d+/g)).toEqual(
      Array.from({ length: 100 }, (_, index) => `line ${index * 5 + 5}`),
    );
    expect(matches).toBe(100);
  });

  it('matches lines whole that no page could hold, and cuts them to what is around the match', async () => {
    const error = `ERROR: ${'x'.repeat(20_000)} code=42`;
    const ends = await search(bufferOf(`ok\n${error}\n`), 'ERROR.*code=(\\d+)', { since: 0 });
    expect(ends.matches).toBe(1);
    expect(ends.text).toMatch(
      /^ERROR: x{1000,}…x{1000,} code=42 \[\d+ of 20015 bytes left out: get_output since=3 without grep\]\n$/,
    );
    const needle = `${'é'.repeat(5000)}NEEDLE${'x'.repeat(11_000)}\n`;
    const buffer = bufferOf(`first\n${needle}`, ['stderr', 'between\n'], needle, `last ${needle}`);
    const page = await search(buffer, 'NEEDLE', { since: 0 });
    expect(page).toMatchObject({ matches: 3, omitted: [], next: buffer.end });
    expect(
      page.text.match(/^…é+NEEDLEx+… \[\d+ of \d+ bytes left out: get_output since=\d+ without grep\]$/gm),
    ).toHaveLength(3);
    expect(Buffer.byteLength(page.text)).toBeLessThanOrEqual(16_000);
    expect((await search(bufferOf(`${'b'.repeat(50_000)}\n`), 'b')).matches).toBe(1);
    expect((await search(bufferOf(`${'b'.repeat(500_000)}\n`), 'b')).matches).toBe(1);
  });

  it.each([1, 30, 200, 500, 2000])('shows every long hit once in pages of %i bytes', async (maxBytes) => {
    const json = Array.from({ length: 4 }, (_, n) => `{"n":${n},"pad":"${'p'.repeat(2500)}","error":1}\n`);
    const buffer = bufferOf(
      ...json.flatMap((text, n) => [text, ['stderr', `note ${n}\n`] as [StreamName, string]]),
    );
    for (const request of [{ grep: '^\\{.*error' }, { grep: '"n"', context: 1 }]) {
      let text = '';
      for (let next = 0, guard = 0; next < buffer.end; guard++) {
        const page = await search(buffer, request.grep, { ...request, since: next, maxBytes });
        expect(Buffer.byteLength(page.text)).toBeLessThanOrEqual(Math.max(2, maxBytes));
        if (guard === 0) expect(page.matches).toBe(4);
        expect(page.next).toBeGreaterThan(next);
        text += page.text;
        next = page.next;
      }
      expect(text.match(maxBytes < 30 ? /^[{"]/gm : /"n"|"n/g)).toHaveLength(4);
    }
  });

  it('finds a line that the other stream interrupts, wherever a page ended within it', async () => {
    const buffer = bufferOf('ERR', ['stderr', 'ERROR x\n']);
    const first = await search(buffer, 'ERROR', { since: 0 });
    expect(first).toMatchObject({ text: 'ERROR x\n', next: 11 });
    buffer.append('stdout', Buffer.from('OR y\n'), 1);
    const second = await search(buffer, 'ERROR', { since: 11 });
    expect(second).toMatchObject({ text: 'ERROR y\n', matches: 1, from: 11, next: 16 });
    expect(await search(buffer, 'ERROR', { since: 16 })).toMatchObject({ text: '', matches: 0 });
  });

  it('ends a page that is full within a hit of the other stream with its beginning', async () => {
    const hits = Array.from({ length: 100 }, (_, n) => `ERROR ${n}\n`).join('');
    const buffer = bufferOf('ERROR begin', ['stderr', hits], 'ning\n');
    let text = '';
    for (let next = 0; next < buffer.end;) {
      const page = await search(buffer, 'ERROR', { since: next, maxBytes: 300 });
      expect(Buffer.byteLength(page.text)).toBeLessThanOrEqual(300);
      if (next === 0) expect(page.text.endsWith('\nERROR begin')).toBe(true);
      text += page.text;
      next = page.next;
    }
    expect(text.match(/ERROR \d+/g)).toHaveLength(100);
    expect(text.match(/begin/g)).toHaveLength(1);
    expect(text.endsWith('\nning\n')).toBe(true);
  });

  it('goes back to an unfinished line unless a hit came after it', async () => {
    const buffer = bufferOf('ERR', ['stderr', 'warning\n']);
    expect(await search(buffer, 'ERROR', { since: 0 })).toMatchObject({ text: '', next: 0 });
    expect(
      renderPage({ buffer, runFrom: 0, ended: true }, { since: 0 }, await compilePattern('ERROR')).next,
    ).toBe(11);
    buffer.append('stderr', Buffer.alloc(70_000, '\n'), 1);
    expect((await search(buffer, 'ERROR', { since: 0 })).next).toBe(buffer.end);
  });

  it('shows the rest of a line whose beginning was shown', async () => {
    const buffer = bufferOf('ERROR: conn');
    const { text, next } = await search(buffer, 'ERROR', { since: 0 });
    expect({ text, next }).toEqual({ text: 'ERROR: conn', next: 11 });
    buffer.append('stdout', Buffer.from('ection refused\nbye\n'), 1);
    expect((await search(buffer, 'ERROR', { since: next })).text).toBe('ection refused\n');
    expect((await search(buffer, '^ection', { since: next })).text).toBe('ERROR: connection refused\n');
  });

  it('looks again at an unfinished line that does not match yet', async () => {
    const buffer = bufferOf('old\nserver re');
    const page = await search(buffer, 'ready', { since: 0 });
    expect(page).toMatchObject({ text: '', next: 4 });
    buffer.append('stdout', Buffer.from('ady\n'));
    expect((await search(buffer, 'ready', { since: page.next })).text).toBe('server ready\n');
  });

  it('makes progress past neighbours that fill a page', async () => {
    const buffer = bufferOf(`${`${'x'.repeat(150)}\n`.repeat(10)}HIT\n`);
    let text = '';
    for (let next = 0, guard = 0; next < buffer.end; guard++) {
      const page = await search(buffer, 'HIT', { since: next, context: 10, maxBytes: 200 });
      expect(guard).toBeLessThan(30);
      text += page.text;
      next = page.next;
    }
    expect(text).toContain('HIT');
  });
});

describe('renderPage: runs', () => {
  function twoRuns(): OutputBuffer {
    const buffer = bufferOf('first\nunfinished');
    buffer.beginRun(2, Date.parse('2026-11-21T10:00:00Z'));
    buffer.append('stdout', Buffer.from('second\n'), 0);
    return buffer;
  }
  const BORDER = '--- run 2 started 2026-11-21T10:00:00Z ---';

  it('begins at the current run, and marks the border where a page spans it', () => {
    const buffer = twoRuns();
    const runFrom = buffer.runStart(2);
    expect(read(buffer, {}, runFrom).text).toBe('second\n');
    expect(read(buffer, { since: 0 }, runFrom).text).toBe(`first\nunfinished\n${BORDER}\nsecond\n`);
    expect(read(buffer, { since: 0, tail: 1 }, runFrom).text).toBe(`${BORDER}\nsecond\n`);
  });

  it('shows the border once to a reader that goes on by next', () => {
    const buffer = bufferOf('first\n');
    const before = read(buffer, { since: 0 });
    buffer.beginRun(2, Date.parse('2026-11-21T10:00:00Z'));
    const between = read(buffer, { since: before.next }, buffer.runStart(2));
    buffer.append('stdout', Buffer.from('second\n'), 0);
    const after = read(buffer, { since: between.next }, buffer.runStart(2));
    expect([before.text, between.text, after.text]).toEqual(['first\n', '', `${BORDER}\nsecond\n`]);
  });

  it('marks only the last of several runs that printed nothing', () => {
    const buffer = bufferOf('first\n');
    for (let run = 2; run < 900; run++) buffer.beginRun(run, 0);
    buffer.append('stdout', Buffer.from('end\n'), 0);
    expect(read(buffer, { since: 0 }).text).toBe(
      'first\n--- run 899 started 1970-01-01T00:00:00Z ---\nend\n',
    );
  });
});

describe('tailText and lastLine', () => {
  it('give the last lines within bounds', () => {
    expect(tailText(HUNDREDS, 0)).toBe(numbered(481, 500).trimEnd());
    expect(tailText(HUNDREDS, 0, { lines: 2 })).toBe('line 499\nline 500');
    expect(Buffer.byteLength(tailText(bufferOf('x'.repeat(9000)), 0))).toBeLessThanOrEqual(2000);
    expect(tailText(bufferOf('out\n', ['stderr', 'err\n']), 0, { stream: 'stderr' })).toBe('err');
    expect(tailText(bufferOf(), 0)).toBe('');
  });

  it('give the last line that is not blank, cut to its length', () => {
    expect(lastLine(bufferOf('a\nb\n\n  \n'), 0)).toBe('b');
    expect(lastLine(bufferOf('a\nprompt> '), 0)).toBe('prompt> ');
    expect(lastLine(bufferOf('old run\n'), 8)).toBe('');
    expect(lastLine(bufferOf(`a\n${'\n'.repeat(5000)}`), 0)).toBe('a');
    expect(lastLine(bufferOf('😀'.repeat(500)), 0, 5)).toBe('😀😀');
    expect(lastLine(bufferOf('10%\r20%'), 0)).toBe('20%');
  });
});
