import type { ManagedProcess } from '../process/managed-process.ts';
import type { Arm } from './wait.ts';

/** A program counts as sitting at a prompt only after this much silence. */
const PROMPT_QUIET_MS = 500;

/** Settles when nothing has been printed for `idleMs`, counted from now or from the last output after it. */
export function idleCondition(process: ManagedProcess, idleMs: number): Arm<'idle'> {
  return (settle) =>
    afterQuiet(process, idleMs, () => {
      settle('idle');
    });
}

/**
 * Settles when a member of the tree is blocked reading its input and nothing has been printed for half a second. The
 * kernel offers no event for that, so it is looked at only in silence, and again each further half second of it.
 */
export function promptCondition(process: ManagedProcess): Arm<'awaiting_input'> {
  return (settle) =>
    afterQuiet(process, PROMPT_QUIET_MS, (again) => {
      const seen = process.buffer.end;
      void (process.handle?.awaitingInput() ?? Promise.resolve(false)).then(
        (waiting) => {
          if (waiting && process.buffer.end === seen && !process.ended) settle('awaiting_input');
          else again();
        },
        () => undefined,
      );
    });
}

function afterQuiet(process: ManagedProcess, quietMs: number, call: (again: () => void) => void): () => void {
  let armed = true;
  let timer: NodeJS.Timeout;
  let turn: NodeJS.Immediate | undefined;
  const disarm = (): void => {
    clearTimeout(timer);
    clearImmediate(turn);
  };
  const restart = (): void => {
    if (!armed) return;
    disarm();
    timer = setTimeout(() => {
      // Timers run before input is read: what a busy server has not read yet must not pass for silence.
      turn = setImmediate(() => {
        call(restart);
      });
    }, quietMs);
  };
  restart();
  const remove = process.outputArrived.add(restart);
  return () => {
    armed = false;
    disarm();
    remove();
  };
}
