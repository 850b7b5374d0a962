import * as z from 'zod';
import { defineTool } from './define-tool.ts';
import * as field from './fields.ts';
import { present } from './present.ts';
import { renderLogWait } from './render-wait.ts';
import { logWaitShape } from './shapes.ts';
import { toLogWait } from './wire.ts';

const { optional } = field;

export const waitForLog = defineTool({
  name: 'wait_for_log',
  title: 'Wait for log',
  description:
    'Block until a line of output matches: ready messages, build results, prompts. Ends early when the process exits, failure_pattern matches, or the program sits waiting for input. A timeout is an answer, not an error: call again with since=cursor.',
  annotations: { readOnlyHint: true },
  input: z.strictObject({
    id: field.id,
    pattern: field.pattern.describe('RE2, (?i) for case; a line containing it verbatim matches too'),
    failure_pattern: optional(field.pattern),
    stream: optional(field.streamFilter),
    since: optional(
      z
        .union([field.count, z.literal('now')])
        .describe('Default: all of the current run; "now": only new lines'),
    ),
    timeout_ms: field.waitTimeout,
    stop_at_prompt: optional(field.flag.describe('Default true')),
  }),
  output: logWaitShape,
  async handler({ id, failure_pattern, timeout_ms, stop_at_prompt, ...rest }, service, context) {
    const options = present({
      failurePattern: failure_pattern,
      timeoutMs: timeout_ms,
      stopAtPrompt: stop_at_prompt,
    });
    const value = toLogWait(await service.waitForLog(id, { ...rest, ...options }, context));
    return { value, text: renderLogWait(id, value) };
  },
});
