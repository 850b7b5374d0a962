import type { WireKill, WireProcess, WireRun, WireSend } from './wire.ts';
import { renderReady } from './render-wait.ts';
import { block, joinLines, shortList, statusOf } from './text.ts';

export function renderRun(run: WireRun): string {
  const lines = [
    `${run.id} run ${run.run}${pidOf(run)} ${statusOf(run)}${run.reused ? ', already running: reused' : ''}`,
    `command: ${run.command}`,
    `cwd: ${run.cwd}`,
    `started_at: ${run.started_at}`,
    run.wait && renderReady(run.id, run.wait),
    run.tail !== undefined && run.wait?.tail === undefined && block('last output', run.tail),
  ];
  return joinLines(lines);
}

function pidOf({ pid }: { pid: number | null }): string {
  return pid === null ? '' : ` pid ${pid}`;
}

/** Every process on aligned lines; in a long list only the line that tells them apart. */
export function renderList(
  processes: readonly WireProcess[],
  detail: 'full' | 'short',
  notes: readonly string[],
): string {
  const ended = processes.filter(({ ended_at }) => ended_at !== undefined).length;
  const header = `${processes.length} processes, ${ended} of them ended`;
  const width = Math.max(0, ...processes.map(({ id }) => id.length));
  const statusWidth = Math.max(0, ...processes.map((process) => statusOf(process).length));
  const rows = processes.map((process) => {
    const row = `${process.id.padEnd(width)}  ${statusOf(process).padEnd(statusWidth)}  ${headline(process)}`;
    return detail === 'full' ? joinLines([row, ...details(process).map((text) => `  ${text}`)]) : row;
  });
  return joinLines([header, ...notes, ...rows]);
}

function headline(process: WireProcess): string {
  const { run, uptime_ms, ports, memory_bytes, cpu_percent, ended_at } = process;
  const alive = ended_at === undefined;
  const parts = [
    `run ${run}${pidOf(process)}`,
    `up ${duration(uptime_ms)}`,
    ports.length > 0 && `ports ${ports.join(',')}`,
    alive && `${(memory_bytes / 1e6).toFixed(1)} MB`,
    alive && `cpu ${cpu_percent}%`,
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

function duration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${(ms / 1000).toFixed(1)}s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}m${seconds % 60}s` : `${Math.floor(minutes / 60)}h${minutes % 60}m`;
}

export function renderKill({ processes }: WireKill): string {
  if (processes.length === 0) return 'Nothing was alive: no process to kill.';
  const told = processes.map((process) => {
    const { id, killed, killed_total, survivors, waited_ms, tail } = process;
    const total = killed_total ?? killed.length;
    const gone =
      total === 0 ? 'no process ended by this call' : `${total} killed: ${shortList(killed, total)}`;
    const alive = survivors.length === 0 ? '' : `; STILL ALIVE: ${shortList(survivors)}`;
    return joinLines([
      `${id} ${statusOf(process)} after ${waited_ms} ms; ${gone}${alive}`,
      tail !== '' && block('last output', tail),
    ]);
  });
  return joinLines(told);
}

export function renderSend(sent: WireSend, omittedLines: number): string {
  const { id, accepted_bytes, total_bytes, eof, outcome, output, screen, waited_ms, cursor } = sent;
  const full = accepted_bytes < total_bytes;
  const lines = [
    `${id} ${statusOf(sent)}; ${accepted_bytes} of ${total_bytes} bytes accepted${eof ? '; end of file sent' : ''}`,
    full &&
      `stdin is full: the program does not read. Send the remaining ${total_bytes - accepted_bytes} bytes later.`,
    outcome !== undefined && `reply: ${outcome} after ${waited_ms ?? 0} ms`,
    `cursor: ${cursor}`,
    omittedLines > 0 && `${omittedLines} lines left out; ${callForTheRest(sent)}`,
    output !== undefined && block(screen === undefined ? 'output' : `screen ${screen}`, output),
  ];
  return joinLines(lines);
}

function callForTheRest({ id, screen, cursor }: WireSend): string {
  return screen === undefined
    ? `get_output ${JSON.stringify({ id, since: cursor })} reads them`
    : `get_output ${JSON.stringify({ id, screen: true })} with a larger max_bytes shows them`;
}
