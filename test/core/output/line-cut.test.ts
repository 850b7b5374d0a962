import { describe, expect, it } from 'vitest';
import { cutAround } from '../../../src/core/output/line-cut.ts';

const MARK = / \[(\d+) of (\d+) bytes left out: get_output since=7 without grep\]$/;

describe('cutAround', () => {
  const text = `${'é'.repeat(500)}HIT😀${'x'.repeat(500)}`;
  const total = Buffer.byteLength(text);

  it('keeps what is around the match, on whole characters, and counts what it leaves out', () => {
    for (let room = 120; room < 400; room++) {
      const cut = cutAround(text, [500, 503], room, 7);
      expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(room);
      const [, left, all] = MARK.exec(cut) ?? [];
      const kept = cut.replace(MARK, '').replaceAll('…', '');
      expect(text).toContain(kept);
      expect(kept).toContain('HIT');
      expect([Number(left), Number(all)]).toEqual([total - Buffer.byteLength(kept), total]);
    }
  });

  it('keeps the ends of a line where the match is there, and both ends of a match that is too long', () => {
    expect(cutAround(text, [0, 1], 120, 7)).toMatch(/^é+… \[/);
    expect(cutAround(text, [text.length - 1, text.length], 120, 7)).toMatch(/^…x+ \[/);
    expect(cutAround(text, [0, text.length], 150, 7)).toMatch(/^é+…x+ \[/);
    expect(cutAround(text, [500, text.length], 150, 7)).toMatch(/^…HIT😀x+…x+ \[/);
  });

  it('shows at least a character where there is no room for a mark', () => {
    expect(cutAround(text, [500, 503], 3, 7)).toBe('HIT');
    expect(cutAround(text, [503, 505], 1, 7)).toBe('😀');
    expect(cutAround('x', [0, 0], 1, 7)).toBe('x');
  });
});
