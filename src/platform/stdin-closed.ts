import { ProcessError } from '../core/errors.ts';

/** What a write is refused with when nobody can read it; `cause` is the system's error, where there was one. */
export function stdinClosed(cause?: unknown): ProcessError {
  return new ProcessError('STDIN_CLOSED', 'Nobody reads the standard input of this process any more.', {
    hint: 'Look at its status and output; restart_process gives it a new standard input.',
    ...(cause !== undefined && { cause }),
  });
}
