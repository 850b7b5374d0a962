import { ProcessError } from '../core/errors.ts';
import type { OutputEvent } from '../core/types.ts';
import type { ReceivedEvent } from './event-stream.ts';
import { outputEventFrom } from './events-from-wire.ts';
import { ConnectionError } from './http-client.ts';
import { pauseBeforeRetry, RETRIES } from './retry.ts';

/** One run of an id at one server: another server's first run began at another time. */
interface Life {
  run: number;
  /** Milliseconds since the epoch. */
  startedAt: number;
}

/** One process's output at a server. */
export interface OutputSource {
  id: string;
  /** Opens the stream, after the event named. */
  open: (lastEventId?: string) => Promise<AsyncIterable<ReceivedEvent>>;
  /** The current run, as the server that answers now knows it. */
  current: () => Promise<Life>;
}

/** The stream broke, and the id now stands for another server's process, whose cursors mean something else. */
export class OtherLifeError extends Error {
  constructor(id: string) {
    super(`the server was started again, and ${id} is another process now`);
    this.name = 'OtherLifeError';
  }
}

/**
 * Opens the output and takes a broken stream up again where it broke. The iteration ends when the record is removed or
 * the signal aborts; it rejects with OtherLifeError, and with PROCESS_NOT_FOUND where the process was lost with its
 * server.
 */
export async function openOutput(
  source: OutputSource,
  signal: AbortSignal | undefined,
): Promise<AsyncIterable<OutputEvent>> {
  const life = await source.current();
  return followOutput(source, life, await source.open(), signal);
}

async function* followOutput(
  source: OutputSource,
  begun: Life,
  first: AsyncIterable<ReceivedEvent>,
  signal: AbortSignal | undefined,
): AsyncGenerator<OutputEvent, void, undefined> {
  let life = begun;
  let stream: AsyncIterable<ReceivedEvent> | undefined = first;
  let last: string | undefined;
  let toldExit = 0;
  let failures = 0;
  let broken = false;
  for (;;) {
    try {
      if (stream === undefined) {
        life = await sameLife(source, life);
        stream = await source.open(last);
      }
      for await (const received of stream) {
        failures = 0;
        last = received.id;
        const event = outputEventFrom(received);
        // Who comes back is told of the last exit again.
        if (event === undefined || (event.type === 'exit' && event.run <= toldExit)) continue;
        if (event.type === 'exit') toldExit = event.run;
        if (event.type === 'run' && event.run >= life.run) life = { run: event.run, startedAt: event.at };
        yield event;
      }
      broken = false;
    } catch (error) {
      if (isAborted(signal)) return;
      if (isNotFound(error)) {
        // A stream that ended in order did so because its record was removed.
        if (!broken) return;
        throw lost(source.id);
      }
      if (isFinal(error) || failures === RETRIES) throw error;
      broken = true;
    }
    if (isAborted(signal)) return;
    stream = undefined;
    await pauseBeforeRetry(failures++, signal);
  }
}

async function sameLife({ id, current }: OutputSource, known: Life): Promise<Life> {
  const now = await current();
  const other = now.run < known.run || (now.run === known.run && now.startedAt !== known.startedAt);
  if (other) throw new OtherLifeError(id);
  return now;
}

function lost(id: string): ProcessError {
  return new ProcessError(
    'PROCESS_NOT_FOUND',
    `${id} is gone: the connection broke, and the server that answers now does not know it.`,
    { hint: 'See what there is with list_processes.' },
  );
}

/** Whether to ask once more would bring the same answer. */
function isFinal(error: unknown): boolean {
  if (error instanceof ConnectionError) return error.kind !== 'unreachable';
  return error instanceof ProcessError || error instanceof OtherLifeError;
}

/** The compiler takes the flag for settled once it was looked at. */
function isAborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true;
}

function isNotFound(error: unknown): boolean {
  return error instanceof ProcessError && error.code === 'PROCESS_NOT_FOUND';
}
