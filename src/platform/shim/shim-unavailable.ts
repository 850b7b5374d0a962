import { errorCode } from '../launch/find-executable.ts';
import { spawnFailure } from '../launch/spawn-error.ts';

/**
 * The supervisor itself cannot be used here: the command is not to blame, nothing of it has run, and another way of
 * starting it may do.
 */
export class ShimUnavailableError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ShimUnavailableError';
  }
}

/** One supervisor has failed, which says nothing about the next. */
export class ShimLostError extends ShimUnavailableError {
  constructor(message: string, cause?: unknown) {
    super(message, cause);
    this.name = 'ShimLostError';
  }
}

/** Lack of descriptors is the server's trouble, whatever starts the command; anything else is this way's own. */
export function orUnavailable<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const errno = errorCode(error);
    if (errno === 'EMFILE' || errno === 'ENFILE') throw spawnFailure(what, errno, undefined, error);
    throw new ShimLostError(`cannot ${what}: ${errno}`, error);
  }
}
