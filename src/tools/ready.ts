import type * as z from 'zod';
import type { ReadyCondition } from '../core/service.ts';
import type { readyCondition } from './fields.ts';
import { present } from './present.ts';
import { invalidArgument } from './validate.ts';

/** The conditions of a `wait_for` argument. Throws INVALID_ARGUMENT when it names none. */
export function toReadyCondition(wait: z.output<typeof readyCondition>): ReadyCondition {
  const { log, failure_log, port, http_path, exit, idle_ms, timeout_ms } = wait;
  const named = [log, failure_log, port, http_path, exit === true || undefined, idle_ms];
  if (named.every((condition) => condition === undefined)) {
    throw invalidArgument(
      'wait_for names no condition; expected: at least one of log, failure_log, port, exit, idle_ms',
      'Add one, or leave wait_for out to return at once.',
    );
  }
  return present({
    log,
    failureLog: failure_log,
    port,
    httpPath: http_path,
    exit,
    idleMs: idle_ms,
    timeoutMs: timeout_ms,
  });
}
