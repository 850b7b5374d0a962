/** Every way a request can fail. Outcomes of a wait (timeout, exit, foreign port) are answers, not errors. */
export const ERROR_CODES = [
  'INVALID_ARGUMENT',
  'INVALID_PATTERN',
  'SPAWN_FAILED',
  'PERMISSION_DENIED',
  'PROCESS_NOT_FOUND',
  'NAME_IN_USE',
  'PROCESS_EXITED',
  'STDIN_CLOSED',
  'LIMIT_REACHED',
  'KILL_INCOMPLETE',
  'SHUTTING_DOWN',
  'INTERNAL',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

export interface ProcessErrorOptions {
  /** What the caller can do next: a full sentence. */
  hint: string;
  /** Machine-readable facts behind the message. */
  details?: Readonly<Record<string, unknown>>;
  /** The lower-level error this one explains. */
  cause?: unknown;
}

/** The one error type that faces show to callers: a code, what happened, and what to do next. */
export class ProcessError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ProcessErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ProcessError';
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }
}
