import { expect, it } from 'vitest';
import { renderTable } from '../../src/cli/table.ts';
import { visible, visibleJson, visibleLine } from '../../src/cli/visible.ts';

it.each([
  ['plain\ttext\nof é 日本', 'plain\ttext\nof é 日本'],
  ['\x1b[2Jgone\x07', '␛[2Jgone␇'],
  ['\x7f\x9b31m', '␡\ufffd31m'],
  ['safe\u202etxt.exe\u2066', 'safe\ufffdtxt.exe\ufffd'],
])('shows what would drive a terminal: %j', (text, shown) => {
  expect(visible(text)).toBe(shown);
});

it('keeps a cell on one line, and every column in its place', () => {
  expect(visibleLine('a\r\nb\tc')).toBe('a b c');
  const rows = [
    { one: '\x1b[41mx', two: 'y' },
    { one: 'a\nb', two: 'z' },
  ];
  const columns = [
    { title: 'ONE', value: ({ one }: { one: string }) => one },
    { title: 'TWO', value: ({ two }: { two: string }) => two },
  ];
  expect(renderTable(columns, rows)).toEqual(['ONE     TWO', '␛[41mx  y', 'a b     z']);
});

it('writes JSON that says the same and drives no terminal', () => {
  const value = { command: 'a\x1b\x7f\x9b\u202eb\nc' };
  const json = visibleJson(value, 0);
  expect(json).toBe('{"command":"a\\u001b\\u007f\\u009b\\u202eb\\nc"}');
  expect(JSON.parse(json)).toEqual(value);
});
