import type { ProcessService } from '../core/service.ts';
import type { ExitWaitOutcome, LogWaitOutcome, PortWaitOutcome } from '../core/types.ts';
import { present } from '../tools/present.ts';
import { toExitWait, toLogWait, toPortWait } from '../tools/wire.ts';
import { describeStatus, exitStatusOf } from './exit-status.ts';
import { EXIT, printJson, printLine, write, type CliIo } from './io.ts';
import { visibleLine } from './visible.ts';

export interface WaitOptions {
  exit?: boolean;
  log?: string;
  failure?: string;
  port?: number | true;
  any?: boolean;
  timeout?: number;
  json?: boolean;
}

/** One request waits this long at most; a longer wait is several. */
const SLICE_MS = 20_000;

/** Repeats a wait until it ends otherwise than by its slice of time, or all of the time is over. */
async function untilOver<Outcome extends { outcome: string }>(
  timeoutMs: number | undefined,
  slice: (timeoutMs: number, last: Outcome | undefined) => Promise<Outcome>,
): Promise<Outcome> {
  const deadline = performance.now() + (timeoutMs ?? Infinity);
  let last: Outcome | undefined;
  for (;;) {
    const left = Math.max(0, deadline - performance.now());
    last = await slice(Math.min(SLICE_MS, Math.round(left)), last);
    if (last.outcome !== 'timeout' || performance.now() >= deadline) return last;
  }
}

export async function wait(
  ids: readonly string[],
  options: WaitOptions,
  service: ProcessService,
  io: CliIo,
): Promise<number> {
  const [id = ''] = ids;
  if (options.log !== undefined) return waitForLog(id, options.log, options, service, io);
  if (options.port !== undefined) return waitForPort(id, options.port, options, service, io);
  return waitForExit(ids, options, service, io);
}

async function waitForLog(
  id: string,
  pattern: string,
  { failure, timeout, json }: WaitOptions,
  service: ProcessService,
  io: CliIo,
): Promise<number> {
  const outcome = await untilOver<LogWaitOutcome>(timeout, (timeoutMs, last) =>
    service.waitForLog(id, {
      ...{ pattern, timeoutMs, stopAtPrompt: false },
      ...present({ failurePattern: failure, since: last?.cursor }),
    }),
  );
  if (json === true) await printJson(io.stdout, toLogWait(outcome));
  else if ('line' in outcome) await write(io.stdout, `${outcome.line}\n`);
  else
    await printLine(io.stderr, `${id}: ${outcome.outcome}, ${describeStatus(outcome.status, outcome.exit)}`);
  return statusOf(outcome.outcome, 'matched');
}

async function waitForPort(
  id: string,
  port: number | true,
  { timeout, json }: WaitOptions,
  service: ProcessService,
  io: CliIo,
): Promise<number> {
  const outcome = await untilOver<PortWaitOutcome>(timeout, (timeoutMs) =>
    service.waitForPort({ id, timeoutMs, ...(port !== true && { port }) }),
  );
  const { url, owner, lastProbe } = outcome;
  if (json === true) await printJson(io.stdout, toPortWait(outcome));
  else if (outcome.outcome === 'ready') await printLine(io.stdout, url ?? String(outcome.port));
  else {
    const held = owner === undefined ? '' : `, held by ${visibleLine(owner.command)} (pid ${owner.pid})`;
    const seen = lastProbe === undefined ? '' : `, ${visibleLine(lastProbe)}`;
    await printLine(io.stderr, `${id}: ${outcome.outcome}${held}${seen}`);
  }
  return statusOf(outcome.outcome, 'ready');
}

/** Mirrors the process's own status; of several, the first that is not 0. */
async function waitForExit(
  ids: readonly string[],
  { timeout, any, json }: WaitOptions,
  service: ProcessService,
  io: CliIo,
): Promise<number> {
  const mode = any === true ? 'any' : 'all';
  const outcome = await untilOver<ExitWaitOutcome>(timeout, (timeoutMs) =>
    service.waitForExit({ ids, mode, timeoutMs }),
  );
  if (json === true) await printJson(io.stdout, toExitWait(outcome));
  else
    for (const { id, status, exit } of outcome.processes)
      await printLine(io.stderr, `${id}: ${describeStatus(status, exit)}`);
  if (outcome.outcome === 'timeout') return EXIT.timeout;
  const ended = outcome.processes.filter(({ status, exit }) => exit !== undefined || status === 'error');
  return ended.map(({ status, exit }) => exitStatusOf(status, exit)).find((status) => status !== 0) ?? 0;
}

function statusOf(outcome: string, success: string): number {
  if (outcome === success) return 0;
  return outcome === 'timeout' ? EXIT.timeout : EXIT.failed;
}
