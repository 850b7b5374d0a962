import { stripVTControlCharacters } from 'node:util';
import { LineAssembler, type Line } from '../core/output/line-assembler.ts';
import { borderText } from '../core/output/page-lines.ts';
import type { Pattern } from '../core/output/pattern.ts';
import type { OutputEvent, StreamFilter, StreamName } from '../core/types.ts';
import { hasColours, printLine, styler, write, type CliIo } from './io.ts';
import { LastLines } from './last-lines.ts';

export interface PrinterOptions {
  grep: Pattern | undefined;
  stream?: StreamFilter;
  timestamps?: boolean;
  raw: boolean;
  /** Until `release`, only so many lines are kept of what would be printed. */
  tail?: number;
}

type OutputPiece = Extract<OutputEvent, { type: 'output' }>;
type Run = Extract<OutputEvent, { type: 'run' }>;

/** A line, or a piece of one that is too long to be held. */
interface Shown extends Line {
  /** Goes on with the line of the piece before. */
  continues: boolean;
}

const NEWLINE = 0x0a;

/**
 * Writes output as its reader wants it: to a terminal and with `raw` as it came; elsewhere as clean lines, and wherever
 * lines are chosen or marked, too.
 */
export class LogPrinter {
  readonly #io: CliIo;
  readonly #options: PrinterOptions;
  readonly #colours: boolean;
  readonly #asBytes: boolean;
  #held: LastLines | undefined;
  #lines: LineAssembler;
  #pending: Shown[] = [];
  #continuing: Partial<Record<StreamName, boolean>> = {};
  /** Whose line is printed without its end so far. */
  #open: StreamName | undefined;

  constructor(options: PrinterOptions, io: CliIo) {
    this.#io = io;
    this.#options = options;
    this.#colours = hasColours(io.stdout, io.env);
    const byLine = options.grep !== undefined || options.timestamps === true;
    this.#asBytes = !byLine && (options.raw || this.#colours);
    this.#held = options.tail === undefined ? undefined : new LastLines(options.tail);
    this.#lines = this.#assembler();
  }

  async print({ stream, from, at, bytes }: OutputPiece): Promise<void> {
    const { stream: wanted = 'both' } = this.#options;
    if (wanted !== 'both' && stream !== wanted) return;
    if (this.#asBytes) {
      this.#open = bytes.at(-1) === NEWLINE ? undefined : 'stdout';
      await this.#write(bytes);
      return;
    }
    this.#lines.push({ stream, from, at, bytes });
    await this.#flush();
  }

  /** Says that bytes are missing here: what comes does not go on with the line before. */
  async gap(bytes: number): Promise<void> {
    if (bytes === 0) return;
    await this.endLine();
    await printLine(this.#io.stderr, `[${bytes} bytes no longer kept]`);
  }

  /** The beginning of a run; among the lines, unless they are chosen or asked for as they came. */
  async border({ run, at }: Run): Promise<void> {
    await this.endLine();
    if (this.#options.raw || this.#options.grep !== undefined) {
      await printLine(this.#io.stderr, `[run ${run}]`);
      return;
    }
    const text = `${styler(this.#colours)('dim', borderText(run, at))}\n`;
    if (this.#held === undefined) await write(this.#io.stdout, text);
    else this.#held.pushBorder(text);
  }

  /** Ends the line that has no end of its own, and prints what is held back of it. */
  async endLine(): Promise<void> {
    if (this.#asBytes && this.#options.raw) return;
    for (const { stream, from, to, at, text } of this.#lines.partials()) {
      if (text !== '') this.#take({ stream, from, to, at, text, complete: true });
    }
    this.#lines = this.#assembler();
    await this.#flush();
    this.#continuing = {};
    if (this.#open !== undefined) await this.#write('\n');
    this.#open = undefined;
  }

  /** Prints the last lines of what came so far, and from now on everything. */
  async release(): Promise<void> {
    const held = this.#held?.take();
    this.#held = undefined;
    if (held !== undefined && held.length > 0) await write(this.#io.stdout, held);
  }

  async finish(): Promise<void> {
    if (!this.#asBytes) await this.endLine();
    await this.release();
  }

  #assembler(): LineAssembler {
    const { stream = 'both', raw } = this.#options;
    return new LineAssembler({ stream, raw: raw || this.#colours }, (line) => {
      this.#take(line);
    });
  }

  #take(line: Line): void {
    this.#pending.push({ ...line, continues: this.#continuing[line.stream] === true });
    this.#continuing[line.stream] = !line.complete;
  }

  async #flush(): Promise<void> {
    const lines = this.#pending;
    this.#pending = [];
    const { grep } = this.#options;
    const shown = lines.filter(({ text }) => grep?.test(stripVTControlCharacters(text)) ?? true);
    const text = shown.map((line) => this.#format(line)).join('');
    if (text !== '') await this.#write(text);
  }

  #format({ stream, text, at, complete, continues }: Shown): string {
    const style = styler(this.#colours);
    const joined = continues && this.#open === stream;
    const end = this.#open !== undefined && !joined ? '\n' : '';
    const marked = this.#options.timestamps === true && !joined;
    const stamp = marked ? `${style('dim', new Date(at).toISOString())} ` : '';
    // A line that leaves colours on is not to colour the next one's time.
    const reset = this.#colours && text.includes('\x1b[') ? '\x1b[0m' : '';
    this.#open = complete ? undefined : stream;
    return `${end}${stamp}${text}${reset}${complete ? '\n' : ''}`;
  }

  async #write(data: string | Uint8Array): Promise<void> {
    if (this.#held === undefined) await write(this.#io.stdout, data);
    else this.#held.push(data);
  }
}
