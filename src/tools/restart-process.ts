import * as z from 'zod';
import { defineTool } from './define-tool.ts';
import * as field from './fields.ts';
import { toReadyCondition } from './ready.ts';
import { renderRun } from './render.ts';
import { restartShape } from './shapes.ts';
import { toRun } from './wire.ts';

export const restartProcess = defineTool({
  name: 'restart_process',
  title: 'Restart process',
  description:
    "Kill the process's tree if alive, then start the same command again under the same id as its next run. Answers like run_background.",
  annotations: { destructiveHint: true },
  input: z.strictObject({
    id: field.id,
    wait_for: field.optional(field.readyCondition),
  }),
  output: restartShape,
  async handler({ id, wait_for }, service, context) {
    const value = toRun(await service.restart(id, wait_for && toReadyCondition(wait_for), context));
    return { value, text: renderRun(value) };
  },
});
