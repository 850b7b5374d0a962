import * as z from 'zod';
import { defineTool } from './define-tool.ts';
import * as field from './fields.ts';
import { present } from './present.ts';
import { removeShape } from './shapes.ts';
import { requireOneOf } from './validate.ts';

const { optional } = field;

export const removeProcess = defineTool({
  name: 'remove_process',
  title: 'Remove process',
  description: 'Forget ended processes and their output. A live one must be killed first.',
  annotations: { destructiveHint: true },
  input: z.strictObject({
    id: optional(field.id),
    ids: optional(field.ids),
    all_ended: optional(z.literal(true)),
  }),
  output: removeShape,
  async handler(args, service) {
    requireOneOf(args, ['id', 'ids', 'all_ended']);
    const { id, ids, all_ended } = args;
    const removed = await service.remove(
      present({ ids: id === undefined ? ids : [id], allEnded: all_ended }),
    );
    return {
      value: { removed },
      text: removed.length === 0 ? 'Nothing to remove.' : `removed: ${removed.join(', ')}`,
    };
  },
});
