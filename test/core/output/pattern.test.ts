import { describe, expect, it } from 'vitest';
import { ProcessError } from '../../../src/core/errors.ts';
import { compilePattern } from '../../../src/core/output/pattern.ts';

async function refusal(source: string): Promise<ProcessError> {
  try {
    await compilePattern(source);
  } catch (error) {
    if (error instanceof ProcessError) return error;
    throw error;
  }
  throw new Error(`accepted: ${source}`);
}

describe('compilePattern', () => {
  it.each([
    ['ready', 'server ready', true],
    ['ready', 'Ready', false],
    ['(?i)ready', 'READY', true],
    ['^ready$', 'ready', true],
    ['^ready$', 'not ready', false],
    ['port \\d+', 'port 3000', true],
    ['[a-z]+@', 'ab@c', true],
    ['a|b', 'xb', true],
    ['日本', 'こ日本語', true],
  ])('%j against %j: %j', async (source, line, expected) => {
    const pattern = await compilePattern(source);
    expect(pattern.test(line)).toBe(expected);
    expect(pattern.exec(line) !== null).toBe(expected);
    expect(pattern.source).toBe(source);
  });

  it('gives groups by position and by name', async () => {
    const pattern = await compilePattern('(?P<host>\\w+):(?<port>\\d+)(/x)?');
    expect(pattern.exec('at localhost:3000 now')).toEqual({
      groups: ['localhost', '3000', null],
      named: { host: 'localhost', port: '3000' },
    });
  });

  it.each(['Ready (stderr)', '[done] 100%', 'a.b*c', 'What now?', '$ '])(
    'finds %j verbatim',
    async (source) => {
      const pattern = await compilePattern(source);
      expect(pattern.test(`<${source}>`)).toBe(true);
      expect(pattern.exec(`<${source}>`)).not.toBeNull();
    },
  );

  it('captures nothing from a line that only contains the source verbatim', async () => {
    expect((await compilePattern('Ready (stderr)')).exec('Ready (stderr)')).toEqual({
      groups: [],
      named: {},
    });
    expect((await compilePattern('Ready (stderr)')).exec('Ready stderr')).toEqual({
      groups: ['stderr'],
      named: {},
    });
  });

  it.each([
    ['(?=a)', 'lookahead'],
    ['(?!a)b', 'negative lookahead'],
    ['(?<=a)b', 'lookbehind'],
    ['(?<!a)b', 'negative lookbehind'],
    ['(a)\\1', 'back-reference'],
    ['(?<n>a)\\k<n>', 'back-reference'],
    ['(?P<n>a)(?P=n)', 'back-reference'],
    ['(?>a)', 'atomic group'],
    ['a++', 'possessive'],
    ['(?(1)a|b)', 'conditional'],
    ['(?R)', 'recursion'],
    ['\\u0041', '\\uXXXX'],
    ['(unclosed', 'missing closing )'],
    ['[unclosed', 'missing closing ]'],
    ['*', 'repetition operator'],
    ['a{2000}', 'repeat count'],
    ['(a{1000}){1000}', 'repeat count'],
    ['', 'empty'],
    ['a\0', 'NUL'],
    ['a\nb', 'line break'],
    ['x'.repeat(1001), '1001 characters'],
  ])('refuses %j, naming: %s', async (source, construct) => {
    const error = await refusal(source);
    expect(error.code).toBe('INVALID_PATTERN');
    expect(error.message).toContain(construct);
    expect(error.message.length).toBeLessThan(300);
    expect(error.hint).toMatch(/\.$/);
  });

  it('does not take the characters of a class for a construct', async () => {
    expect((await refusal('[(?=]+(')).message).not.toContain('lookahead');
  });

  it.each(['(a+)+$', '(a|aa)+$', '(a*)*b', '(.*)(.*)(.*)(.*)z', '((a?){30}){30}b', '(a|b|ab)*c', '(x+x+)+y'])(
    'matches %j in linear time',
    async (source) => {
      const pattern = await compilePattern(source);
      const line = `${'a'.repeat(20_000)}${'x'.repeat(20_000)}!`;
      const begun = performance.now();
      expect(pattern.exec(line)).toBeNull();
      expect(performance.now() - begun).toBeLessThan(1500);
    },
  );

  it('never throws on what it is matched against', async () => {
    const pattern = await compilePattern('(?i)(\\p{Greek}|\\W)+(x?)');
    for (const line of ['', '\0', '\ud800', '\udfff\ud800', '\ufffd', '\uffff😀', 'Σ'.repeat(10_000)]) {
      expect(() => pattern.exec(line)).not.toThrow();
    }
  });
});

describe('find', () => {
  it('tells where the first match is, as an expression or verbatim', async () => {
    const find = async (source: string, line: string): Promise<readonly [number, number] | null> =>
      (await compilePattern(source)).find(line);
    expect(await find('b', 'abab')).toEqual([1, 2]);
    expect(await find('b+', '😀abb')).toEqual([3, 5]);
    expect(await find('(stderr)', 'Ready (stderr)')).toEqual([7, 13]);
    expect(await find('Ready (stderr)', '> Ready (stderr)')).toEqual([2, 16]);
    expect(await find('c', 'ab')).toBeNull();
    expect(await find('c+', 'ab')).toBeNull();
  });
});
