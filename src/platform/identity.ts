import { hasProcFs, isSameProcessAlive, readStat } from './proc/proc-fs.ts';

/** A process as one tells another of it, in a file that may outlive it. */
export interface Identity {
  pid: number;
  /** Start in clock ticks since boot, where the system tells it: pids come round again. */
  startTicks?: number | undefined;
}

export function ownIdentity(): Identity {
  const stat = hasProcFs() ? readStat(process.pid) : undefined;
  return { pid: process.pid, ...(stat !== undefined && { startTicks: stat.startTicks }) };
}

/**
 * Whether this very process, run by this user, is alive. Where the system tells start times, one that is not given is
 * not the right one; elsewhere a later process of this user with the same pid passes for it.
 */
export function isRunning({ pid, startTicks }: Identity): boolean {
  if (hasProcFs()) return startTicks !== undefined && isSameProcessAlive({ pid, startTicks });
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
