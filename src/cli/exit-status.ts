import { constants } from 'node:os';
import type { ExitInfo, Status } from '../core/types.ts';

/** As shells have it: a signal's number after 128, and 127 for what could not be started. */
export function exitStatusOf(status: Status, exit: ExitInfo | undefined): number {
  if (exit === undefined) return status === 'error' ? 127 : 1;
  if (exit.code !== null) return exit.code;
  const number = Object.entries(constants.signals).find(([name]) => name === exit.signal)?.[1];
  return 128 + (number ?? 0);
}

/** `failed (1)`, `killed (SIGTERM, timeout)`: how it stands in a few words. */
export function describeStatus(status: Status, exit: ExitInfo | undefined): string {
  if (exit === undefined) return status;
  const how = exit.signal ?? (exit.code === 0 ? undefined : String(exit.code));
  const why = exit.cause === 'self' ? undefined : exit.cause;
  const facts = [how, why].filter((fact) => fact !== undefined);
  return facts.length === 0 ? status : `${status} (${facts.join(', ')})`;
}
