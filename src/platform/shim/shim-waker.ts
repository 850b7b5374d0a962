import type { ChildProcess } from 'node:child_process';
import { readStat } from '../proc/proc-fs.ts';

/** While somebody waits for the supervisor. */
const HURRIED_MS = 100;
/** While nobody does: its leader may end and it cannot tell. */
const IDLE_MS = 10_000;
/** Looks in a row that find it stopped, after which it will not go on. */
const PATIENCE = 5;

/**
 * Keeps a supervisor going that a process of its own tree stops; nothing tells that it has. One that is stopped again
 * and again, or held by a tracer, is killed while somebody waits for it: then its tree is ended without it.
 */
export class ShimWaker {
  readonly #child: ChildProcess;
  #timer: NodeJS.Timeout | undefined;
  #stopped = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  wake(): void {
    this.#child.kill('SIGCONT');
  }

  /** Somebody waits for the supervisor. */
  hurry(): void {
    this.wake();
    this.#every(HURRIED_MS, () => {
      const { state } = readStat(this.#child.pid ?? 0) ?? {};
      this.#stopped = state === 'T' || state === 't' ? this.#stopped + 1 : 0;
      if (this.#stopped < PATIENCE) this.wake();
      else this.#child.kill('SIGKILL');
    });
  }

  /** Nobody waits any more. */
  rest(): void {
    this.#every(IDLE_MS, () => {
      this.wake();
    });
  }

  /** The supervisor is done with, or gone. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #every(ms: number, act: () => void): void {
    clearInterval(this.#timer);
    this.#stopped = 0;
    this.#timer = setInterval(act, ms);
    this.#timer.unref();
  }
}
