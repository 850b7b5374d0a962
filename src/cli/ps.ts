import type { ProcessService } from '../core/service.ts';
import type { ProcessSnapshot } from '../core/types.ts';
import { toProcess } from '../tools/wire.ts';
import { describeStatus } from './exit-status.ts';
import { hasColours, styler, write, type CliIo, type Style } from './io.ts';
import { renderTable, type Column } from './table.ts';
import { formatBytes, formatDuration } from './values.ts';
import { visibleJson } from './visible.ts';

export interface PsOptions {
  live?: boolean;
  json?: boolean;
  quiet?: boolean;
  watch?: boolean;
}

/** Uptimes, memory and CPU change without an event. */
const REFRESH_MS = 1000;
/** A busy server has many events a second; a person reads one table. */
const MIN_REFRESH_MS = 100;

export async function ps(
  ids: readonly string[],
  options: PsOptions,
  service: ProcessService,
  io: CliIo,
): Promise<number> {
  const list = async (): Promise<ProcessSnapshot[]> => {
    const { processes } = await service.list({
      ...(options.live === true && { status: 'live' as const }),
      ...(ids.length > 0 && { ids }),
    });
    return processes;
  };
  if (options.watch !== true) await write(io.stdout, render(await list(), options, io));
  else await watch(list, options, service, io);
  return 0;
}

function render(
  processes: readonly ProcessSnapshot[],
  { json, quiet, watch: watching }: PsOptions,
  io: CliIo,
): string {
  const wire = { processes: processes.map(toProcess) };
  if (json === true) return `${visibleJson(wire, watching === true ? 0 : 2)}\n`;
  if (quiet === true) return processes.map(({ id }) => `${id}\n`).join('');
  const { isTTY, columns } = io.stdout;
  return renderTable(columnsFor(io), processes, isTTY === true ? columns : Infinity)
    .map((line) => `${line}\n`)
    .join('');
}

function columnsFor(io: CliIo): Column<ProcessSnapshot>[] {
  const style = styler(hasColours(io.stdout, io.env));
  return [
    { title: 'ID', value: ({ id }) => id, style: (_, cell) => style('bold', cell) },
    { title: 'STATUS', value: statusText, style: (process, cell) => style(styleOf(process), cell) },
    { title: 'PID', align: 'right', value: ({ pid }) => (pid === null ? '-' : String(pid)) },
    { title: 'TIME', align: 'right', value: ({ uptimeMs }) => formatDuration(uptimeMs) },
    { title: 'CPU%', align: 'right', value: ({ cpuPercent, live }) => (live ? cpuPercent.toFixed(1) : '-') },
    {
      title: 'MEM',
      align: 'right',
      value: ({ memoryBytes, live }) => (live ? formatBytes(memoryBytes) : '-'),
    },
    { title: 'PORTS', value: ({ ports }) => ports.join(',') || '-', style: (_, cell) => style('cyan', cell) },
    { title: 'CLIENT', value: ({ client }) => client ?? '-' },
    { title: 'COMMAND', value: ({ command }) => command },
  ];
}

function statusText({ status, exit, live, descendants, awaitingInput }: ProcessSnapshot): string {
  const text = describeStatus(status, exit);
  if (awaitingInput) return `${text}, awaits input`;
  return exit !== undefined && live ? `${text}, ${descendants.length} alive` : text;
}

function styleOf({ status }: ProcessSnapshot): Style | undefined {
  switch (status) {
    case 'running':
      return 'green';
    case 'failed':
    case 'error':
      return 'red';
    case 'killed':
      return 'yellow';
    case 'completed':
      return 'dim';
    case 'queued':
    case 'starting':
      return undefined;
  }
}

/** Draws anew on every event and every second: in place on a terminal, one after the other elsewhere. */
async function watch(
  list: () => Promise<ProcessSnapshot[]>,
  options: PsOptions,
  service: ProcessService,
  io: CliIo,
): Promise<never> {
  let wake = (): void => undefined;
  service.subscribe(({ type }) => {
    if (type !== 'output') wake();
  });
  let shown: string | undefined;
  for (;;) {
    const drawn = performance.now();
    const changed = new Promise<void>((resolve) => (wake = resolve));
    const processes = await list();
    // What changes all the time is of interest to who looks on, not to who reads a pipe.
    const essence = JSON.stringify(processes.map(({ id, run, status, ports }) => [id, run, status, ports]));
    if (io.stdout.isTTY === true && options.json !== true) {
      const lines = render(processes, options, io).replaceAll('\n', '\x1b[K\n');
      await write(io.stdout, `\x1b[H${lines}\x1b[J`);
    } else if (essence !== shown) {
      const separator = shown === undefined || options.json === true ? '' : '\n';
      await write(io.stdout, separator + render(processes, options, io));
    }
    shown = essence;
    await Promise.race([changed, pause(REFRESH_MS)]);
    await pause(MIN_REFRESH_MS - (performance.now() - drawn));
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
