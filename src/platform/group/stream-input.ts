import type { Writable } from 'node:stream';
import { stdinClosed } from '../stdin-closed.ts';

/**
 * Bytes handed to the stream at a time. The stream reports only whole writes, so when a caller gives up on a full pipe
 * the count is exact to one of these; the piece in flight counts, since it is delivered as soon as there is room.
 */
const PIECE_BYTES = 8 * 1024;

/** Standard input over a Node stream: one write after another, each with the count of bytes taken. */
export class StreamInput {
  readonly #stream: Writable | null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(stream: Writable | null) {
    this.#stream = stream;
    // The failed write reports a broken pipe to its caller; without a listener it would end the server as well.
    stream?.on('error', () => undefined);
  }

  write(bytes: Uint8Array, signal: AbortSignal): Promise<number> {
    const turn = this.#last.then(() => this.#writeAll(bytes, signal));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  end(): void {
    this.#stream?.end();
  }

  async #writeAll(bytes: Uint8Array, signal: AbortSignal): Promise<number> {
    let accepted = 0;
    while (accepted < bytes.length && !signal.aborted) {
      const piece = bytes.slice(accepted, accepted + PIECE_BYTES);
      await this.#writePiece(piece, signal);
      accepted += piece.length;
    }
    return accepted;
  }

  #writePiece(piece: Uint8Array, signal: AbortSignal): Promise<void> {
    const stream = this.#stream;
    if (stream?.writable !== true) return Promise.reject(stdinClosed());
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      stream.write(piece, (error) => {
        signal.removeEventListener('abort', onAbort);
        if (error) reject(stdinClosed(error));
        else resolve();
      });
    });
  }
}
