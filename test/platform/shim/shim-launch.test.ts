import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readStat } from '../../../src/platform/proc/proc-fs.ts';
import { launchMessage } from '../../../src/platform/shim/shim-launch.ts';
import { isAlive } from '../../helpers/alive.ts';
import { until } from '../../helpers/until.ts';
import { buildSanitizedShim, shim } from './shim-support.ts';

const directory = mkdtempSync(join(tmpdir(), 'proctor-launch-'));
const sanitized = buildSanitizedShim(directory);
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const command = {
  file: '/bin/true',
  args: ['a', ''],
  cwd: '/',
  env: { A: '1', B: '' },
  stdin: 'open',
} as const;

describe('the message of a start', () => {
  it('counts what follows it', () => {
    const text = '/\0/bin/true\0a\0\0A=1\0B=\0';
    expect(Buffer.from(launchMessage(command, 499.5)).toString()).toBe(`start 22 3 2 500 open\n${text}`);
    const closed = Buffer.from(launchMessage({ ...command, cwd: '/é', env: {}, stdin: 'closed' }, 0));
    expect(closed.toString()).toBe('start 17 3 0 0 closed\n/é\0/bin/true\0a\0\0');
  });

  it('is refused where no kernel would run it', () => {
    for (const args of [['x'.repeat(9_000_000)], Array.from({ length: 1_100_000 }, () => '')]) {
      expect(() => launchMessage({ ...command, args }, 500)).toThrow(/E2BIG/);
    }
  });
});

interface Talk {
  pid: number;
  said: () => string;
  write: (text: string | Uint8Array) => void;
  /** Resolves once it has read all that was written. */
  taken: () => Promise<void>;
  end: () => void;
  /** Its exit status and what it printed; a sanitizer's complaint is both. */
  ended: Promise<{ code: number | null; complaint: string }>;
}

/** A supervisor that is ready, in our hands. */
async function talk(path: string): Promise<Talk> {
  const child = spawn(path, [], { env: {}, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  const control = child.stdio[3];
  if (!(control instanceof Socket)) throw new Error('no control socket');
  let said = '';
  let complaint = '';
  control.on('data', (chunk: Buffer) => (said += chunk.toString())).on('error', () => undefined);
  child.stdio[2]?.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, complaint }));
  await until('it is ready', () => /^ready 4 \d+ \d+ \d+\n/.test(said));
  const write = (text: string | Uint8Array): void => {
    control.write(text);
  };
  const taken = (): Promise<void> =>
    new Promise((resolve, reject) => {
      control.write('\n', (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  const pid = child.pid ?? 0;
  return { pid, said: () => said.replace(/^ready.*\n/, ''), write, taken, end: () => control.end(), ended };
}

describe.each([['as shipped', shim] as const, ...(sanitized ? [['sanitized', sanitized] as const] : [])])(
  'the supervisor %s',
  (_kind, path) => {
    it('takes a start in any pieces', async () => {
      const message = Buffer.from(launchMessage({ ...command, args: ['x'.repeat(100_000)] }, 0));
      for (const pieces of [[1, 10, 24, 30], [24], [50_000, 99_999], [message.length - 1]]) {
        const supervisor = await talk(path);
        let from = 0;
        for (const to of [...pieces, message.length]) {
          supervisor.write(message.subarray(from, to));
          from = to;
          // Not so that it is received in one piece after all.
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        await until('nothing is left', () => supervisor.said().endsWith('empty\n'));
        expect(supervisor.said()).toMatch(/^forked (\d+)\nstarted \1\nexit 0 0\nempty\n$/);
        supervisor.end();
        expect(await supervisor.ended).toEqual({ code: 0, complaint: '' });
      }
    });

    it('takes commands that come with the start', async () => {
      const supervisor = await talk(path);
      const message = launchMessage({ ...command, file: '/bin/sleep', args: ['60'] }, 0);
      supervisor.write(Buffer.concat([message, Buffer.from('signal 15\nterminate 9 0\n')]));
      await until('nothing is left', () => supervisor.said().endsWith('empty\n'));
      expect(supervisor.said()).toMatch(/(signal (15|9) 1\nkilled \d+|signal 15 0)\nempty\n$/);
      supervisor.end();
      expect(await supervisor.ended).toEqual({ code: 0, complaint: '' });
    });

    it('tells an exit that came before a termination from one that it brought about', async () => {
      for (const late of [true, false]) {
        const gate = join(directory, `gate-${path === shim}-${late}`);
        const supervisor = await talk(path);
        const script = `exec 2>/dev/null; trap 'exit 5' TERM; echo > ${gate}-up; while [ ! -e ${gate} ]; do sleep 0.01; done; exit 3`;
        supervisor.write(
          launchMessage(
            { ...command, file: '/bin/sh', args: ['-c', script], env: { PATH: process.env.PATH ?? '' } },
            0,
          ),
        );
        const started = await until('it has started', () => /started (\d+)\n/.exec(supervisor.said()));
        const leader = Number(started[1]);
        await until('its trap is set', () => existsSync(`${gate}-up`));
        process.kill(supervisor.pid, 'SIGSTOP');
        if (late) {
          writeFileSync(gate, '');
          await until('it has ended', () => readStat(leader)?.state === 'Z');
        }
        supervisor.write('terminate 15 60000\n');
        process.kill(supervisor.pid, 'SIGCONT');
        await until('nothing is left', () => supervisor.said().endsWith('empty\n'));
        expect(supervisor.said()).toMatch(
          late ? /\nstarted \d+\nexit 3 0\nempty\n$/ : /\nexit 5 1\n(killed [\d ]+\n)+empty\n$/,
        );
        supervisor.end();
        expect(await supervisor.ended).toEqual({ code: 0, complaint: '' });
      }
    });

    it('takes what is said after its last word, and stays until nobody is there to say more', async () => {
      for (const message of [launchMessage(command, 0), 'start x\n']) {
        const supervisor = await talk(path);
        supervisor.write(message);
        await until('its last word', () => /(empty|error setup 71)\n$/.test(supervisor.said()));
        const last = supervisor.said();
        for (let i = 0; i < 1000; i++) supervisor.write('listening\nterminate 15 0\n');
        await supervisor.taken();
        expect(isAlive(supervisor.pid)).toBe(true);
        expect(supervisor.said()).toBe(last);
        supervisor.end();
        await supervisor.ended;
      }
    });

    it('leaves at once when the server goes away, before a start and in the middle of one', async () => {
      for (const part of [
        '',
        'star',
        'start 1000 1 0 60000 open\n',
        'start 1000 1 0 60000 open\n/\0/bin/tr',
      ]) {
        const supervisor = await talk(path);
        supervisor.write(part);
        supervisor.end();
        expect(await supervisor.ended).toEqual({ code: 0, complaint: '' });
        expect(supervisor.said()).toBe('');
      }
    });

    it.each([
      'start \n',
      'start x 1 0 500 open\n',
      'start 12 1 0 500\n',
      'start 12 1 0 500 ajar\n',
      'start 12 1 0 500 open \n',
      'start -1 1 0 500 open\n',
      'start 0 1 0 500 open\n',
      'start 12 0 0 500 open\n',
      'start 12 1 0 99999999 open\n',
      'start 99999999999999999999 1 0 500 open\n',
      'start 11 1 0 500 open\n/\0/bin/truex',
      'start 13 2 0 500 open\n/\0/bin/true\0x',
      'start 12 2 0 500 open\n/\0/bin/true\0',
      'start 12 1 1 500 open\n/\0/bin/true\0',
      'start 14 1 0 500 open\n/\0/bin/true\0x\0',
      'start 1 1 0 500 open\nx',
    ])('does not start by %j', async (text) => {
      const supervisor = await talk(path);
      supervisor.write(text);
      supervisor.end();
      expect(await supervisor.ended).toEqual({ code: 1, complaint: '' });
      expect(supervisor.said()).toBe('error setup 71\n');
    });

    it.each([
      'start 8388609 1 0 500 open\n',
      'start 1000 2000000 0 500 open\n',
      'start 9 1 2000000 5 open\n',
    ])('bounds what it takes: %j', async (text) => {
      const supervisor = await talk(path);
      supervisor.write(text);
      supervisor.end();
      expect((await supervisor.ended).complaint).toBe('');
      expect(supervisor.said()).toBe('error exec 7\n');
    });
  },
);
