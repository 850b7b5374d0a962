import * as z from 'zod';
import { ProcessError } from '../core/errors.ts';
import type { KilledProcess } from '../core/types.ts';
import { defineTool } from './define-tool.ts';
import * as field from './fields.ts';
import { present } from './present.ts';
import { renderKill } from './render.ts';
import { killShape } from './shapes.ts';
import { shortList } from './text.ts';
import { requireOneOf } from './validate.ts';
import { toKill } from './wire.ts';

const { optional } = field;

export const killProcess = defineTool({
  name: 'kill_process',
  title: 'Kill process',
  description:
    'End processes with all their descendants; answers when the whole tree is gone. SIGTERM, SIGINT, SIGQUIT become SIGKILL after grace_ms; other signals (SIGHUP, SIGUSR1, …) are only delivered. Killing what has ended is no error.',
  annotations: { destructiveHint: true, idempotentHint: true },
  input: z.strictObject({
    id: optional(field.id),
    ids: optional(field.ids),
    all: optional(z.literal(true)),
    signal: optional(field.line.max(40).describe('Default SIGTERM')),
    grace_ms: optional(field.delayMs.describe('Default 5000')),
  }),
  output: killShape,
  async handler(args, service, context) {
    requireOneOf(args, ['id', 'ids', 'all']);
    const { id, ids, all, signal, grace_ms } = args;
    const selection = present({ ids: id === undefined ? ids : [id], all });
    const { processes } = await service.kill(
      { ...selection, ...present({ signal, graceMs: grace_ms }) },
      context,
    );
    refuseSurvivors(processes);
    const value = toKill(processes);
    return { value, text: renderKill(value) };
  },
});

/** A kill succeeds when the tree is gone. Throws KILL_INCOMPLETE naming what is still alive. */
function refuseSurvivors(processes: readonly KilledProcess[]): void {
  const incomplete = processes.filter(({ survivors }) => survivors.length > 0);
  if (incomplete.length === 0) return;
  const named = incomplete.map(({ id, survivors }) => `${id}: pid ${shortList(survivors)}`);
  const gone = processes.filter((process) => !incomplete.includes(process)).map(({ id }) => id);
  const rest = gone.length === 0 ? '' : ` Ended: ${shortList(gone)}.`;
  throw new ProcessError('KILL_INCOMPLETE', `still alive after SIGKILL: ${named.join('; ')}.${rest}`, {
    hint: 'Call kill_process again; a pid that stays is stuck in the kernel or owned by another user.',
    details: { processes },
  });
}
