import type { WireKill, WireRun, WireSend } from './wire.ts';
import { renderReady } from './render-wait.ts';
import { block, joinLines, pidOf, shortList, statusOf } from './text.ts';

export function renderRun(run: WireRun): string {
  const lines = [
    `${run.id} run ${run.run}${pidOf(run)} ${statusOf(run)}${run.reused ? '; reused: it was live already' : ''}`,
    `command: ${run.command}`,
    `cwd: ${run.cwd}`,
    `started_at: ${run.started_at}`,
    run.wait && renderReady(run.id, run.wait),
    run.tail !== undefined && run.wait?.tail === undefined && block('last output', run.tail),
  ];
  return joinLines(lines);
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
