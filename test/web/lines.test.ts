import { describe, expect, it } from 'vitest';
import { drawLine, PLAIN, styleAfter } from '../../src/web/log/ansi.ts';
import { LineStore, MAX_LINES } from '../../src/web/log/line-store.ts';
import { Rows, toSearch, type RowOptions } from '../../src/web/log/rows.ts';
import { segmentsOf } from '../../src/web/log/segments.ts';

const ALL: RowOptions = { stdout: true, stderr: true, onlyMatches: false };

function print(store: LineStore, text: string | Uint8Array, stream: 'stdout' | 'stderr' = 'stdout'): void {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text;
  store.push({ stream, from: 0, at: 1, bytes });
}

const texts = (store: LineStore): string[] => store.lines.map(({ text }) => text);

describe('what a line shows', () => {
  it('has its colours as spans', () => {
    expect(drawLine('a\x1b[1;31mb\x1b[0mc', PLAIN)).toEqual([
      { text: 'a', style: {} },
      { text: 'b', style: { bold: true, fg: 1 } },
      { text: 'c', style: {} },
    ]);
    expect(drawLine('\x1b[38;5;196mx\x1b[48;2;1;2;3my', PLAIN)).toEqual([
      { text: 'x', style: { fg: '#ff0000' } },
      { text: 'y', style: { fg: '#ff0000', bg: '#010203' } },
    ]);
    expect(styleAfter('\x1b[32mgreen goes on', PLAIN)).toEqual({ fg: 2 });
  });

  it.each([
    ['a redraw', ' 10%\r 40%\r100%', '100%'],
    ['a shorter redraw', 'downloading\rdone', 'doneloading'],
    ['one that erases first', 'downloading\r\x1b[Kdone', 'done'],
    ['backspaces', 'abc\b\bX', 'aXc'],
    ['a title', '\x1b]0;title\x07text', 'text'],
    ['a link', '\x1b]8;;http://x\x1b\\text\x1b]8;;\x1b\\', 'text'],
    ['moves along the line', 'ab\x1b[3Cc\x1b[1GA', 'Ab   c'],
  ])('is the final state of %s', (_, raw, shown) => {
    const text = drawLine(raw, PLAIN)
      .map((span) => span.text)
      .join('');
    expect(text).toBe(shown);
  });
});

describe('the store of lines', () => {
  it('joins what comes in pieces, characters among them', () => {
    const store = new LineStore();
    const bytes = new TextEncoder().encode('grün\r\nrest');
    for (const byte of bytes) print(store, Uint8Array.of(byte));
    expect(texts(store)).toEqual(['grün', 'rest']);
  });

  it('keeps the streams apart in the middle of a line', () => {
    const store = new LineStore();
    print(store, 'out: ');
    print(store, 'err\n', 'stderr');
    print(store, 'done\n');
    expect(store.lines).toMatchObject([
      { kind: 'stdout', text: 'out: done' },
      { kind: 'stderr', text: 'err' },
    ]);
  });

  it('is bounded, and counts what it dropped', () => {
    const store = new LineStore();
    for (let i = 0; i < 13; i++) print(store, 'x\n'.repeat(5000));
    expect(store.lines.length).toBeLessThanOrEqual(MAX_LINES);
    expect(store.lines.length + store.dropped).toBe(65_000);
    print(store, 'y'.repeat(100_000));
    expect(store.lines.at(-1)?.raw.length).toBe(20_000);
  });
});

describe('a line drawn over and over', () => {
  it('shows its last state, however long it goes on', () => {
    const store = new LineStore();
    for (let i = 0; i <= 5000; i++) print(store, `\r\x1b[32mstep ${i}`);
    expect(texts(store)).toEqual(['step 5000']);
    expect(store.lines[0]?.raw.length).toBeLessThan(5000);
    expect(drawLine(store.lines[0]?.raw ?? '', store.lines[0]?.start ?? PLAIN)).toEqual([
      { text: 'step 5000', style: { fg: 2 } },
    ]);
  });
});

describe('the rows', () => {
  it('are the same whether they came at once or one by one', () => {
    const [store, rows] = [new LineStore(), new Rows()];
    const options: RowOptions = { ...ALL, columns: 4, search: /b/i };
    for (const piece of ['a', 'aaaaa\nb', 'b\n', 'ccc\nB', '\n']) {
      print(store, piece);
      rows.update(store, options);
    }
    const fresh = new Rows();
    fresh.update(store, { ...options });
    expect(rows.rows).toEqual(fresh.rows);
    expect(rows.rows).toEqual([
      { line: 0, from: 0 },
      { line: 0, from: 4 },
      { line: 1, from: 0 },
      { line: 2, from: 0 },
      { line: 3, from: 0 },
    ]);
    expect(rows.matches).toEqual([1, 3]);
  });

  it('leave out a stream, or what does not match', () => {
    const [store, rows] = [new LineStore(), new Rows()];
    print(store, 'one\ntwo\n');
    print(store, 'three\n', 'stderr');
    rows.update(store, { ...ALL, stderr: false });
    expect(rows.rows.map(({ line }) => line)).toEqual([0, 1]);
    rows.update(store, { ...ALL, search: /t/, onlyMatches: true });
    expect(rows.rows.map(({ line }) => line)).toEqual([1, 2]);
  });

  it('tell how many went at the top', () => {
    const [store, rows] = [new LineStore(), new Rows()];
    print(store, 'x\n'.repeat(MAX_LINES));
    rows.update(store, ALL);
    print(store, 'x\n');
    expect(rows.update(store, ALL)).toBe(5001);
    expect(rows.rows).toHaveLength(store.lines.length);
  });

  it('search for text as it is, or for a pattern', () => {
    expect(toSearch('a.b(', false)?.test('xA.B(y')).toBe(true);
    expect(toSearch('a.b', false)?.test('axb')).toBe(false);
    expect(toSearch('a.b', true)?.test('axb')).toBe(true);
    expect(toSearch('(', true)).toBeUndefined();
    expect(toSearch('', false)).toBeUndefined();
  });

  it('mark hits and addresses, over the borders of colours', () => {
    const store = new LineStore();
    print(store, 'see http://lo\x1b[36mcalhost:5173/\x1b[0m.');
    const [line] = store.lines;
    const segments = segmentsOf(line!, 0, 100, /local/i);
    expect(segments.map(({ text, hit, href }) => [text, hit, href])).toEqual([
      ['see ', false, undefined],
      ['http://', false, 'http://localhost:5173/'],
      ['lo', true, 'http://localhost:5173/'],
      ['cal', true, 'http://localhost:5173/'],
      ['host:5173/', false, 'http://localhost:5173/'],
      ['.', false, undefined],
    ]);
  });
});
