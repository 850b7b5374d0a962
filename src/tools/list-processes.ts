import * as z from 'zod';
import { STATUSES } from '../core/types.ts';
import { defineTool } from './define-tool.ts';
import * as field from './fields.ts';
import { fitList } from './fit-list.ts';
import { renderList } from './render.ts';
import { listShape } from './shapes.ts';
import { toProcess } from './wire.ts';

export const listProcesses = defineTool({
  name: 'list_processes',
  title: 'List processes',
  description:
    'Status, exit facts, listening ports, memory, CPU, last line and descendants of all processes, ended ones included. awaiting_input: blocked reading stdin.',
  annotations: { readOnlyHint: true },
  input: z.strictObject({
    status: field.optional(z.enum(['all', 'live', 'ended', ...STATUSES]).describe('Default all')),
    ids: field.optional(field.ids),
  }),
  output: listShape,
  async handler(args, service) {
    const { processes, supervision } = await service.list(args);
    const named = args.ids !== undefined;
    const { shown, omittedEnded, detail } = fitList(processes.map(toProcess), named);
    const notes = [
      ...(supervision.warning === undefined ? [] : [`warning: ${supervision.warning}`]),
      ...(omittedEnded === 0
        ? []
        : [`${omittedEnded} older ended processes left out; status "ended" or ids shows them`]),
    ];
    return {
      value: {
        processes: shown,
        ...(omittedEnded > 0 && { omitted_ended: omittedEnded }),
        ...(supervision.warning !== undefined && { warning: supervision.warning }),
      },
      text: renderList(shown, detail, notes),
    };
  },
});
