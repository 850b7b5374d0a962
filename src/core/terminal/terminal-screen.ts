import type { Terminal as Emulator } from '@xterm/headless';
import type { OutputBuffer } from '../output/output-buffer.ts';
import type { TerminalSize } from '../types.ts';

/** A terminal's screen at one moment. */
export interface Screen {
  /** Rows from the top, without blanks at their ends and without blank rows at the bottom. */
  rows: string[];
  size: TerminalSize;
  /** Counted from 1. */
  cursor: { row: number; col: number };
  /** Set by the program; empty where it has set none. */
  title: string;
  /** Bytes of the run that were no longer retained when the screen was first asked for: what they drew is missing. */
  missingBytes: number;
  /** Offset just after the last byte shown. */
  to: number;
}

/** A size the terminal has had from an offset in the output on. */
export interface SizeChange extends TerminalSize {
  from: number;
}

/**
 * The screen that a run's output makes. The emulator comes into being, and its code is loaded, when the screen is
 * first asked for; it is fed then with what is retained, and with what has been added whenever it is asked for again.
 */
export class TerminalScreen {
  readonly #buffer: OutputBuffer;
  readonly #runFrom: number;
  readonly #sizes: readonly SizeChange[];
  #emulator: Emulator | undefined;
  #title = '';
  #fedTo: number;
  #missing = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** `sizes` is looked at whenever the screen is asked for: it may grow. */
  constructor(buffer: OutputBuffer, runFrom: number, sizes: readonly SizeChange[]) {
    this.#buffer = buffer;
    this.#runFrom = runFrom;
    this.#fedTo = runFrom;
    this.#sizes = sizes;
  }

  /** The screen as of now. */
  read(): Promise<Screen> {
    const reading = this.#last.then(() => this.#read());
    this.#last = reading.catch(() => undefined);
    return reading;
  }

  async #read(): Promise<Screen> {
    if (this.#buffer.start > this.#fedTo) {
      // What came between has gone unseen: begin again with all there is.
      this.#emulator?.dispose();
      this.#emulator = undefined;
    }
    const emulator = (this.#emulator ??= await this.#create());
    await this.#feed(emulator);
    const { active } = emulator.buffer;
    const rows: string[] = [];
    for (let row = 0; row < emulator.rows; row++) {
      rows.push(
        active
          .getLine(active.baseY + row)
          ?.translateToString(true)
          .trimEnd() ?? '',
      );
    }
    while (rows.at(-1) === '') rows.pop();
    return {
      rows,
      size: { cols: emulator.cols, rows: emulator.rows },
      // At the end of a full row the cursor stands on its last cell until the next character wraps.
      cursor: { row: active.cursorY + 1, col: Math.min(active.cursorX + 1, emulator.cols) },
      title: this.#title,
      missingBytes: this.#missing,
      to: this.#fedTo,
    };
  }

  async #create(): Promise<Emulator> {
    const { default: xterm } = await import('@xterm/headless');
    const { cols, rows } = this.#sizeAt(Math.max(this.#runFrom, this.#buffer.start));
    const emulator = new xterm.Terminal({ cols, rows, scrollback: 0, allowProposedApi: true });
    this.#title = '';
    emulator.onTitleChange((title) => (this.#title = title));
    this.#fedTo = Math.max(this.#runFrom, this.#buffer.start);
    this.#missing = this.#fedTo - this.#runFrom;
    return emulator;
  }

  /** Feeds what has been added since, each part at the size it was printed at. */
  async #feed(emulator: Emulator): Promise<void> {
    const end = this.#buffer.end;
    const changes = this.#sizes.filter(({ from }) => from >= this.#fedTo && from <= end);
    const parts = [...changes.map(({ from }) => from), end].map((to) => {
      const bytes = this.#copy(this.#fedTo, to);
      this.#fedTo = to;
      return { bytes, size: this.#sizeAt(to) };
    });
    for (const { bytes, size } of parts) {
      await new Promise<void>((resolve) => {
        emulator.write(bytes, resolve);
      });
      emulator.resize(size.cols, size.rows);
    }
  }

  /** The emulator takes its time, and the ring's own bytes may be overwritten meanwhile. */
  #copy(from: number, to: number): Uint8Array {
    return Buffer.concat([...this.#buffer.segments(from, to)].map(({ bytes }) => bytes));
  }

  #sizeAt(offset: number): TerminalSize {
    const { cols, rows } = this.#sizes.findLast(({ from }) => from <= offset) ??
      this.#sizes[0] ?? { cols: 80, rows: 24 };
    return { cols, rows };
  }
}
