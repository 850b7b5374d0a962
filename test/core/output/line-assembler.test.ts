import { describe, expect, it } from 'vitest';
import { LineAssembler, type Line } from '../../../src/core/output/line-assembler.ts';
import type { StreamFilter, StreamName } from '../../../src/core/types.ts';
import { randomNumbers } from '../../helpers/random.ts';

interface Fixture {
  push: (stream: StreamName, text: string | Buffer) => void;
  assembler: LineAssembler;
  lines: Line[];
}

function assemble(stream: StreamFilter = 'both', maxLineBytes = 65_536): Fixture {
  const lines: Line[] = [];
  const assembler = new LineAssembler({ stream, maxLineBytes }, (line) => {
    lines.push(line);
  });
  let from = 0;
  return {
    lines,
    assembler,
    push: (name, text) => {
      // A copy that is overwritten afterwards: views must not outlive the push.
      const bytes = Buffer.from(text);
      assembler.push({ stream: name, from, at: from, bytes });
      from += bytes.length;
      bytes.fill('!');
    },
  };
}

function texts(lines: Line[]): string[] {
  return lines.map(({ text }) => text);
}

const MIXED = Buffer.concat([
  Buffer.from('plain\n\x1b[32mgreen\x1b[0m 日本語\r\n10%\r50%\r\x1b[K100%\n\n😀 \x1b]0;title\x07é\n'),
  Buffer.from([0x61, 0xff, 0xc3, 0x0a]),
  Buffer.from('a\tb\b\bX\nprompt> '),
]);
const MIXED_LINES = ['plain', 'green 日本語', '100%', '', '😀 é', 'a\ufffd\ufffd', 'aXb'];

describe('LineAssembler', () => {
  it('makes the same lines of every two chunks', () => {
    for (let split = 0; split <= MIXED.length; split++) {
      const { push, lines, assembler } = assemble();
      push('stdout', MIXED.subarray(0, split));
      push('stdout', MIXED.subarray(split));
      expect(texts(lines)).toEqual(MIXED_LINES);
      expect(texts(assembler.partials())).toEqual(['prompt> ']);
    }
  });

  it('makes the same lines of any chunks, with the other stream in between', () => {
    const random = randomNumbers(4);
    for (let round = 0; round < 300; round++) {
      const { push, lines } = assemble();
      for (let from = 0; from < MIXED.length;) {
        const to = Math.min(MIXED.length, from + 1 + Math.floor(random() * 6));
        push('stdout', MIXED.subarray(from, to));
        if (random() < 0.5) push('stderr', random() < 0.5 ? 'err' : 'or\n');
        from = to;
      }
      expect(texts(lines.filter(({ stream }) => stream === 'stdout'))).toEqual(MIXED_LINES);
    }
  });

  it('gives lines in order of completion with their place in the merged output', () => {
    const { push, lines, assembler } = assemble();
    push('stdout', 'out ');
    push('stderr', 'err\nrest');
    push('stdout', 'put\nmore');
    expect(lines).toEqual([
      { stream: 'stderr', from: 4, to: 8, at: 4, text: 'err', complete: true },
      { stream: 'stdout', from: 0, to: 16, at: 12, text: 'out put', complete: true },
    ]);
    expect(assembler.partials()).toMatchObject([
      { stream: 'stderr', from: 8, to: 12, text: 'rest', complete: false },
      { stream: 'stdout', from: 16, to: 20, text: 'more', complete: false },
    ]);
  });

  it('takes only the stream it is asked for', () => {
    const { push, lines } = assemble('stderr');
    push('stdout', 'no\n');
    push('stderr', 'yes\n');
    push('stdout', 'no\n');
    expect(texts(lines)).toEqual(['yes']);
  });

  it('holds back a character or an escape sequence that is not finished', () => {
    const { push, assembler } = assemble();
    push('stdout', Buffer.from('caf\xc3', 'latin1'));
    expect(texts(assembler.partials())).toEqual(['caf']);
    push('stdout', Buffer.from('\xa9 \x1b[3', 'latin1'));
    expect(texts(assembler.partials())).toEqual(['café ']);
    push('stdout', '1mred');
    expect(texts(assembler.partials())).toEqual(['café red']);
  });

  it('hands out an over-long line in pieces that never split a character', () => {
    const { push, lines } = assemble('both', 100);
    const text = 'é😀x'.repeat(100);
    const bytes = Buffer.from(`${text}\nnext\n`);
    for (let from = 0; from < bytes.length; from += 7) push('stdout', bytes.subarray(from, from + 7));
    const pieces = lines.slice(0, -1);
    expect(pieces.length).toBeGreaterThan(5);
    expect(texts(pieces).join('')).toBe(text);
    expect(pieces.map(({ complete }) => complete)).toEqual([...pieces.slice(1).map(() => false), true]);
    expect(lines.at(-1)).toMatchObject({ text: 'next', complete: true });
  });

  it('holds a character or an escape sequence that is longer than a piece', () => {
    const { push, lines, assembler } = assemble('both', 1);
    for (const byte of Buffer.from('é\x1b]0;a long title\x07ok\x1b[31m!')) push('stdout', Buffer.of(byte));
    expect([...texts(lines), ...texts(assembler.partials())].join('')).toBe('éok!');
    push('stdout', `\x1b]0;${'x'.repeat(5000)}\n`);
    expect(lines.at(-1)).toMatchObject({ complete: true });
  });

  it('takes 100 MB without a newline in bounded memory', () => {
    let pieces = 0;
    const assembler = new LineAssembler({ stream: 'both' }, () => pieces++);
    const bytes = Buffer.alloc(65_536, 'x');
    const before = process.memoryUsage().arrayBuffers;
    for (let index = 0; index < 1526; index++)
      assembler.push({ stream: 'stdout', from: index * 65_536, at: 0, bytes });
    expect(pieces).toBeGreaterThan(1500);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
  });

  it('folds an hour of a progress bar to one line', () => {
    const { push, lines } = assemble('both', 1000);
    for (let step = 0; step <= 5000; step++) push('stdout', `\r${step} of 5000 [${'#'.repeat(step / 250)}]`);
    push('stdout', '\r\n');
    expect(texts(lines)).toEqual([`5000 of 5000 [${'#'.repeat(20)}]`]);
    expect(lines[0]).toMatchObject({ from: 0, complete: true });
  });

  it('does not take the return of a line end for a redraw, however long the line', () => {
    const { push, lines } = assemble('both', 100);
    push('stdout', `${'x'.repeat(99)}\r`);
    push('stdout', '\r\n');
    expect(texts(lines).join('')).toBe('x'.repeat(99));
  });

  it('gives raw lines of the merged bytes on request', () => {
    const lines: Line[] = [];
    const assembler = new LineAssembler({ stream: 'both', raw: true }, (line) => {
      lines.push(line);
    });
    assembler.push({ stream: 'stdout', from: 0, at: 0, bytes: Buffer.from('\x1b[1ma\rb') });
    assembler.push({ stream: 'stderr', from: 7, at: 0, bytes: Buffer.from('c\n') });
    expect(texts(lines)).toEqual(['\x1b[1ma\rbc']);
  });
});
