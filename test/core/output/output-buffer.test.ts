import { describe, expect, it } from 'vitest';
import { countNewlines } from '../../../src/core/output/count-newlines.ts';
import { OutputBuffer } from '../../../src/core/output/output-buffer.ts';
import { randomNumbers } from '../../helpers/random.ts';

function contents(buffer: OutputBuffer, from = buffer.start, to = buffer.end): string {
  return Buffer.concat([...buffer.segments(from, to)].map(({ bytes }) => Buffer.from(bytes))).toString(
    'latin1',
  );
}

describe('countNewlines', () => {
  it('agrees with a plain count for every density, length and alignment', () => {
    const random = randomNumbers(1);
    for (let round = 0; round < 500; round++) {
      const density = random() ** 3;
      const bytes = Buffer.alloc(Math.floor(random() * 5000));
      for (let index = 0; index < bytes.length; index++) {
        bytes[index] = random() < density ? 10 : Math.floor(random() * 256);
      }
      const view = bytes.subarray(Math.floor(random() * 8));
      expect(countNewlines(view)).toBe(view.filter((byte) => byte === 10).length);
    }
  });

  it('is right where a sparse beginning hides a dense rest', () => {
    const bytes = Buffer.concat([Buffer.alloc(2000, 0x61), Buffer.alloc(100_000, 0x0a)]);
    expect(countNewlines(bytes)).toBe(100_000);
  });
});

describe('OutputBuffer', () => {
  it('keeps the newest bytes under absolute offsets and counts what it dropped', () => {
    const buffer = new OutputBuffer(10);
    buffer.append('stdout', Buffer.from('abcdef\n'), 1);
    buffer.append('stdout', Buffer.from('ghijkl\n'), 2);
    expect(contents(buffer)).toBe('ef\nghijkl\n'.slice(-10));
    expect(buffer).toMatchObject({ start: 4, end: 14, retainedBytes: 10, droppedBytes: 4, lines: 2 });
  });

  it('equals a string that is cut at the front, whatever the sizes of chunks and ring', () => {
    const random = randomNumbers(2);
    for (let round = 0; round < 60; round++) {
      const capacity = 1 + Math.floor(random() * 60_000);
      const buffer = new OutputBuffer(capacity);
      let all = '';
      for (let step = 0; step < 40; step++) {
        const text = String.fromCharCode(97 + (step % 26)).repeat(Math.floor(random() ** 2 * 40_000));
        buffer.append('stdout', Buffer.from(text), 1);
        all += text;
        expect(buffer.end).toBe(all.length);
        expect(buffer.retainedBytes).toBe(Math.min(capacity, all.length));
      }
      expect(contents(buffer)).toBe(all.slice(-capacity));
      const from = buffer.start + Math.floor(random() * buffer.retainedBytes);
      const to = from + Math.floor(random() * (buffer.end - from));
      expect(contents(buffer, from, to)).toBe(all.slice(from, to));
    }
  });

  it('tells the streams apart and when each stretch arrived', () => {
    const buffer = new OutputBuffer(1000);
    buffer.append('stdout', Buffer.from('a'), 1000);
    buffer.append('stdout', Buffer.from('b'), 1003);
    buffer.append('stderr', Buffer.from('c'), 1003);
    buffer.append('stderr', Buffer.from('d'), 2000);
    const found = [...buffer.segments(0, buffer.end)].map(({ stream, from, at, bytes }) => {
      return { stream, from, at, text: Buffer.from(bytes).toString() };
    });
    expect(found).toEqual([
      { stream: 'stdout', from: 0, at: 1000, text: 'ab' },
      { stream: 'stderr', from: 2, at: 1003, text: 'c' },
      { stream: 'stderr', from: 3, at: 2000, text: 'd' },
    ]);
  });

  it('marks where runs begin, and still knows the current one when its beginning is gone', () => {
    const buffer = new OutputBuffer(100);
    expect(buffer.runStart(1)).toBe(0);
    buffer.beginRun(1, 5);
    buffer.append('stdout', Buffer.from('one'), 6);
    buffer.beginRun(2, 7);
    buffer.append('stdout', Buffer.from('two'), 8);
    expect(buffer.borders(0, 3)).toEqual([{ run: 1, offset: 0, at: 5 }]);
    expect(buffer.borders(3, 6)).toEqual([{ run: 2, offset: 3, at: 7 }]);
    expect(buffer.runStart(2)).toBe(3);
    expect(buffer.runStart(3)).toBe(6);
    buffer.append('stdout', Buffer.alloc(500, 'x'), 9);
    expect(buffer.runStart(2)).toBe(3);
    expect(buffer.runStart(1)).toBe(buffer.start);
  });

  it('keeps a bounded number of borders through endless restarts', () => {
    const buffer = new OutputBuffer(100);
    for (let run = 1; run <= 5000; run++) buffer.beginRun(run, run);
    expect(buffer.borders(0, 1).length).toBeLessThanOrEqual(1000);
    expect(buffer.runStart(5000)).toBe(0);
  });

  it('shrinks and grows on request, keeping the newest bytes', () => {
    const buffer = new OutputBuffer(100_000);
    const all = Array.from({ length: 20_000 }, (_, index) => String.fromCharCode(97 + (index % 26))).join('');
    buffer.append('stdout', Buffer.from(all), 1);
    buffer.setCapacity(50);
    expect(contents(buffer)).toBe(all.slice(-50));
    expect(buffer.droppedBytes).toBe(all.length - 50);
    buffer.setCapacity(60);
    buffer.append('stderr', Buffer.from('0123456789ABCDEF'), 2);
    expect(contents(buffer)).toBe(`${all}0123456789ABCDEF`.slice(-60));
  });

  it('stays within its memory when a child alternates one-byte writes on both streams', () => {
    const buffer = new OutputBuffer(64 * 1024);
    const before = process.memoryUsage();
    for (let index = 0; index < 500_000; index++) {
      buffer.append(index % 2 === 0 ? 'stdout' : 'stderr', Buffer.from([0x61]), index);
    }
    const segments = [...buffer.segments(0, buffer.end)];
    expect(segments.length).toBe(1024);
    expect(buffer.droppedBytes + buffer.retainedBytes).toBe(500_000);
    expect(process.memoryUsage().arrayBuffers - before.arrayBuffers).toBeLessThan(32 * 1024 * 1024);
  });

  it('takes a gigabyte, and 100 MB in one chunk without a newline', () => {
    const buffer = new OutputBuffer(4 * 1024 * 1024);
    const chunk = Buffer.from(`${'x'.repeat(63)}\n`.repeat(1024));
    for (let index = 0; index < 16_384; index++) buffer.append('stdout', chunk, 1);
    expect(buffer).toMatchObject({ end: 2 ** 30, lines: 2 ** 24, retainedBytes: 4 * 1024 * 1024 });
    buffer.append('stdout', Buffer.alloc(100_000_000, 'y'), 2);
    expect(contents(buffer, buffer.end - 5)).toBe('yyyyy');
    expect(buffer).toMatchObject({ end: 2 ** 30 + 100_000_000, lines: 2 ** 24 });
  });
});
