import { randomBytes } from 'node:crypto';
import { ProcessError } from '../../core/errors.ts';
import type { SpawnSpec } from '../../core/runner.ts';

/**
 * Environment variable carried by every process of a tree unless it clears its environment. It finds members that
 * left the tree by setsid and double fork where no supervisor of their own holds them.
 */
export const TREE_MARKER = 'PROCTOR_TREE';

/** Variables by which Node hands an IPC channel to a direct child: a grandchild would write into a foreign descriptor. */
const NODE_IPC = ['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE', 'NODE_UNIQUE_ID'];

/**
 * The child's whole environment: the server's own without its settings (`PROCTOR_*`), then the request's, where null
 * unsets, then a fresh tree marker. Throws INVALID_ARGUMENT for names and values that no environment can hold.
 */
export function childEnv(
  base: Readonly<Record<string, string | undefined>>,
  spec: Pick<SpawnSpec, 'env' | 'terminal'>,
): Record<string, string> {
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(base)) {
    if (value === undefined || name.startsWith('PROCTOR_') || NODE_IPC.includes(name)) continue;
    env[name] = value;
  }
  // A terminal that calls itself dumb turns off the redraws that a caller asks a terminal for.
  if (spec.terminal !== undefined && (env.TERM ?? 'dumb') === 'dumb') env.TERM = 'xterm-256color';
  for (const [name, value] of Object.entries(spec.env)) {
    if (name === '' || /[=\0]/.test(name) || value?.includes('\0') === true) {
      throw new ProcessError('INVALID_ARGUMENT', `env: ${JSON.stringify(name)} cannot be set.`, {
        hint: 'Names are non-empty without "=", and neither names nor values hold NUL characters.',
      });
    }
    Reflect.deleteProperty(env, name);
    if (value !== null) env[name] = value;
  }
  env[TREE_MARKER] = randomBytes(12).toString('hex');
  return env;
}
