import { describe, expect, it } from 'vitest';
import { renderTable } from '../../src/cli/table.ts';
import {
  durationMs,
  formatBytes,
  formatDuration,
  parsePort,
  parseSince,
  parseVariable,
} from '../../src/cli/values.ts';

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['10', 10_000],
    ['1.5s', 1500],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['', undefined],
    ['-1', undefined],
    ['5 minutes', undefined],
    ['1w', undefined],
  ])('%j is %s ms', (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });

  it.each([
    [0, '0s'],
    [59_999, '59s'],
    [125_000, '2m05s'],
    [3_720_000, '1h02m'],
    [276_000_000, '3d04h'],
  ])('%d ms is shown as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

it.each([
  [0, '0'],
  [1023, '1023'],
  [1024, '1.0K'],
  [15_000_000, '14M'],
  [1.5 * 1024 ** 3, '1.5G'],
])('%d bytes are shown as %s', (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

describe('a place to begin at', () => {
  it('is a cursor, now, a time ago or a date', () => {
    expect(parseSince('now')).toEqual({ cursor: 'now' });
    expect(parseSince('1234')).toEqual({ cursor: 1234 });
    expect(parseSince('2026-01-31T12:00Z')).toEqual({ at: Date.UTC(2026, 0, 31, 12) });
    const ago = parseSince('10m');
    expect('at' in ago && Date.now() - ago.at).toBeGreaterThanOrEqual(600_000);
    expect(() => parseSince('whenever')).toThrow('Expected a cursor');
  });
});

it('a variable is set, emptied or unset', () => {
  expect(parseVariable('A=b=c')).toEqual({ A: 'b=c' });
  expect(parseVariable('B=', { A: '1' })).toEqual({ A: '1', B: '' });
  expect(parseVariable('C')).toEqual({ C: null });
  expect(() => parseVariable('=x')).toThrow('NAME=VALUE');
});

it.each(['0', '65536', '80x', ''])('%j is no port', (text) => {
  expect(() => parsePort(text)).toThrow('port');
});

describe('a table', () => {
  const columns = [
    { title: 'ID', value: ([id]: string[]) => id ?? '' },
    { title: 'N', align: 'right' as const, value: ([, n]: string[]) => n ?? '' },
    {
      title: 'WORDS',
      value: ([, , words]: string[]) => words ?? '',
      style: (_: string[], cell: string) => `<${cell}>`,
    },
  ];
  const rows = [
    ['a', '1', 'some words'],
    ['longer', '200', 'more'],
  ];

  it('pads its columns, and not the last', () => {
    expect(renderTable(columns, rows)).toEqual([
      'ID        N  WORDS',
      'a         1  <some words>',
      'longer  200  <more>',
    ]);
  });

  it('is cut to a width, colours not counted', () => {
    expect(renderTable(columns, rows, 18)).toEqual([
      'ID        N  WORDS',
      'a         1  <some…>',
      'longer  200  <more>',
    ]);
  });
});
