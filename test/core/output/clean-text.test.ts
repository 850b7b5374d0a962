import { describe, expect, it } from 'vitest';
import { cleanLine, splitPoint } from '../../../src/core/output/clean-text.ts';
import { randomNumbers } from '../../helpers/random.ts';

function clean(text: string): string {
  return cleanLine(Buffer.from(text));
}

describe('cleanLine', () => {
  it.each([
    ['plain\ttext', 'plain\ttext'],
    ['日本語 é 😀', '日本語 é 😀'],
    ['\x1b[1;31mred\x1b[0m text', 'red text'],
    ['\x1b[38;2;1;2;3mrgb\x1b[m', 'rgb'],
    ['\x1b[38:2::1:2:3mcolon\x1b[m', 'colon'],
    ['\x1b]0;a title\x07text', 'text'],
    ['\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\', 'link'],
    ['\x1bP1$r0m\x1b\\a\x1b_apc\x1b\\b\x1b^pm\x1b\\c\x1bXsos\x1b\\d', 'abcd'],
    ['\x1b7save\x1b8\x1b(B\x1b=', 'save'],
    ['\x1b[?25l\x1b[2J\x1b[Htop', 'top'],
    ['\u009b31mC1\u009b0m\u0085', 'C1'],
    ['bell\x07 nul\0 del\x7f vt\v ff\f', 'bell nul del vt ff'],
    ['cut off \x1b[31', 'cut off '],
    ['cut off \x1b]0;title', 'cut off '],
    ['lone \x1b', 'lone '],
  ])('shows %j as %j', (raw, text) => {
    expect(clean(raw)).toBe(text);
  });

  it.each([
    ['abcdef\rXY', 'XYcdef'],
    ['10%\r50%\r100%', '100%'],
    ['windows\r', 'windows'],
    ['windows\r\r', 'windows'],
    ['long text\r\x1b[Kshort', 'short'],
    ['long text\x1b[2K\rshort', 'short'],
    ['long text\r\x1b[0Kshort', 'short'],
    ['abcdef\x1b[3D\x1b[1K', '    ef'],
    ['abc\b\bX', 'aXc'],
    ['abc\b \b', 'ab '],
    ['\b\b\babc', 'abc'],
    ['abcdef\x1b[2GX', 'aXcdef'],
    ['abcdef\x1b[4DX', 'abXdef'],
    ['abc\r\x1b[2CX', 'abX'],
    ['a\x1b[5Gb', 'a   b'],
    ['😀😀\r😎', '😎😀'],
    ['\x1b[32m⠋\x1b[0m build\r\x1b[32m✔\x1b[0m build', '✔ build'],
    ['gone\r\x1b[K', ''],
  ])('folds %j to %j', (raw, text) => {
    expect(clean(raw)).toBe(text);
  });

  it('shows invalid UTF-8 as U+FFFD', () => {
    expect(cleanLine(Buffer.from([0x61, 0xff, 0x62, 0xc3]))).toBe('a\ufffdb\ufffd');
  });

  it('bounds the columns that a cursor move can make', () => {
    expect(clean('\x1b[999999999GX').length).toBeLessThan(1000);
    expect(clean('\x1b[999999999CX\x1b[99999999999999999999CX').length).toBeLessThan(1000);
  });

  it.each([
    ['\x1b['],
    ['\x1b]'],
    ['\x1b[2KX'],
    ['\x1b[1KX\b'],
    ['\b'],
    ['\rX\x1b[512GX'],
    ['\x1b[512GX\x1b[2K'],
    ['\x1b]0;'],
    ['\x1bP'],
    ['\x1b[0;'],
  ])('takes time in proportion to the line for %j again and again', (unit) => {
    const line = Buffer.from('x'.repeat(32_000) + unit.repeat(Math.floor(32_000 / unit.length)));
    const begun = performance.now();
    cleanLine(line);
    expect(performance.now() - begun).toBeLessThan(1000);
  });

  it('leaves no control character behind, whatever it is given', () => {
    const random = randomNumbers(3);
    const alphabet = '\x1b\x1b\x1b[]P;01K9GCD\\\x07\r\b\tab\x9b\0é😀';
    for (let round = 0; round < 3000; round++) {
      let raw = '';
      for (let index = 0; index < 30; index++) raw += alphabet[Math.floor(random() * alphabet.length)] ?? '';
      expect(clean(raw)).not.toMatch(/[\x00-\x08\x0a-\x1f\x7f-\x9f]/);
    }
  });
});

describe('splitPoint', () => {
  it.each([
    ['text', 4],
    ['text\x1b', 4],
    ['text\x1b[3', 4],
    ['text\x1b[31m', 9],
    ['text\x1b]0;ti', 4],
    ['text\x1b]0;ti\x07', 11],
    ['text\x1b(', 4],
    ['text\x1b(B', 7],
  ])('of %j is %i', (text, point) => {
    expect(splitPoint(Buffer.from(text))).toBe(point);
  });

  it('finds a split character', () => {
    const bytes = Buffer.from('a😀');
    for (const length of [2, 3, 4]) expect(splitPoint(bytes.subarray(0, length))).toBe(1);
    expect(splitPoint(bytes)).toBe(5);
    expect(splitPoint(Buffer.from([0x61, 0xff]))).toBe(2);
    expect(splitPoint(Buffer.from([0x80, 0x80, 0x80, 0x80]))).toBe(4);
  });

  it('does not wait for the end of an endless sequence', () => {
    const bytes = Buffer.from(`\x1b]0;${'x'.repeat(5000)}`);
    expect(splitPoint(bytes)).toBe(bytes.length);
  });
});
