import { readdirSync, readFileSync } from 'node:fs';

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process has ended.
    return '';
  }
}

/** A field of /proc/PID/status or smaps_rollup that is given in kB, as bytes; 0 when the process is gone. */
export function memoryField(pid: number, file: 'status' | 'smaps_rollup', field: string): number {
  const match = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(read(`/proc/${pid}/${file}`));
  return Number(match?.[1] ?? 0) * 1024;
}

/** Number of descriptors that a process holds. */
export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

export function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
}

/** Name of the program, as the kernel cuts it to 15 characters. */
export function commOf(pid: number): string {
  return read(`/proc/${pid}/comm`).trim();
}

/** Living processes with this word on their command line. Zombies have none. */
export function pidsWithWord(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) =>
      read(`/proc/${name}/cmdline`)
        .split('\0')
        .some((argument) => argument.includes(word)),
    )
    .map(Number)
    .filter((pid) => pid !== process.pid);
}

function stateOf(pid: number): string | undefined {
  return /\) (\w)/.exec(read(`/proc/${pid}/stat`))?.[1];
}

export function isAlive(pid: number): boolean {
  const state = stateOf(pid);
  return state !== undefined && state !== 'Z' && state !== 'X';
}

/** Looks until the condition holds. Throws after ten seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const begun = performance.now();
  while (!condition()) {
    if (performance.now() - begun > 10_000) throw new Error(`not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A respawner is between two pids for some ten milliseconds, and longer on a busy machine. */
const ABSENT_MS = 500;

/**
 * Ends what a benchmark left behind. A respawner may be between two pids whenever all are looked at, so it is not gone
 * before it has not shown itself for a while.
 */
export function endAllWithWord(word: string): void {
  for (let lastSeen = performance.now(); performance.now() - lastSeen < ABSENT_MS;) {
    const pids = pidsWithWord(word);
    for (const pid of pids) trySignal(pid, 'SIGKILL');
    if (pids.length > 0) lastSeen = performance.now();
  }
}

export function trySignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It was faster.
  }
}
