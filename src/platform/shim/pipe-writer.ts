import { closeSync, writeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { errorCode } from '../launch/find-executable.ts';
import { stdinClosed } from '../stdin-closed.ts';

/** Pauses between attempts on a full pipe, in milliseconds: nothing tells when a reader makes room. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 50;

/**
 * Writes standard input straight to a non-blocking descriptor, one write after another. Nothing is queued here, so the
 * count of bytes taken is the kernel's own.
 */
export class PipeWriter {
  #fd: number | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #ended: boolean;
  readonly #owner: 'writer' | 'other';

  /** Without a descriptor, standard input was closed from the start. Closes the descriptor where it is the owner. */
  constructor(fd: number | undefined, owner: 'writer' | 'other' = 'writer') {
    this.#fd = fd;
    this.#ended = fd === undefined;
    this.#owner = owner;
  }

  /**
   * Resolves with the bytes taken: fewer than given when the signal aborts while the pipe is full. Rejects with
   * STDIN_CLOSED when nobody can read them.
   */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<number> {
    if (this.#ended) return Promise.reject(stdinClosed());
    const turn = this.#last.then(() => this.#writeAll(bytes, signal));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Closes after the writes that are under way. */
  end(): void {
    this.#ended = true;
    void this.#last.then(() => {
      this.close();
    });
  }

  /** Writes under way are rejected at their next attempt. */
  close(): void {
    if (this.#fd !== undefined && this.#owner === 'writer') closeSync(this.#fd);
    this.#fd = undefined;
    this.#ended = true;
  }

  async #writeAll(bytes: Uint8Array, signal: AbortSignal): Promise<number> {
    let accepted = 0;
    let pauseMs = FIRST_PAUSE_MS;
    while (accepted < bytes.length && !signal.aborted) {
      const taken = this.#writeNow(bytes, accepted);
      accepted += taken;
      if (taken > 0) pauseMs = FIRST_PAUSE_MS;
      else {
        await delay(pauseMs, undefined, { signal }).catch(() => undefined);
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
      }
    }
    return accepted;
  }

  /** Returns 0 where the pipe is full. */
  #writeNow(bytes: Uint8Array, from: number): number {
    if (this.#fd === undefined) throw stdinClosed();
    try {
      return writeSync(this.#fd, bytes, from);
    } catch (error) {
      if (errorCode(error) === 'EAGAIN') return 0;
      throw stdinClosed(error);
    }
  }
}
