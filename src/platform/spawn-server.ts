import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { homedir } from 'node:os';

/**
 * Starts a program of ours that outlives this process, in a session of its own. What it writes goes to the log file,
 * which only this user can read. Returns whether it has ended, as far as is known by then.
 *
 * @param env laid over our own; unlike arguments, no other user can see it
 */
export function spawnDetached(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  logFile: string,
): () => boolean {
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = spawn(process.execPath, args, {
      cwd: homedir(),
      env: { ...process.env, ...env },
      detached: true,
      stdio: ['ignore', log, log],
    });
    let ended = false;
    child.once('error', () => (ended = true));
    child.once('exit', () => (ended = true));
    child.unref();
    return () => ended;
  } finally {
    closeSync(log);
  }
}
