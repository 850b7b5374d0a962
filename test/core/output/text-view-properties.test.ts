import { describe, expect, it } from 'vitest';
import { OutputBuffer } from '../../../src/core/output/output-buffer.ts';
import { compilePattern } from '../../../src/core/output/pattern.ts';
import { renderPage } from '../../../src/core/output/text-view.ts';
import type { StreamName } from '../../../src/core/types.ts';
import { randomNumbers } from '../../helpers/random.ts';

/** Each stream has letters of its own, so that a reader of both can tell what came from where. */
const ALPHABETS = {
  stdout: ['a', 'b', 'c', 'é', 'ж', '日', '😀', '\n', '\x1b[31m', '\x1b[0m', '\x1b]0;1\x07'],
  stderr: ['A', 'B', 'C', 'É', 'Ж', '本', '😎', '\n', '\x1b[1;32m', '\x1b(0', '\x1b[m'],
};
const LETTERS = { stdout: /[abcéж日😀]/gu, stderr: /[ABCÉЖ本😎]/gu };
const STREAMS = ['stdout', 'stderr'] as const;

function lettersOf(stream: StreamName, text: string): string {
  return (text.match(LETTERS[stream]) ?? []).join('');
}

/** Prints on both streams, in chunks that are cut anywhere; remembers what each was given. */
class Printer {
  readonly printed: Record<StreamName, string> = { stdout: '', stderr: '' };
  readonly #rests: Record<StreamName, Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  readonly #random: () => number;
  #now = 0;

  constructor(random: () => number) {
    this.#random = random;
  }

  print(buffer: OutputBuffer, pieces: number): void {
    for (let piece = 0; piece < pieces; piece++) {
      const stream = STREAMS[Math.floor(this.#random() * 2)] ?? 'stdout';
      let text = '';
      for (let count = Math.floor(this.#random() * 30); count > 0; count--) {
        text += ALPHABETS[stream][Math.floor(this.#random() * ALPHABETS[stream].length)] ?? '';
      }
      this.printed[stream] += text;
      const bytes = Buffer.concat([this.#rests[stream], Buffer.from(text)]);
      const cut = Math.max(0, bytes.length - Math.floor(this.#random() * 4));
      buffer.append(stream, bytes.subarray(0, cut), (this.#now += Math.floor(this.#random() * 4)));
      this.#rests[stream] = bytes.subarray(cut);
    }
  }

  finish(buffer: OutputBuffer): void {
    for (const stream of STREAMS) buffer.append(stream, this.#rests[stream], this.#now);
  }
}

describe('reading on by next', () => {
  it('shows each character of both streams once, however the output was cut and interleaved', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = randomNumbers(seed);
      const buffer = new OutputBuffer(10_000_000);
      const printer = new Printer(random);
      const texts = { both: '', stdout: '', stderr: '' };
      const cursors = { both: 0, stdout: 0, stderr: 0 };
      const catchUp = (rounds: number): void => {
        for (const stream of ['both', ...STREAMS] as const) {
          for (let round = 0; round < rounds; round++) {
            const maxBytes = 1 + Math.floor(random() * 500);
            const page = renderPage({ buffer, runFrom: 0 }, { since: cursors[stream], stream, maxBytes });
            // A piece of each stream is shown in any case.
            expect(Buffer.byteLength(page.text)).toBeLessThanOrEqual(Math.max(10, maxBytes));
            expect(page.gap).toBeUndefined();
            if (cursors[stream] < buffer.end) expect(page.next).toBeGreaterThan(cursors[stream]);
            texts[stream] += page.text;
            cursors[stream] = page.next;
          }
        }
      };
      for (let step = 0; step < 12; step++) {
        printer.print(buffer, Math.floor(random() * 8));
        catchUp(Math.floor(random() * 3));
      }
      printer.finish(buffer);
      while (Math.min(...Object.values(cursors)) < buffer.end) catchUp(1);
      for (const stream of STREAMS) {
        const expected = lettersOf(stream, printer.printed[stream]);
        expect({ seed, text: lettersOf(stream, texts.both) }).toEqual({ seed, text: expected });
        expect({ seed, text: lettersOf(stream, texts[stream]) }).toEqual({ seed, text: expected });
      }
      expect(texts.both).toMatch(/^[abcéж日😀ABCÉЖ本😎\n]*$/u);
      expect(texts.stdout.split('\n').length).toBe(printer.printed.stdout.split('\n').length);
    }
  });

  it('shows a search each character of the lines that match once, however pages cut them', async () => {
    const pattern = await compilePattern('[aA].*[bB]');
    for (let seed = 1; seed <= 100; seed++) {
      const random = randomNumbers(seed);
      const buffer = new OutputBuffer(10_000_000);
      const printer = new Printer(random);
      let text = '';
      let cursor = 0;
      const readOn = (): void => {
        const maxBytes = 400 + Math.floor(random() * 600);
        const page = renderPage({ buffer, runFrom: 0 }, { since: cursor, maxBytes }, pattern);
        expect(Buffer.byteLength(page.text)).toBeLessThanOrEqual(maxBytes);
        expect(page.next).toBeGreaterThanOrEqual(cursor);
        text += page.text;
        cursor = page.next;
      };
      for (let step = 0; step < 12; step++) {
        printer.print(buffer, Math.floor(random() * 8));
        for (let round = Math.floor(random() * 3); round > 0; round--) readOn();
      }
      printer.finish(buffer);
      for (let before = -1; cursor !== before;) {
        before = cursor;
        readOn();
      }
      for (const stream of STREAMS) {
        const lines = printer.printed[stream].split('\n');
        const matching = lines.filter((line) => pattern.test(lettersOf(stream, line)));
        const expected = lettersOf(stream, matching.join(''));
        expect({ seed, stream, text: lettersOf(stream, text) }).toEqual({ seed, stream, text: expected });
      }
    }
  });

  it('accounts for each byte by a page or a gap under eviction, for two readers alike', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = randomNumbers(seed);
      const buffer = new OutputBuffer(300);
      const printer = new Printer(random);
      const readers = [
        { cursor: 0, shown: 0, missed: 0 },
        { cursor: 0, shown: 0, missed: 0 },
      ];
      const step = (reader: (typeof readers)[number]): void => {
        const page = renderPage({ buffer, runFrom: 0 }, { since: reader.cursor, maxBytes: 200 });
        if (page.gap)
          expect(page.gap).toEqual({ from: reader.cursor, to: buffer.start, bytes: page.gap.bytes });
        expect(page.from).toBe(reader.cursor + (page.gap?.bytes ?? 0));
        reader.missed += page.gap?.bytes ?? 0;
        reader.shown += page.next - page.from;
        reader.cursor = page.next;
      };
      for (let turn = 0; turn < 40; turn++) {
        printer.print(buffer, 3);
        for (const reader of readers) if (random() < 0.5) step(reader);
      }
      for (const reader of readers) {
        while (reader.cursor < buffer.end) step(reader);
        expect(reader.shown + reader.missed).toBe(buffer.end);
      }
    }
  });
});

describe('a tail', () => {
  it('is the end of the whole, for any number of lines and any budget', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = randomNumbers(seed);
      const buffer = new OutputBuffer(1_000_000);
      const printer = new Printer(random);
      printer.print(buffer, 60);
      printer.finish(buffer);
      for (const stream of ['both', ...STREAMS] as const) {
        const whole = renderPage({ buffer, runFrom: 0 }, { since: 0, stream, maxBytes: 1_000_000 }).text;
        const tail = 1 + Math.floor(random() * 40);
        const page = renderPage({ buffer, runFrom: 0 }, { tail, stream, maxBytes: 1_000_000 });
        expect(whole.endsWith(page.text)).toBe(true);
        const lines = whole.split('\n').length - (whole.endsWith('\n') ? 1 : 0);
        const shown = page.text.split('\n').length - (page.text.endsWith('\n') ? 1 : 0);
        expect({ seed, stream, shown }).toEqual({ seed, stream, shown: Math.min(tail, lines) });
        const omitted = page.omitted.reduce((sum, part) => sum + part.lines, 0);
        expect(omitted + shown).toBe(lines);
        const small = renderPage({ buffer, runFrom: 0 }, { tail, stream, maxBytes: 200 });
        expect(Buffer.byteLength(small.text)).toBeLessThanOrEqual(200);
        expect(whole.endsWith(small.text)).toBe(true);
      }
    }
  });
});
