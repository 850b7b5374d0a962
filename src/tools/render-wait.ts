import type { WireExitWait, WireLogWait, WirePortWait, WireReady } from './wire.ts';
import { block, joinLines, shortList, statusOf } from './text.ts';

type WaitAnswer = Omit<WireReady, 'by'>;

export function renderLogWait(id: string, wait: WireLogWait): string {
  return renderWait(id, wait, describeOutcome(wait), logNextStep(wait));
}

export function renderPortWait(id: string | undefined, wait: WirePortWait): string {
  return renderWait(id, wait, describeOutcome(wait), portNextStep(wait));
}

/** The combined wait of a start, after the facts of the process itself. */
export function renderReady(id: string, wait: WireReady): string {
  const headline = `wait ended by ${wait.by}: ${describeOutcome(wait)}`;
  return renderWait(id, wait, headline, readyNextStep(id, wait));
}

/** The facts every wait shares, one a line, around what its outcome means. */
function renderWait(
  id: string | undefined,
  wait: WaitAnswer,
  headline: string,
  nextStep: string | undefined,
): string {
  const { groups, named, status, cursor, tail } = wait;
  return joinLines([
    headline,
    groups !== undefined && groups.length > 0 && `groups: ${JSON.stringify(groups)}`,
    named !== undefined && Object.keys(named).length > 0 && `named: ${JSON.stringify(named)}`,
    status !== undefined && `${id ?? 'process'}: ${statusOf({ ...wait, status })}`,
    cursor !== undefined && `cursor: ${cursor}`,
    nextStep,
    tail !== undefined && block('last output', tail),
  ]);
}

function describeOutcome(wait: WaitAnswer): string {
  const after = `after ${wait.waited_ms} ms`;
  switch (wait.outcome) {
    case 'matched':
    case 'failed':
      return `${wait.outcome} ${after} on ${wait.stream ?? 'output'}: ${wait.line ?? ''}`;
    case 'ready': {
      const http = wait.http_status === undefined ? '' : `, HTTP ${wait.http_status}`;
      const url = wait.url === undefined ? '' : `, ${wait.url}`;
      return `ready ${after}: ${placeOf(wait)}${http}${url}${ownerOf(wait)}`;
    }
    case 'foreign':
      return `foreign ${after}: ${placeOf(wait)} is held by another process${ownerOf(wait)}`;
    default: {
      const place = wait.port === undefined ? '' : `: ${placeOf(wait)} not ready`;
      const probe = wait.last_probe === undefined ? '' : `; last probe: ${wait.last_probe}`;
      return `${wait.outcome} ${after}${place}${probe}`;
    }
  }
}

function placeOf({ host, port }: WaitAnswer): string {
  const where = host ?? 'localhost';
  return `${where.includes(':') ? `[${where}]` : where}:${port ?? '?'}`;
}

function ownerOf({ owner }: WaitAnswer): string {
  if (owner === undefined) return '';
  const id = owner.id === undefined ? '' : `, id ${owner.id}`;
  return ` (owner pid ${owner.pid}${id}: ${owner.command})`;
}

/** What a wait that has run out advises first where the program itself waits. */
const ANSWER_IT = 'The program waits for input. Answer with send_stdin.';

function logNextStep({ outcome, cursor, awaiting_input }: WireLogWait): string | undefined {
  switch (outcome) {
    case 'timeout':
      if (awaiting_input === true) return ANSWER_IT;
      return `No line matched yet. Call wait_for_log again with since=${cursor}.`;
    case 'awaiting_input':
      return `The program waits for input. Answer with send_stdin, or call wait_for_log again with since=${cursor} and stop_at_prompt=false.`;
    case 'exited':
      return 'It ended without a match. get_output reads all it printed.';
    case 'matched':
    case 'failed':
      return undefined;
  }
}

function portNextStep({ outcome, owner, awaiting_input }: WirePortWait): string | undefined {
  switch (outcome) {
    case 'timeout':
      if (awaiting_input === true) return ANSWER_IT;
      return 'Call wait_for_port again to go on waiting, or read get_output.';
    case 'foreign':
      return owner?.id === undefined
        ? 'End that process or use another port; allow_foreign=true accepts it.'
        : `End it with kill_process id=${owner.id}, or use another port; allow_foreign=true accepts it.`;
    case 'exited':
      return 'It ended before the port opened. get_output reads all it printed.';
    case 'ready':
      return undefined;
  }
}

function readyNextStep(id: string, { outcome, cursor, awaiting_input }: WireReady): string | undefined {
  switch (outcome) {
    case 'timeout':
      if (awaiting_input === true) return ANSWER_IT;
      return `Not ready yet. Go on with wait_for_log id=${id} since=${cursor ?? 0}, wait_for_port or wait_for_exit.`;
    case 'awaiting_input':
      return ANSWER_IT;
    case 'foreign':
      return 'Another process holds the port: end it or use another port.';
    default:
      return undefined;
  }
}

export function renderExitWait({ outcome, processes, waited_ms }: WireExitWait): string {
  const alive = processes.filter(({ cause }) => cause === undefined).map(({ id }) => id);
  const asking = processes.filter(({ awaiting_input }) => awaiting_input === true).map(({ id }) => id);
  const told = processes.map((process) =>
    joinLines([`${process.id}: ${statusOf(process)}`, block('last output', process.tail)]),
  );
  return joinLines([
    `${outcome} after ${waited_ms} ms`,
    outcome === 'timeout' &&
      asking.length > 0 &&
      `Waiting for input: ${shortList(asking)}. Answer with send_stdin.`,
    outcome === 'timeout' && `Call wait_for_exit again to go on waiting for ${alive.join(', ')}.`,
    ...told,
  ]);
}
