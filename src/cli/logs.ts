import { stripVTControlCharacters } from 'node:util';
import { LineAssembler, type Line } from '../core/output/line-assembler.ts';
import { compilePattern, type Pattern } from '../core/output/pattern.ts';
import type { ProcessService } from '../core/service.ts';
import type { OutputEvent, StreamFilter } from '../core/types.ts';
import { hasColours, printLine, styler, write, type CliIo } from './io.ts';
import type { Since } from './values.ts';

export interface LogsOptions {
  follow?: boolean;
  since?: Since;
  tail?: number;
  grep?: string;
  stream?: StreamFilter;
  timestamps?: boolean;
  raw?: boolean;
}

/** Descendants of an ended leader are given this long to end as well, before they are followed. */
const TREE_END_MS = 250;

type OutputPiece = Extract<OutputEvent, { type: 'output' }>;

/** Prints what is there, and with `follow` what comes until the process has ended. */
export async function logs(
  id: string,
  options: LogsOptions,
  service: ProcessService,
  io: CliIo,
): Promise<number> {
  const { follow = false, since, tail, raw = false } = options;
  const grep = options.grep === undefined ? undefined : await compilePattern(options.grep);
  const { from, end } = await service.read(id, tail === undefined ? { head: 0 } : { tail });
  const start =
    since !== undefined && 'cursor' in since ? since.cursor : tail === undefined ? undefined : from;
  const notBefore = since !== undefined && 'at' in since ? since.at : 0;
  const printer = new Printer({ ...options, raw, grep }, io);
  const reading = new AbortController();
  const events = await service.openOutput(id, start === undefined ? {} : { since: start }, {
    signal: reading.signal,
  });
  let run = 0;
  if (!follow && (start === 'now' || (start ?? from) >= end)) return 0;
  for await (const event of events) {
    if (event.type === 'output' && event.at >= notBefore) await printer.print(event);
    if (event.type === 'gap') await printLine(io.stderr, `[${event.bytes} bytes no longer kept]`);
    if (event.type === 'run') {
      if (run > 0) await printLine(io.stderr, `[run ${event.run}]`);
      run = event.run;
    }
    if (!follow && placeAfter(event) >= end) break;
    if (follow && event.type === 'exit' && (await isOver(id, event.run, service, io))) break;
  }
  await printer.finish();
  reading.abort();
  return 0;
}

function placeAfter(event: OutputEvent): number {
  return event.type === 'output' ? event.from + event.bytes.length : event.type === 'run' ? 0 : event.to;
}

/** Whether nothing can come any more from what has just ended. */
async function isOver(id: string, run: number, service: ProcessService, io: CliIo): Promise<boolean> {
  const live = async (): Promise<boolean> => {
    const { processes } = await service.list();
    return processes.some((process) => process.id === id && (process.live || process.run !== run));
  };
  if (!(await live())) return true;
  await new Promise((resolve) => setTimeout(resolve, TREE_END_MS));
  if (!(await live())) return true;
  await printLine(io.stderr, `[${id} has ended; what it left running is followed on]`);
  return false;
}

interface PrinterOptions {
  grep: Pattern | undefined;
  stream?: StreamFilter;
  timestamps?: boolean;
  raw: boolean;
}

/**
 * Writes output as its reader wants it: to a terminal and with `raw` as it came; elsewhere as clean lines, and wherever
 * lines are chosen or marked, too.
 */
class Printer {
  readonly #io: CliIo;
  readonly #options: PrinterOptions;
  readonly #colours: boolean;
  readonly #asBytes: boolean;
  readonly #lines: LineAssembler;
  #pending: Line[] = [];

  constructor(options: PrinterOptions, io: CliIo) {
    this.#io = io;
    this.#options = options;
    this.#colours = hasColours(io.stdout, io.env);
    const byLine = options.grep !== undefined || options.timestamps === true;
    this.#asBytes = !byLine && (options.raw || this.#colours);
    this.#lines = new LineAssembler(
      { stream: options.stream ?? 'both', raw: options.raw || this.#colours },
      (line) => {
        this.#pending.push(line);
      },
    );
  }

  async print({ stream, from, at, bytes }: OutputPiece): Promise<void> {
    const { stream: wanted = 'both' } = this.#options;
    if (wanted !== 'both' && stream !== wanted) return;
    if (this.#asBytes) {
      await write(this.#io.stdout, bytes);
      return;
    }
    this.#lines.push({ stream, from, at, bytes });
    await this.#flush();
  }

  /** The last line, where it has no end of its own. */
  async finish(): Promise<void> {
    if (this.#asBytes) return;
    this.#pending.push(...this.#lines.partials());
    await this.#flush();
  }

  async #flush(): Promise<void> {
    const lines = this.#pending;
    this.#pending = [];
    const shown = lines.filter(
      ({ text }) => this.#options.grep?.test(stripVTControlCharacters(text)) ?? true,
    );
    const text = shown.map((line) => this.#format(line)).join('');
    if (text !== '') await write(this.#io.stdout, text);
  }

  #format({ text, at }: Line): string {
    const style = styler(this.#colours);
    const stamp = this.#options.timestamps === true ? `${style('dim', new Date(at).toISOString())} ` : '';
    // A line that leaves colours on is not to colour the next one's time.
    const reset = this.#colours && text.includes('\x1b[') ? '\x1b[0m' : '';
    return `${stamp}${text}${reset}\n`;
  }
}
