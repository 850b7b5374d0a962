import { rmSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { pidsRunning } from '../../helpers/pids.ts';
import { until } from '../../helpers/until.ts';
import { buildSanitizedShim, buildZoo, shim, start } from './shim-support.ts';
import { endAll } from '../support.ts';

const ROUNDS = 20;
/** Rounds that run at the same time: enough to disturb each other, as the trees of a server do. */
const AT_ONCE = 5;
const GRACE_MS = 20;
/** For a tree to stand on a machine that is busy with other tests. */
const PATIENCE_MS = 20_000;

const zoo = buildZoo();

afterEach(endAll);
afterAll(() => {
  rmSync(zoo.directory, { recursive: true });
});

/** Starts one tree, ends it, and tells what of it is left. */
async function round(path: string, kind: string, least: number, graceMs: number): Promise<void> {
  const program = zoo.copy(kind);
  const { handle, seen } = await start(program, kind.split(' '), { shim: path });
  await seen(/ready/);
  const before = await until(
    `${least} members of ${kind}`,
    () => {
      const pids = pidsRunning(program);
      return pids.length >= least && pids;
    },
    PATIENCE_MS,
  );

  const { killed, survivors } = await handle.terminate('SIGTERM', graceMs);

  expect(pidsRunning(program)).toEqual([]);
  expect(survivors).toEqual([]);
  // What respawns itself has other pids by now.
  if (!/respawner|restarters/.test(kind)) expect(killed).toEqual(expect.arrayContaining(before));
  await handle.exited;
  await handle.empty;
}

async function rounds(path: string, kind: string, least: number, count: number): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) {
    await Promise.all(
      Array.from({ length: Math.min(AT_ONCE, count - done) }, () => round(path, kind, least, GRACE_MS)),
    );
  }
}

/** Each kind, with the members that it has at least beside the leader's own. */
const KINDS: [kind: string, least: number][] = [
  ['child', 2],
  ['ignore-term', 2],
  ['stopped', 2],
  ['session', 2],
  ['daemon', 2],
  ['orphan', 2],
  ['bare-child', 2],
  ['bare-session', 2],
  ['bare-daemon', 2],
  ['bare-ignore-term', 2],
  ['clobber', 2],
  ['close-all', 2],
  ['bare-close-all', 2],
  ['respawner 200', 1],
  ['respawner 50', 1],
  ['restarters 8', 2],
  ['chain 30', 31],
];

describe('the supervisor ends', () => {
  it.each(KINDS)(
    `%s, ${ROUNDS} of ${ROUNDS} times`,
    async (kind, least) => {
      await rounds(shim, kind, least, ROUNDS);
    },
    60_000,
  );

  it.each([
    ['flat 1000', 1001],
    ['chain 300', 301],
  ])('%s, and proves it in well under a second', { retry: 2, timeout: 60_000 }, async (kind, least) => {
    const program = zoo.copy(kind);
    const { handle, seen } = await start(program, kind.split(' '));
    await seen(/ready/);
    await until('all members', () => pidsRunning(program).length === least, PATIENCE_MS);
    const begun = performance.now();
    const { killed } = await handle.terminate('SIGKILL', 0);
    const took = performance.now() - begun;
    expect(killed).toHaveLength(least);
    expect(pidsRunning(program)).toEqual([]);
    expect(took).toBeLessThan(1000);
  });
});

const sanitized = buildSanitizedShim(zoo.directory);

describe.skipIf(sanitized === undefined)('the supervisor with checks of memory and arithmetic ends', () => {
  it.each(KINDS)('%s', async (kind, least) => {
    await rounds(sanitized ?? '', kind, least, 2);
  });
});
