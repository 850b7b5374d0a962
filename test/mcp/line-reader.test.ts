import { describe, expect, it } from 'vitest';
import { LineReader } from '../../src/mcp/line-reader.ts';

/** What a reader of at most ten bytes a line tells of these chunks. */
function read(...chunks: (string | Buffer)[]): string[] {
  const told: string[] = [];
  const reader = new LineReader(10, {
    line: (text) => told.push(text),
    tooLong: (head, tail) => told.push(`too long: ${head} … ${tail}`),
  });
  for (const chunk of chunks) reader.push(Buffer.from(chunk));
  return told;
}

describe('lines', () => {
  it('are told whole, however they are cut', () => {
    expect(read('one\ntwo\n\nthr', 'e', 'e\nfour\nfi', 've')).toEqual(['one', 'two', '', 'three', 'four']);
    const [first, second] = [Buffer.from('zwölf\n').subarray(0, 3), Buffer.from('zwölf\n').subarray(3)];
    expect(read(first, second)).toEqual(['zwölf']);
    expect(read('0', '12', '3456789', '\n', '0\n')).toEqual(['0123456789', '0']);
  });

  it('that are too long are told by their ends, and the next one is read as ever', () => {
    expect(read('0123456789a\nnext\n')).toEqual(['too long: 0123456789a … 0123456789a', 'next']);
    expect(read('01234', '56789a', 'b\nne', 'xt\n')).toEqual([
      'too long: 0123456789a … 0123456789ab',
      'next',
    ]);
    expect(read('next\n', '0123456789', 'a', '\n', '0123456789\n')).toEqual([
      'next',
      'too long: 0123456789a … 0123456789a',
      '0123456789',
    ]);
  });

  it('that are too long are not kept but for their ends', () => {
    const [told = ''] = read('<'.repeat(3000), 'x'.repeat(5_000_000), 'y', '>'.repeat(1023), '\n');
    expect(told).toBe(`too long: ${'<'.repeat(1024)} … y${'>'.repeat(1023)}`);
  });
});
