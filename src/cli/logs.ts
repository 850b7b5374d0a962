import { OtherLifeError } from '../client/output-follow.ts';
import { compilePattern } from '../core/output/pattern.ts';
import type { ProcessService } from '../core/service.ts';
import type { OutputEvent, StreamFilter } from '../core/types.ts';
import { printLine, type CliIo } from './io.ts';
import { LogPrinter } from './log-printer.ts';
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

/** One reading of a process's output. */
interface Reading {
  id: string;
  follow: boolean;
  /** Cursor; absent: the current run. */
  start?: number | 'now';
  /** Output and runs from earlier are passed over; milliseconds since the epoch. */
  notBefore: number;
}

/** Prints what is there, and with `follow` what comes until the process has ended. */
export async function logs(
  id: string,
  options: LogsOptions,
  service: ProcessService,
  io: CliIo,
): Promise<number> {
  const { follow = false, raw = false, since } = options;
  const grep = options.grep === undefined ? undefined : await compilePattern(options.grep);
  const printer = new LogPrinter({ ...options, raw, grep }, io);
  try {
    await read({ id, follow, ...placeOf(since) }, printer, service, io);
  } finally {
    await printer.finish();
  }
  return 0;
}

/** A time may lie in an earlier run: it is looked for in everything that is kept. */
function placeOf(since: Since | undefined): Pick<Reading, 'start' | 'notBefore'> {
  if (since === undefined) return { notBefore: 0 };
  return 'at' in since ? { start: 0, notBefore: since.at } : { start: since.cursor, notBefore: 0 };
}

async function read(
  reading: Reading,
  printer: LogPrinter,
  service: ProcessService,
  io: CliIo,
): Promise<void> {
  try {
    await readOneLife(reading, printer, service, io);
  } catch (error) {
    if (!(error instanceof OtherLifeError)) throw error;
    await printer.endLine();
    await printLine(io.stderr, `[${error.message}]`);
    const { id, follow, notBefore } = reading;
    await read({ id, follow, notBefore }, printer, service, io);
  }
}

async function readOneLife(
  { id, follow, start, notBefore }: Reading,
  printer: LogPrinter,
  service: ProcessService,
  io: CliIo,
): Promise<void> {
  const { from, end } = await service.read(id, { head: 0 });
  const beyond = typeof start === 'number' && start > end;
  if (beyond) await printLine(io.stderr, `[output ends at ${end}: this begins at the current run]`);
  const nothingYet = start === 'now' || (start === undefined || beyond ? from : start) >= end;
  if (!follow && nothingYet) return;
  if (nothingYet) await printer.release();
  const stop = new AbortController();
  const request = start === undefined ? {} : { since: start };
  let run = 0;
  let missing = 0;
  try {
    for await (const event of await service.openOutput(id, request, { signal: stop.signal })) {
      if (event.type === 'gap') missing += event.bytes;
      if (event.type === 'output') {
        // What is missing from before the time that was asked for is not missed.
        if (event.at >= notBefore) {
          await printer.gap(missing);
          await printer.print(event);
        }
        missing = 0;
      }
      if (event.type === 'run') {
        if (run > 0 && event.at >= notBefore) await printer.border(event);
        run = event.run;
      }
      if (placeAfter(event) >= end) {
        if (!follow) break;
        await printer.release();
      }
      if (follow && event.type === 'exit' && (await isOver(id, event.run, service, io))) break;
    }
    if (notBefore === 0) await printer.gap(missing);
  } finally {
    stop.abort();
  }
}

function placeAfter(event: OutputEvent): number {
  return event.type === 'output' ? event.from + event.bytes.length : event.type === 'run' ? 0 : event.to;
}

/** Whether nothing can come any more of what has just ended: neither from its descendants nor from a next run. */
async function isOver(id: string, run: number, service: ProcessService, io: CliIo): Promise<boolean> {
  const follower = async (): Promise<'descendants' | 'run' | undefined> => {
    const { processes } = await service.list();
    const process = processes.find((candidate) => candidate.id === id);
    if (process === undefined) return undefined;
    if (process.run !== run) return 'run';
    return process.live ? 'descendants' : undefined;
  };
  if ((await follower()) === undefined) return true;
  await new Promise((resolve) => setTimeout(resolve, TREE_END_MS));
  const left = await follower();
  if (left === 'descendants')
    await printLine(io.stderr, `[${id} has ended; what it left running is followed on]`);
  return left === undefined;
}
