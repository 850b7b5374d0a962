import * as z from 'zod';
import type { ReadRequest } from '../core/service.ts';
import { defineTool } from './define-tool.ts';
import * as field from './fields.ts';
import { present } from './present.ts';
import { renderOutput } from './render-output.ts';
import { invalidArgument } from './validate.ts';

const { optional } = field;

/** JSON writes a control character as six bytes, and clients drop a connection over a message of 10 MB. */
const MAX_PAGE_BYTES = 1024 * 1024;

/** Which part of the output, and in what form. */
export const outputSelection = z.strictObject({
  since: optional(field.count.describe('Cursor from an earlier answer; default: the current run')),
  tail: optional(field.count.describe('Last lines; default 100')),
  head: optional(field.count.describe('First lines')),
  grep: optional(field.pattern.describe('Only lines matching this RE2 pattern')),
  context: optional(field.count.max(1000).describe('Lines around each grep hit')),
  stream: optional(field.streamFilter),
  max_bytes: optional(field.count.min(1).max(MAX_PAGE_BYTES).describe('Default 16000')),
  timestamps: optional(field.flag),
  raw: optional(field.flag.describe('Keep ANSI codes and redraws')),
  screen: optional(field.flag.describe('PTY: the screen as it stands')),
});

/** Throws INVALID_ARGUMENT for what would be without effect. */
export function toReadRequest({ max_bytes, ...rest }: z.output<typeof outputSelection>): ReadRequest {
  if (rest.context !== undefined && rest.context > 0 && rest.grep === undefined)
    throw invalidArgument('context needs grep', 'Add grep, or leave context out.');
  return { ...rest, ...present({ maxBytes: max_bytes }) };
}

export const getOutput = defineTool({
  name: 'get_output',
  title: 'Get output',
  description:
    'Read output, stdout and stderr merged in order, as clean text. The first line gives status, byte range and next: since=N; pass since=N to read only what is new. Reading consumes nothing. To wait for output use wait_for_log instead of reading in a loop.',
  annotations: { readOnlyHint: true },
  input: z.strictObject({ id: field.id, ...outputSelection.shape }),
  async handler({ id, ...selection }, service) {
    const request = toReadRequest(selection);
    return { text: renderOutput(await service.read(id, request), request) };
  },
});
