import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { homedir } from 'node:os';

/**
 * Starts a program of ours that outlives this process, in a session of its own. What it writes goes to the log file,
 * which only this user can read.
 */
export function spawnDetached(args: readonly string[], logFile: string): void {
  const log = openSync(logFile, 'a', 0o600);
  try {
    const child = spawn(process.execPath, args, {
      cwd: homedir(),
      detached: true,
      stdio: ['ignore', log, log],
    });
    child.on('error', () => undefined);
    child.unref();
  } finally {
    closeSync(log);
  }
}
