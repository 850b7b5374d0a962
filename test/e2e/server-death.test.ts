import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { closeSync, copyFileSync, mkdtempSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readStat } from '../../src/platform/proc/proc-fs.ts';
import { findShim } from '../../src/platform/shim/shim.ts';
import { isAlive, pidsWithEnvironment } from '../helpers/alive.ts';
import { pidsRunning } from '../helpers/pids.ts';
import { RawServer } from '../helpers/raw-server.ts';
import { cli } from '../helpers/start-server.ts';
import { until } from '../helpers/until.ts';

const ROUNDS = 100;
/** Rounds at the same time: each is a server with several trees, on a machine of two cores. */
const LANES = 4;
/** A second, and what a busy machine needs to let everybody notice. */
const GONE_MS = 3000;

const TREES = [
  'sleep 60',
  'trap "" TERM; while :; do sleep 1; done',
  'setsid sleep 60 & wait',
  '(setsid sh -c "trap : TERM HUP; sleep 60 & wait" &) ; sleep 60',
  'yes flood',
  'sleep 60 | cat & exec sleep 60',
];

/** A repeatable choice of when to strike: the same rounds in each run of the tests. */
function chance(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Starts, kills and floods until the server is killed at a moment of its own choosing. */
async function strike(round: number, env: Record<string, string>): Promise<void> {
  const random = chance(round + 1);
  const server = new RawServer({ env });
  await server.initialize();
  const busy = async (): Promise<void> => {
    for (let i = 0; ; i++) {
      const command = TREES[Math.floor(random() * TREES.length)] ?? '';
      await server.call('run_background', { command, name: `t${i % 3}`, if_running: 'replace' });
    }
  };
  // Calls that are under way when the server dies are never answered.
  for (let worker = 0; worker < 3; worker++) void busy();
  await sleep(random() * 150);
  server.child.kill('SIGKILL');
  await server.ended;
  await until(`round ${round} leaves nothing`, () => server.leftovers().length === 0, GONE_MS);
}

describe('a server that is killed', () => {
  it(
    `leaves no process and no file, in ${ROUNDS} of ${ROUNDS} rounds at any moment`,
    { timeout: 120_000 },
    async () => {
      const temporary = mkdtempSync(join(tmpdir(), 'deaths-'));
      const place = mkdtempSync(join(tmpdir(), 'supervisor-'));
      // Under a name of its own: nothing else tells a supervisor that has no tree yet.
      const supervisor = join(place, 'proctor-shim');
      copyFileSync(findShim() ?? '/bin/false', supervisor);
      const env = { TMPDIR: temporary, PROCTOR_SHIM: supervisor };
      let next = 0;
      const lane = async (): Promise<void> => {
        while (next < ROUNDS) await strike(next++, env);
      };
      await Promise.all(Array.from({ length: LANES }, lane));
      await until('no supervisor is left', () => pidsRunning(supervisor).length === 0, GONE_MS);
      expect(readdirSync(temporary)).toEqual([]);
      for (const directory of [temporary, place]) rmSync(directory, { recursive: true });
    },
  );

  it('takes a tree along that has stopped its supervisor', async () => {
    const server = new RawServer();
    await server.initialize();
    const { pid } = await server.run('kill -STOP $PPID; trap "" TERM; while :; do sleep 1; done');
    const supervisor = readStat(pid)?.ppid ?? 0;
    await until('the supervisor is stopped', () => {
      const state = readStat(supervisor)?.state;
      if (state !== 'T') process.kill(supervisor, 'SIGSTOP');
      return state === 'T';
    });
    server.child.kill('SIGKILL');
    await server.ended;
    await until('its tree is gone', () => server.leftovers().length === 0, GONE_MS);
    await until('its supervisor is gone', () => !isAlive(supervisor));
  });

  it.each(['SIGKILL', 'SIGTERM'] as const)(
    'in its wrapper only, by %s, ends all the same',
    async (signal) => {
      const place = mkdtempSync(join(tmpdir(), 'wrapper-'));
      const fifo = join(place, 'stdin');
      spawnSync('mkfifo', [fifo]);
      // The client's end of stdin stays open in our hands: it is not its end that tells.
      const stdin = openSync(fifo, 'r+');
      const mark = `WRAPPED=${randomUUID()}`;
      const members = (): number[] => pidsWithEnvironment(mark);
      const wrapper = spawn('sh', ['-c', `${mark} "$@"; :`, 'sh', process.execPath, cli, '--grace-ms=300'], {
        stdio: [stdin, 'ignore', 'ignore'],
      });
      try {
        const command = '(setsid sleep 60 &); trap "" TERM; while :; do sleep 1; done';
        for (const [id, method, params] of [
          [
            1,
            'initialize',
            { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
          ],
          [2, 'tools/call', { name: 'run_background', arguments: { command } }],
        ] as const) {
          writeSync(stdin, `${JSON.stringify({ jsonrpc: '2.0', id, method, params })}\n`);
        }
        await until('server and tree run', () => members().length >= 4);
        wrapper.kill(signal);
        await until('nothing of it is left', () => members().length === 0, GONE_MS);
      } finally {
        closeSync(stdin);
        rmSync(place, { recursive: true });
      }
    },
  );

  it.skipIf(spawnSync('prlimit', ['--version']).error !== undefined)(
    'by running out of memory leaves nothing',
    async () => {
      const server = new RawServer();
      await server.initialize();
      await server.run('trap "" TERM; while :; do sleep 1; done');
      // No more address space: the next allocation aborts it, as the kernel or the engine may at any time.
      spawnSync('prlimit', ['--pid', String(server.pid), '--as=1000000']);
      for (let i = 0; i < 50 && isAlive(server.pid); i++) {
        void server.call('run_background', { command: 'yes flood' });
        await sleep(20);
      }
      await server.ended;
      await until('its trees are gone', () => server.leftovers().length === 0, GONE_MS);
    },
  );
});
