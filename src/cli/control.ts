import { buffer } from 'node:stream/consumers';
import { ProcessError } from '../core/errors.ts';
import type { ProcessService } from '../core/service.ts';
import { present } from '../tools/present.ts';
import { toKill, toSend } from '../tools/wire.ts';
import { wordsOf } from './connection.ts';
import { describeStatus } from './exit-status.ts';
import { EXIT, printJson, printLine, write, type CliIo } from './io.ts';
import { readyCondition, tellStart, type ReadyOptions } from './run.ts';

export interface SendOptions {
  key?: string[];
  eof?: boolean;
  newline?: boolean;
  waitFor?: string;
  waitIdle?: number;
  timeout?: number;
  json?: boolean;
}

/** Words are sent as one line; `-` alone stands for what comes on stdin. */
export async function send(
  id: string,
  words: readonly string[],
  { key: keys, eof, newline, waitFor: log, waitIdle: idleMs, timeout: timeoutMs, json }: SendOptions,
  service: ProcessService,
  io: CliIo,
): Promise<number> {
  const fromStdin = words.length === 1 && words[0] === '-';
  const given = fromStdin ? await textOf(io.stdin) : words.length === 0 ? undefined : words.join(' ');
  const waits = log !== undefined || idleMs !== undefined;
  const result = await service.send(id, {
    ...present({ text: given, keys, eof }),
    ...((newline === false || fromStdin) && { newline: false }),
    ...(waits && { waitFor: present({ log, idleMs, timeoutMs }) }),
  });
  const { reply, acceptedBytes, totalBytes } = result;
  if (json === true) await printJson(io.stdout, toSend(result));
  else if (reply !== undefined) await write(io.stdout, reply.page.text.replace(/\n*$/, '\n'));
  if (acceptedBytes < totalBytes) {
    await printLine(
      io.stderr,
      `${id} took ${acceptedBytes} of ${totalBytes} bytes: it does not read its input.`,
    );
    return EXIT.failed;
  }
  return reply?.outcome === 'timeout' ? EXIT.timeout : 0;
}

/** What is no text is refused: with substitutes in it, it would be something else. */
async function textOf(input: CliIo['stdin']): Promise<string> {
  const bytes = await buffer(input);
  try {
    // A byte order mark is a part of what is sent.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new ProcessError('INVALID_ARGUMENT', 'What came on stdin is no UTF-8 text, and was not sent.', {
      hint: 'Bytes reach a process in a file, or in an encoding of text such as base64.',
    });
  }
}

export interface KillOptions {
  all?: boolean;
  signal?: string;
  grace?: number;
  json?: boolean;
}

export async function kill(
  ids: readonly string[],
  { all, signal, grace: graceMs, json }: KillOptions,
  service: ProcessService,
  io: CliIo,
): Promise<number> {
  const { processes } = await service.kill({
    ...(all === true ? { all } : { ids }),
    ...present({ signal: signal?.replace(/^(?!SIG)/i, 'SIG').toUpperCase(), graceMs }),
  });
  if (json === true) await printJson(io.stdout, toKill(processes));
  else
    for (const { id, status, exit, killed } of processes)
      await printLine(io.stderr, `${id}: ${describeStatus(status, exit)}, ${killed.length} ended`);
  return 0;
}

export async function restart(
  id: string,
  options: ReadyOptions & { json?: boolean },
  service: ProcessService,
  io: CliIo,
): Promise<number> {
  return tellStart(await service.restart(id, readyCondition(options)), options, io);
}

export async function remove(
  ids: readonly string[],
  { ended }: { ended?: boolean },
  service: ProcessService,
  io: CliIo,
): Promise<number> {
  try {
    const removed = await service.remove(ended === true ? { allEnded: true } : { ids });
    for (const id of removed) await printLine(io.stdout, id);
    return 0;
  } catch (error) {
    if (!(error instanceof ProcessError) || error.code !== 'INVALID_ARGUMENT') throw error;
    // The command line is in order: that a process is alive is what stands in its way.
    throw new Error(wordsOf(error), { cause: error });
  }
}
