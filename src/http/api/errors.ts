import type { ErrorCode, ProcessError } from '../../core/errors.ts';
import { problem } from '../problem.ts';

/** The HTTP status that fits each code: whose mistake it is, and whether the same request may succeed later. */
const STATUS_OF: Readonly<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: 400,
  INVALID_PATTERN: 400,
  SPAWN_FAILED: 422,
  PERMISSION_DENIED: 403,
  PROCESS_NOT_FOUND: 404,
  NAME_IN_USE: 409,
  PROCESS_EXITED: 409,
  STDIN_CLOSED: 409,
  LIMIT_REACHED: 409,
  KILL_INCOMPLETE: 500,
  SHUTTING_DOWN: 503,
  INTERNAL: 500,
};

/** The statuses a refusal may have, ascending. */
export const PROBLEM_STATUSES: readonly number[] = [...new Set(Object.values(STATUS_OF))].sort(
  (a, b) => a - b,
);

/** An error as a program reads it. `status` overrides the one that the code stands for. */
export function problemOf(error: ProcessError, status: number = STATUS_OF[error.code]): Response {
  const { code, message, hint, details } = error;
  return problem(status, message, {}, { code, hint, ...(Object.keys(details).length > 0 && { details }) });
}
