import type { ResolvedCommand } from '../launch/launch.ts';
import { spawnFailure } from '../launch/spawn-error.ts';

/**
 * Most bytes of strings that a supervisor takes, and most strings but for the directory. Linux runs no program with
 * more than 6 MiB of arguments, environment and pointers to them, so nothing that could run is refused.
 */
const MAX_BYTES = 8 * 1024 * 1024;
const MAX_STRINGS = MAX_BYTES / 8;

/**
 * The message that has a supervisor start a command. `orphanGraceMs` is the time the tree gets from SIGTERM to SIGKILL
 * when the server goes away. Throws SPAWN_FAILED with E2BIG for what no kernel would run.
 */
export function launchMessage(
  { file, args, cwd, env, stdin }: ResolvedCommand,
  orphanGraceMs: number,
): Uint8Array {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const strings = [cwd, file, ...args, ...variables];
  const text = Buffer.from(`${strings.join('\0')}\0`);
  if (text.length > MAX_BYTES || strings.length - 1 > MAX_STRINGS)
    throw spawnFailure(JSON.stringify(file), 'E2BIG');
  const counts = [text.length, args.length + 1, variables.length, Math.ceil(orphanGraceMs)];
  return Buffer.concat([Buffer.from(`start ${counts.join(' ')} ${stdin}\n`), text]);
}
