import * as z from 'zod';
import { STATUSES } from '../core/types.ts';
import { defineTool } from './define-tool.ts';
import * as field from './fields.ts';
import { fitList } from './fit-list.ts';
import { present } from './present.ts';
import { renderList } from './render-list.ts';
import { listShape } from './shapes.ts';
import { shortList } from './text.ts';

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
    const { shown, omitted, detail } = fitList(processes, named);
    const { warning } = supervision;
    const notes = [
      warning !== undefined && `warning: ${warning}`,
      detail === 'short' && 'shortened to fit; list_processes with ids of a few of them tells all',
      omitted.length > 0 &&
        `${omitted.length} older ended processes left out; ids tells of them: ${shortList(omitted)}`,
    ];
    return {
      value: {
        processes: shown.map(({ process }) => process),
        ...(omitted.length > 0 && { omitted_ended: omitted.length }),
        ...present({ warning }),
      },
      text: renderList(shown, detail, notes),
    };
  },
});
