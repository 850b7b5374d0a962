import { PipeWriter } from './pipe-writer.ts';

/** What a terminal's line discipline takes for end of file: Ctrl-D. */
const END_OF_FILE = 0x04;
const LINE_ENDS = [0x0a, 0x0d, END_OF_FILE];

/** Input of a terminal. Its end is a key press, after which the terminal can still be typed on. */
export class TerminalInput {
  readonly #writer: PipeWriter;
  #midLine = false;

  /** The descriptor is the terminal's, which is read and closed elsewhere. */
  constructor(fd: number) {
    this.#writer = new PipeWriter(fd, 'other');
  }

  async write(bytes: Uint8Array, signal: AbortSignal): Promise<number> {
    const accepted = await this.#writer.write(bytes, signal);
    const last = bytes[accepted - 1];
    if (last !== undefined) this.#midLine = !LINE_ENDS.includes(last);
    return accepted;
  }

  /** In the middle of a line the first Ctrl-D only hands the line on: it takes a second one. */
  end(): void {
    const keys = Uint8Array.from(this.#midLine ? [END_OF_FILE, END_OF_FILE] : [END_OF_FILE]);
    this.#midLine = false;
    // A terminal that nobody reads any more has its end already.
    this.#writer.write(keys, AbortSignal.timeout(END_MS)).catch(() => undefined);
  }

  close(): void {
    this.#writer.close();
  }
}

/** Time a full terminal gets to take the key. */
const END_MS = 2000;
