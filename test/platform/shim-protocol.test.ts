import { describe, expect, it } from 'vitest';
import { commands, parseReport } from '../../src/platform/shim-protocol.ts';

describe('reports of the supervisor', () => {
  it.each([
    ['ready 1 7 9 12', { type: 'ready', version: 1, stdout: 7, stderr: 9, stdin: 12 }],
    ['ready 1 7 9 -1', { type: 'ready', version: 1, stdout: 7, stderr: 9 }],
    ['ready 2 -1 -1 -1', { type: 'ready', version: 2 }],
    ['forked 4711', { type: 'forked', pid: 4711 }],
    ['started 4711', { type: 'started', pid: 4711 }],
    ['error exec 2', { type: 'error', stage: 'exec', errno: 2 }],
    ['exit 255', { type: 'exited', exit: { code: 255, signal: null } }],
    ['signal 6', { type: 'exited', exit: { code: null, signal: 'SIGABRT' } }],
    ['signal 34', { type: 'exited', exit: { code: null, signal: 'SIG34' } }],
    ['killed 1 2 3', { type: 'killed', pids: [1, 2, 3] }],
    ['survivor 9', { type: 'survivor', pids: [9] }],
    ['incomplete', { type: 'incomplete' }],
    ['empty', { type: 'empty' }],
    ['of another kind', undefined],
    ['', undefined],
  ])('%j', (line, report) => {
    expect(parseReport(line)).toEqual(report);
  });
});

describe('commands to the supervisor', () => {
  it('name signals by number and times in whole milliseconds that it takes', () => {
    expect(commands.signal('SIGUSR1')).toBe('signal 10\n');
    expect(commands.terminate('SIGTERM', 12.3)).toBe('terminate 15 13\n');
    expect(commands.terminate('SIGTERM', -1)).toBe('terminate 15 0\n');
    expect(commands.terminate('SIGTERM', Infinity)).toBe('terminate 15 86400000\n');
    expect(commands.resize({ cols: 80, rows: 24 })).toBe('resize 80 24\n');
    expect(() => commands.signal('SIGNOT')).toThrow(RangeError);
  });
});
