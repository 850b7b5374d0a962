import * as z from 'zod';
import { defineTool } from './define-tool.ts';
import * as field from './fields.ts';
import { present } from './present.ts';
import { renderExitWait } from './render-wait.ts';
import { exitWaitShape } from './shapes.ts';
import { requireOneOf } from './validate.ts';
import { toExitWait } from './wire.ts';

const { optional } = field;

export const waitForExit = defineTool({
  name: 'wait_for_exit',
  title: 'Wait for exit',
  description:
    'Block until one or several processes end: tests, builds, installs. Returns how each ended and its last output, stderr included.',
  annotations: { readOnlyHint: true },
  input: z.strictObject({
    id: optional(field.id),
    ids: optional(field.ids),
    mode: optional(z.enum(['all', 'any']).describe('Default all')),
    timeout_ms: field.waitTimeout,
  }),
  output: exitWaitShape,
  async handler(args, service, context) {
    requireOneOf(args, ['id', 'ids']);
    const { id, ids = [], mode, timeout_ms } = args;
    const request = {
      ids: id === undefined ? [...new Set(ids)] : [id],
      ...present({ mode, timeoutMs: timeout_ms }),
    };
    const value = toExitWait(await service.waitForExit(request, context));
    return { value, text: renderExitWait(value) };
  },
});
