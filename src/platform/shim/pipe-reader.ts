import { readSync } from 'node:fs';
import { Socket, type OnReadOpts } from 'node:net';
import { ReadStream } from 'node:tty';
import { errorCode } from '../launch/find-executable.ts';
import type { ReadBudget } from './read-budget.ts';

/**
 * Most that a drain reads. Linux lets users make a pipe this large and no larger (fs.pipe-max-size), and a terminal
 * holds far less: so whatever was written before a drain began is read by it, however fast others go on writing.
 */
const DRAIN_BYTES = 1024 * 1024;

/** Reads one output of a process from a non-blocking descriptor, which it owns, as the bytes arrive. */
export class PipeReader {
  readonly #fd: number;
  readonly #socket: Socket;
  readonly #budget: ReadBudget;
  readonly #onChunk: (chunk: Uint8Array) => void;
  #open = true;

  /** The chunk handed to `onChunk` is only valid during the call. */
  constructor(
    fd: number,
    kind: 'pipe' | 'terminal',
    budget: ReadBudget,
    onChunk: (chunk: Uint8Array) => void,
  ) {
    this.#fd = fd;
    this.#budget = budget;
    this.#onChunk = onChunk;
    const onread: OnReadOpts = {
      buffer: budget.buffer,
      callback: (bytes) =>
        budget.spend(
          () => {
            onChunk(budget.buffer.subarray(0, bytes));
          },
          () => {
            if (this.#open) this.#socket.resume();
          },
        ),
    };
    // Both constructors take onread, though the typings know it for connect alone.
    const options = { readable: true, writable: false, onread };
    this.#socket = kind === 'pipe' ? new Socket({ ...options, fd }) : new ReadStream(fd, options);
    // libuv takes a hang-up for the end though bytes may be left: they are read before the descriptor closes.
    this.#socket.once('end', () => {
      this.drain();
      this.close();
    });
    this.#socket.on('error', () => {
      this.drain();
      this.close();
    });
    if (kind === 'terminal') this.#socket.resume();
    this.#socket.unref();
  }

  /** Hands on everything that had been written when it was called, at once. */
  drain(): void {
    for (let left = DRAIN_BYTES; this.#open && left > 0;) {
      const bytes = this.#readNow();
      if (bytes === undefined) return;
      if (bytes === 0) {
        this.close();
        return;
      }
      this.#onChunk(this.#budget.buffer.subarray(0, bytes));
      left -= bytes;
    }
  }

  close(): void {
    this.#open = false;
    this.#socket.destroy();
  }

  /** Undefined when there is nothing to read now, 0 at the end. */
  #readNow(): number | undefined {
    try {
      return readSync(this.#fd, this.#budget.buffer);
    } catch (error) {
      // A terminal that nobody holds any more answers EIO where a pipe reports its end.
      return errorCode(error) === 'EAGAIN' ? undefined : 0;
    }
  }
}
