import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { link, rm, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { isRunning, ownIdentity } from './platform/identity.ts';

const holderSchema = z.object({ pid: z.int(), startTicks: z.number().optional() });

/** Who holds it binds a port and writes a file: a matter of milliseconds, but not on a machine that swaps. */
const PATIENCE_MS = 10_000;
const LOOK_MS = 20;

/**
 * Does something while no other program does it with the same lock file. A lock whose holder has ended without giving
 * it back is taken over.
 */
export async function exclusively<T>(lockFile: string, act: () => Promise<T>): Promise<T> {
  const own = `${lockFile}.${randomBytes(6).toString('hex')}`;
  // Linked into place, the lock names its holder from its first moment on.
  await writeFile(own, JSON.stringify(ownIdentity()), { mode: 0o600, flag: 'wx' });
  try {
    await acquire(lockFile, own);
    try {
      return await act();
    } finally {
      await rm(lockFile, { force: true });
    }
  } finally {
    await rm(own, { force: true });
  }
}

async function acquire(lockFile: string, own: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await tryLink(own, lockFile))) {
    if (performance.now() > deadline)
      throw new Error(`another server is being started, and does not get on: ${lockFile} names its process`);
    if (!removeStale(lockFile)) await delay(LOOK_MS);
  }
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * True where the lock's holder had ended, or had just given it back. Nothing is awaited in between: another program that
 * finds the same could have taken the lock over by then.
 */
function removeStale(lockFile: string): boolean {
  try {
    if (isHeld(readFileSync(lockFile, 'utf8'))) return false;
    rmSync(lockFile);
  } catch {
    // It is gone.
  }
  return true;
}

function isHeld(text: string): boolean {
  try {
    const holder = holderSchema.safeParse(JSON.parse(text)).data;
    return holder !== undefined && isRunning(holder);
  } catch {
    return false;
  }
}
