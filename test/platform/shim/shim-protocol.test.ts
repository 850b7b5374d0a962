import { isIP } from 'node:net';
import { describe, expect, it } from 'vitest';
import { commands, parseReport } from '../../../src/platform/shim/shim-protocol.ts';

describe('reports of the supervisor', () => {
  it.each([
    ['ready 2 7 9 12', { type: 'ready', version: 2, stdout: 7, stderr: 9, stdin: 12 }],
    ['ready 2 7 9 -1', { type: 'ready', version: 2, stdout: 7, stderr: 9 }],
    ['ready 4 -1 -1 -1', { type: 'ready', version: 4 }],
    ['forked 4711', { type: 'forked', pid: 4711 }],
    ['started 4711', { type: 'started', pid: 4711 }],
    ['error exec 2', { type: 'error', stage: 'exec', errno: 2 }],
    ['exit 255 0', { type: 'exited', exit: { code: 255, signal: null }, asked: false }],
    ['signal 6 1', { type: 'exited', exit: { code: null, signal: 'SIGABRT' }, asked: true }],
    ['signal 34 1', { type: 'exited', exit: { code: null, signal: 'SIG34' }, asked: true }],
    ['killed 1 2 3', { type: 'killed', pids: [1, 2, 3] }],
    ['survivor 9', { type: 'survivor', pids: [9] }],
    ['incomplete', { type: 'incomplete' }],
    ['empty', { type: 'empty' }],
    [
      'listening 7f000001:8080:812:0 00000000000000000000000000000000:80:4294967295:1',
      {
        type: 'listening',
        sockets: [
          { address: '127.0.0.1', port: 8080, inode: 812 },
          { address: '::', port: 80, inode: 4294967295, ipv6Only: true },
        ],
      },
    ],
    ['listening', { type: 'listening', sockets: [] }],
    ['listened 0', { type: 'listened', errno: 0 }],
    ['listening 7f0001:8080:812:0', undefined],
    ['listening 7f000001:8080:812', undefined],
    ['listening 7f000001:8080:812:0 ', undefined],
    ['of another kind', undefined],
    ['', undefined],
  ])('%j', (line, report) => {
    expect(parseReport(line)).toEqual(report);
  });
});

/** A generator of the same numbers each time (Park and Miller). */
function numbers(seed: number): (below: number) => number {
  return (below) => (seed = (seed * 48271) % 2147483647) % below;
}

describe('a list of sockets', () => {
  it('is told from garbage, whatever is left out, put in or changed', () => {
    const line = 'listening 7f000001:8080:812:0 00000000000000000000ffff7f000001:65535:1:1';
    const letters = ' :0123456789abcdefg-\0é';
    const pick = numbers(1);
    let accepted = 0;
    for (let round = 0; round < 20_000; round++) {
      let text = line;
      for (let change = pick(4); change >= 0; change--) {
        const at = pick(text.length + 1);
        text = text.slice(0, at) + (letters[pick(letters.length + 1)] ?? '') + text.slice(at + pick(3));
      }
      const report = parseReport(text);
      if (report?.type !== 'listening') continue;
      accepted++;
      for (const { address, port, inode } of report.sockets) {
        expect(isIP(address)).not.toBe(0);
        expect(Number.isSafeInteger(port) && Number.isSafeInteger(inode)).toBe(true);
      }
    }
    expect(accepted).toBeGreaterThan(0);
  });
});

describe('commands to the supervisor', () => {
  it('name signals by number and times in whole milliseconds that it takes', () => {
    expect(commands.signal('SIGUSR1')).toBe('signal 10\n');
    expect(commands.terminate('SIGTERM', 12.3)).toBe('terminate 15 13\n');
    expect(commands.terminate('SIGTERM', -1)).toBe('terminate 15 0\n');
    expect(commands.terminate('SIGTERM', Infinity)).toBe('terminate 15 86400000\n');
    expect(commands.listening()).toBe('listening\n');
    expect(commands.resize({ cols: 80, rows: 24 })).toBe('resize 80 24\n');
    expect(() => commands.signal('SIGNOT')).toThrow(RangeError);
  });
});
