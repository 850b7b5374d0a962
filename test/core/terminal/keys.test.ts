import { describe, expect, it } from 'vitest';
import { ProcessError } from '../../../src/core/errors.ts';
import { encodeKeys } from '../../../src/core/terminal/keys.ts';

const one = (name: string, application = false): string => encodeKeys([name], application);

describe('keys', () => {
  it.each([
    ['enter', '\r'],
    ['tab', '\t'],
    ['shift-tab', '\x1b[Z'],
    ['esc', '\x1b'],
    ['space', ' '],
    ['backspace', '\x7f'],
    ['up', '\x1b[A'],
    ['down', '\x1b[B'],
    ['right', '\x1b[C'],
    ['left', '\x1b[D'],
    ['home', '\x1b[H'],
    ['end', '\x1b[F'],
    ['page-up', '\x1b[5~'],
    ['page-down', '\x1b[6~'],
    ['insert', '\x1b[2~'],
    ['delete', '\x1b[3~'],
    ['f1', '\x1bOP'],
    ['f4', '\x1bOS'],
    ['f5', '\x1b[15~'],
    ['f12', '\x1b[24~'],
    ['ctrl-a', '\x01'],
    ['ctrl-c', '\x03'],
    ['ctrl-C', '\x03'],
    ['ctrl-z', '\x1a'],
    ['ctrl-[', '\x1b'],
    ['ctrl-\\', '\x1c'],
    ['ctrl-]', '\x1d'],
    ['ctrl-^', '\x1e'],
    ['ctrl-_', '\x1f'],
    ['ctrl-space', '\0'],
    ['alt-x', '\x1bx'],
    ['alt-X', '\x1bX'],
    ['alt-enter', '\x1b\r'],
    ['ctrl-alt-a', '\x1b\x01'],
    ['ctrl-left', '\x1b[1;5D'],
    ['shift-f5', '\x1b[15;2~'],
    ['alt-f1', '\x1b[1;3P'],
    ['q', 'q'],
    ['-', '-'],
    ['ctrl--', undefined],
    ['é', 'é'],
    // Other spellings that people and terminals use.
    ['Escape', '\x1b'],
    ['PageUp', '\x1b[5~'],
    ['ctrl+c', '\x03'],
  ])('sends %s', (name, bytes) => {
    if (bytes === undefined) expect(() => one(name)).toThrow(ProcessError);
    else expect(one(name)).toBe(bytes);
  });

  it('sends the other form of the cursor keys to a program that asked for it', () => {
    expect(['up', 'down', 'right', 'left', 'home', 'end'].map((key) => one(key, true))).toEqual(
      ['A', 'B', 'C', 'D', 'H', 'F'].map((letter) => `\x1bO${letter}`),
    );
    expect(one('ctrl-up', true)).toBe('\x1b[1;5A');
    expect(one('page-up', true)).toBe('\x1b[5~');
  });

  it('sends several in their order', () => {
    expect(encodeKeys(['esc', ':', 'w', 'q', 'enter'], false)).toBe('\x1b:wq\r');
  });

  it.each(['bogus', 'ctrl-1', 'ctrl-', 'f13', 'f0', 'hyper-x', ''])('refuses %j with the list', (name) => {
    expect(() => encodeKeys(['enter', name], false)).toThrow(
      expect.objectContaining({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('keys[1]') as string,
        hint: expect.stringMatching(/enter.*page-up.*f12.*ctrl-/) as string,
      }) as Error,
    );
  });
});
