import { resolve } from 'node:path';
import type { ReadyCondition, RunRequest } from '../core/service.ts';
import type { RunResult } from '../core/types.ts';
import { present } from '../tools/present.ts';
import { toRun } from '../tools/wire.ts';
import type { Connection } from './connection.ts';
import { describeStatus, exitStatusOf } from './exit-status.ts';
import { EXIT, printJson, printLine, type CliIo } from './io.ts';

export interface ReadyOptions {
  waitFor?: string;
  waitPort?: number | true;
  waitExit?: boolean;
  waitIdle?: number;
  /** Milliseconds. */
  timeout?: number;
}

export interface RunOptions extends ReadyOptions {
  name?: string;
  cwd?: string;
  env?: Record<string, string | null>;
  pty?: boolean;
  reuse?: boolean;
  replace?: boolean;
  lifetime?: number;
  rm?: boolean;
  json?: boolean;
}

/** Undefined where no condition was named. */
export function readyCondition(options: ReadyOptions): ReadyCondition | undefined {
  const { waitFor: log, waitPort: port, waitExit: exit, waitIdle: idleMs, timeout: timeoutMs } = options;
  const conditions = present({ log, port, exit, idleMs });
  return Object.keys(conditions).length === 0 ? undefined : { ...conditions, ...present({ timeoutMs }) };
}

/** One argument is a shell line; several are an executable and its arguments, passed on as they are. */
function launchOf([command = '', ...args]: readonly string[]): Pick<RunRequest, 'command' | 'args'> {
  return args.length === 0 ? { command } : { command, args };
}

export async function run(
  words: readonly string[],
  options: RunOptions,
  { service, local }: Connection,
  io: CliIo,
): Promise<number> {
  const { name, env, pty, lifetime, reuse, replace, rm } = options;
  // A server on another machine does not have this one's directories.
  const cwd = local ? resolve(io.cwd, options.cwd ?? '.') : options.cwd;
  const ifRunning = replace === true ? ('replace' as const) : reuse === true ? ('reuse' as const) : undefined;
  const { isTTY, columns: cols, rows } = io.stdout;
  const result = await service.run({
    ...launchOf(words),
    ...present({ name, cwd, env, pty, ifRunning, timeoutMs: lifetime, autoCleanup: rm }),
    ...(pty === true && isTTY === true && present({ cols, rows })),
    ...present({ waitFor: readyCondition(options) }),
  });
  return tellStart(result, options, io);
}

/** The id on stdout for scripts, how it went on stderr for people. */
export async function tellStart(
  result: RunResult,
  { json, waitExit }: Pick<RunOptions, 'json' | 'waitExit'>,
  io: CliIo,
): Promise<number> {
  const { process, reused, wait, tail } = result;
  if (json === true) await printJson(io.stdout, toRun(result));
  else {
    await printLine(io.stdout, process.id);
    const pid = process.pid === null ? '' : ` (pid ${process.pid})`;
    const done = reused ? 'was running already' : process.run > 1 ? `started, run ${process.run}` : 'started';
    await printLine(io.stderr, `${process.id} ${done}${pid}${readyWords(result)}`);
    const last = tail ?? (wait && 'tail' in wait ? wait.tail : undefined);
    if (last !== undefined && last !== '' && !isReady(result))
      await printLine(io.stderr, last.replace(/\n$/, ''));
  }
  if (isReady(result)) return 0;
  if (wait?.outcome === 'timeout') return EXIT.timeout;
  const status = process.exit === undefined ? EXIT.failed : exitStatusOf(process.status, process.exit);
  // Who waited for something else than its end did not get it.
  return wait === undefined || waitExit === true ? status : status || EXIT.failed;
}

function isReady({ wait, process }: RunResult): boolean {
  if (wait === undefined) return process.exit === undefined || process.exit.code === 0;
  return ['matched', 'ready', 'idle'].includes(wait.outcome);
}

function readyWords({ wait, process }: RunResult): string {
  const ended = process.exit === undefined ? '' : `, ${describeStatus(process.status, process.exit)}`;
  if (wait === undefined || wait.outcome === 'exited') return ended;
  const after = ` after ${(wait.waitedMs / 1000).toFixed(1)} s`;
  switch (wait.by) {
    case 'log':
      return `, ready${after}: ${wait.outcome === 'matched' ? wait.line : ''}`;
    case 'port':
      return `, port ${wait.outcome}${after}${wait.url === undefined ? '' : `: ${wait.url}`}`;
    case 'failure_log':
    case 'exit':
    case 'idle':
    case 'timeout':
    case 'awaiting_input':
      return `, ${wait.outcome.replace('_', ' ')}${after}${ended}`;
  }
}
