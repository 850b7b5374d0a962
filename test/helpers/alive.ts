import { readdirSync, readFileSync } from 'node:fs';

/**
 * When this pid's process started, in clock ticks since boot: with the pid it names one process for good, since pids
 * are used again. Undefined where nothing runs under the pid; a zombie does not run.
 */
export function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field, the name in parentheses, may itself hold spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

export function isAlive(pid: number): boolean {
  return startTime(pid) !== undefined;
}

/** Pids of running processes whose environment, as given at their start, holds this text. */
export function pidsWithEnvironment(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(text) && isAlive(pid);
      } catch {
        return false;
      }
    });
}
