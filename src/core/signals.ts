import { ProcessError } from './errors.ts';

/** Signals that mean "end": a kill with one of these escalates to SIGKILL and answers when the tree is gone. */
const ENDING = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGKILL'] as const;
const DELIVERED = [
  'SIGHUP',
  'SIGUSR1',
  'SIGUSR2',
  'SIGSTOP',
  'SIGCONT',
  'SIGTSTP',
  'SIGWINCH',
  'SIGALRM',
  'SIGABRT',
  'SIGPIPE',
] as const;

/** Accepts `SIGTERM`, `TERM` and `term`. Throws INVALID_ARGUMENT for anything that is not a signal we deliver. */
export function parseSignal(text: string): string {
  const upper = text.trim().toUpperCase();
  const name = upper.startsWith('SIG') ? upper : `SIG${upper}`;
  const known: readonly string[] = [...ENDING, ...DELIVERED];
  if (known.includes(name)) return name;
  throw new ProcessError(
    'INVALID_ARGUMENT',
    `signal: ${JSON.stringify(text.slice(0, 40))} is not a signal.`,
    {
      hint: `Expected one of: ${known.join(', ')}.`,
    },
  );
}

/** True for a signal that is not the leader's alone: a tree stops and goes on as a whole. */
export function reachesTree(signal: string): boolean {
  return signal === 'SIGSTOP' || signal === 'SIGCONT';
}

export function endsProcess(signal: string): boolean {
  const ending: readonly string[] = ENDING;
  return ending.includes(signal);
}

/** For trees whose leader has ended: nobody who is left was meant by the signal. */
export function notDelivered(signal: string, ids: readonly string[]): ProcessError {
  return new ProcessError(
    'PROCESS_EXITED',
    `${signal} was not delivered to ${ids.join(', ')}: the leader has ended, and only its descendants are alive.`,
    {
      hint: 'End them with kill_process without a signal, or signal one yourself: list_processes names their pids.',
      details: { ids },
    },
  );
}
