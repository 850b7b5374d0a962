import type { OutputBuffer } from '../output/output-buffer.ts';
import { TerminalModes, type ModeState } from './terminal-modes.ts';
import { TerminalScreen, type Screen, type SizeChange } from './terminal-screen.ts';
import type { TerminalSize } from '../types.ts';

/** Changes of size remembered: enough for a person who drags a corner. */
const MAX_SIZES = 100;

/** What is known of the terminal that one run of a process has. */
export class Terminal {
  readonly #buffer: OutputBuffer;
  readonly #from: number;
  readonly #sizes: SizeChange[];
  readonly #modes = new TerminalModes();
  readonly #screen: TerminalScreen;

  constructor(size: TerminalSize, buffer: OutputBuffer) {
    this.#buffer = buffer;
    this.#from = buffer.end;
    this.#sizes = [{ ...size, from: buffer.end }];
    this.#screen = new TerminalScreen(buffer, buffer.end, this.#sizes);
  }

  get size(): TerminalSize {
    const { cols, rows } = this.#sizes.at(-1) ?? { cols: 80, rows: 24 };
    return { cols, rows };
  }

  get modes(): Readonly<ModeState> {
    return this.#modes.current;
  }

  /** Offset from which on the output is no drawing on the alternate screen, as far as that has been left. */
  get backAt(): number {
    return this.#from + this.#modes.backAt;
  }

  /** Takes note of output. */
  observe(chunk: Uint8Array): void {
    this.#modes.push(chunk);
  }

  /** Takes note of a new size, from the present end of the output on. */
  resized(size: TerminalSize): void {
    this.#sizes.push({ ...size, from: this.#buffer.end });
    if (this.#sizes.length > MAX_SIZES) this.#sizes.shift();
  }

  screen(): Promise<Screen> {
    return this.#screen.read();
  }
}
