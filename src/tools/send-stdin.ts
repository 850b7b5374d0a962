import * as z from 'zod';
import { defineTool } from './define-tool.ts';
import * as field from './fields.ts';
import { present } from './present.ts';
import { renderSend } from './render.ts';
import { sendShape } from './shapes.ts';
import { invalidArgument } from './validate.ts';
import { toSend } from './wire.ts';

const { optional } = field;

const replyCondition = z.strictObject({
  log: optional(field.pattern),
  idle_ms: optional(field.delayMs.min(1)),
  timeout_ms: optional(field.count),
});

export const sendStdin = defineTool({
  name: 'send_stdin',
  title: 'Send stdin',
  description:
    "Write to a process's stdin: answer a prompt, drive a REPL. With wait_for, also returns the output that followed, so one call is one turn. Empty text presses Enter.",
  annotations: {},
  input: z.strictObject({
    id: field.id,
    text: optional(field.inputText),
    newline: optional(field.flag.describe('Append one unless text ends with it; default true without keys')),
    keys: optional(field.keys.describe('PTY, after text: enter, esc, up, f1, ctrl-c, alt-x, …')),
    eof: optional(field.flag.describe('Close stdin after; PTY: ctrl-d')),
    cols: optional(field.screenSize),
    rows: optional(field.screenSize),
    wait_for: optional(replyCondition.describe('Return the reply: until log matches or output stays idle')),
  }),
  output: sendShape,
  async handler({ id, wait_for, ...rest }, service, context) {
    const { text, keys, eof, cols, rows } = rest;
    if ([text, keys, eof === true || undefined, cols, rows].every((part) => part === undefined))
      throw invalidArgument('nothing to send; expected: text, keys or eof', 'Give at least one of them.');
    const waitFor =
      wait_for &&
      present({
        log: wait_for.log,
        idleMs: wait_for.idle_ms,
        timeoutMs: wait_for.timeout_ms,
      });
    const result = await service.send(id, { ...rest, ...present({ waitFor }) }, context);
    const value = toSend(result);
    const omitted = result.reply?.page.omitted.reduce((sum, { lines }) => sum + lines, 0) ?? 0;
    return { value, text: renderSend(value, omitted) };
  },
});
