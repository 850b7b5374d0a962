import { describe, expect, it } from 'vitest';
import { countNewlines } from '../../../src/core/output/count-newlines.ts';

describe('countNewlines', () => {
  it('counts chunks of every length at every alignment', () => {
    const memory = Buffer.alloc(64, 'a\n\nbc\n');
    for (let from = 0; from < 8; from++) {
      for (let to = from; to <= memory.length; to++) {
        const chunk = memory.subarray(from, to);
        expect(countNewlines(chunk)).toBe(chunk.toString('latin1').split('\n').length - 1);
      }
    }
  });
});
