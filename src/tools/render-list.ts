import type { ListedProcess } from './fit-list.ts';
import { joinLines, pidOf, shortList, statusOf } from './text.ts';
import type { WireProcess } from './wire.ts';

/** Descendants named for each process of a long list. */
const SHORT_MEMBERS = 3;
/** Characters of a working directory in a long list: its end tells more than its beginning. */
const SHORT_PATH = 40;

/** Every process on aligned lines, with its details below; in a long list with the most telling ones, on one line. */
export function renderList(
  listed: readonly ListedProcess[],
  detail: 'full' | 'short',
  notes: readonly (string | false)[],
): string {
  const ended = listed.filter(({ live }) => !live).length;
  const header = `${listed.length} processes, ${ended} of them ended`;
  const width = Math.max(0, ...listed.map(({ process }) => process.id.length));
  const statusWidth = Math.max(0, ...listed.map(({ process }) => statusOf(process).length));
  const rows = listed.map(({ process, live }) => {
    const row = `${process.id.padEnd(width)}  ${statusOf(process).padEnd(statusWidth)}  ${headline(process, live)}`;
    const more = detail === 'full' ? details(process) : [shortDetails(process)];
    return joinLines([row, ...more.map((text) => `  ${text}`)]);
  });
  return joinLines([header, ...notes, ...rows]);
}

function headline(process: WireProcess, live: boolean): string {
  const { run, uptime_ms, ports, memory_bytes, cpu_percent, ended_at } = process;
  const parts = [
    `run ${run}${pidOf(process)}`,
    `up ${duration(uptime_ms)}`,
    live && ended_at !== undefined && 'descendants alive',
    ports.length > 0 && `ports ${ports.join(',')}`,
    live && `${(memory_bytes / 1e6).toFixed(1)} MB`,
    live && `cpu ${cpu_percent}%`,
  ];
  return parts.filter((part) => part !== false).join('  ');
}

function details(process: WireProcess): string[] {
  const { command, cwd, client, started_at, ended_at, error, descendants, output } = process;
  const { bytes, lines, dropped_bytes, last_line } = output;
  const by = client === undefined ? '' : ` by ${client}`;
  const dropped = dropped_bytes > 0 ? `, ${dropped_bytes} bytes dropped` : '';
  const members = descendants?.map((member) => `${member.pid} ${member.command}`) ?? [];
  return [
    `$ ${command}  (cwd ${cwd})`,
    `started ${started_at}${by}${ended_at === undefined ? '' : `, ended ${ended_at}`}`,
    ...(error === undefined ? [] : [`error: ${error}`]),
    `output: ${bytes} bytes, ${lines} lines${dropped}${last_line === '' ? '' : `; last: ${last_line}`}`,
    ...(members.length === 0 ? [] : [`descendants: ${shortList(members)}`]),
  ];
}

function shortDetails({ command, cwd, error, descendants = [], output }: WireProcess): string {
  const { bytes, last_line } = output;
  const members = descendants.slice(0, SHORT_MEMBERS).map((member) => `${member.pid} ${member.command}`);
  const parts = [
    `$ ${command}  (cwd ${cwd.length <= SHORT_PATH ? cwd : `…${cwd.slice(1 - SHORT_PATH)}`})`,
    error !== undefined && `error: ${error}`,
    last_line === '' ? `output: ${bytes} bytes` : `last: ${last_line}`,
    members.length > 0 && `descendants: ${shortList(members, descendants.length)}`,
  ];
  return parts.filter((part) => part !== false).join(' | ');
}

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${(ms / 1000).toFixed(1)}s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}m${seconds % 60}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m`;
}
