import { describe, expect, it } from 'vitest';
import { cleanString } from '../../../src/core/output/clean-text.ts';

describe('a line of a terminal', () => {
  it('is cut off where the display is erased', () => {
    expect(cleanString('> abc\x1b[1G\x1b[0J> \x1b[3G')).toBe('> ');
    expect(cleanString('old prompt\x1b[H\x1b[2J\x1b[3J$ ')).toBe('$ ');
  });

  it('shows nothing of a full-screen program that has come and gone', () => {
    const drawing = '\x1b[?1049h\x1b[H\x1b[2Jtext\x1b[24;1H:q\x1b[?1049l';
    expect(cleanString(`$ ${drawing}after`)).toBe('$ after');
    expect(cleanString('drawn\x1b[?1049lafter')).toBe('after');
    expect(cleanString('$ \x1b[?1049hfull')).toBe('full');
  });

  it('keeps what is drawn at one place apart from what is drawn at another', () => {
    expect(cleanString('\x1b[H\x1b[2JLoad: 1\x1b[2;1HTasks: 5\r\x1b[3dEnd')).toBe('Load: 1 Tasks: 5 End');
  });

  it('is made in linear time, whatever is drawn', () => {
    const begun = performance.now();
    for (const part of ['x\x1b[H', 'x\x1b[?1049h', '\x1b[?1049h\x1b[?1049l', 'x\x1b[2J', '\x1b[5;5Hxyz']) {
      cleanString(part.repeat(200_000 / part.length));
    }
    expect(performance.now() - begun).toBeLessThan(2000);
  });
});
