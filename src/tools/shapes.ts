import * as z from 'zod';

/*
 * What answers are made of, in the tool contract's snake_case. Times are ISO 8601, durations milliseconds, sizes
 * bytes. Fields that do not apply are absent, never null, except a pid that never was.
 */
const optional = z.exactOptional;
const text = z.string();
const whole = z.int();

export const exitFields = {
  cause: optional(text),
  exit_code: optional(whole),
  signal: optional(text),
};

/** Present where it is true: the process reads its stdin or terminal and nothing else goes on. */
const promptField = { awaiting_input: optional(z.boolean()) };

const memberShape = z.object({ pid: whole, command: text });

export const processShape = z.object({
  id: text,
  run: whole,
  pid: whole.nullable(),
  status: text,
  ...exitFields,
  error: optional(text),
  command: text,
  cwd: text,
  client: optional(text),
  started_at: text,
  ended_at: optional(text),
  uptime_ms: whole,
  descendants: optional(z.array(memberShape)),
  ports: z.array(whole),
  memory_bytes: whole,
  cpu_percent: z.number(),
  awaiting_input: z.boolean(),
  output: z.object({ bytes: whole, lines: whole, dropped_bytes: whole, last_line: text }),
});

export const listShape = z.object({
  processes: z.array(processShape),
  omitted_ended: optional(whole),
  warning: optional(text),
});

const groupText = z.string().nullable();

const matchFields = {
  line: optional(text),
  groups: optional(z.array(groupText)),
  named: optional(z.record(z.string(), groupText)),
  stream: optional(text),
};

export const logWaitShape = z.object({
  outcome: z.enum(['matched', 'failed', 'exited', 'timeout', 'awaiting_input']),
  ...matchFields,
  cursor: whole,
  waited_ms: whole,
  status: text,
  ...exitFields,
  ...promptField,
  tail: optional(text),
});

const portFields = {
  port: optional(whole),
  host: optional(text),
  http_status: optional(whole),
  url: optional(text),
  owner: optional(z.object({ pid: whole, command: text, id: optional(text) })),
  last_probe: optional(text),
};

export const portWaitShape = z.object({
  outcome: z.enum(['ready', 'foreign', 'exited', 'timeout']),
  ...portFields,
  waited_ms: whole,
  status: optional(text),
  ...exitFields,
  ...promptField,
  tail: optional(text),
  cursor: optional(whole),
});

export const exitWaitShape = z.object({
  outcome: z.enum(['exited', 'timeout']),
  processes: z.array(z.object({ id: text, status: text, ...exitFields, ...promptField, tail: text })),
  waited_ms: whole,
});

/** The answer of a combined wait; `by` names the condition that ended it. */
export const readyShape = z.object({
  by: text,
  outcome: text,
  ...matchFields,
  ...portFields,
  cursor: optional(whole),
  waited_ms: whole,
  status: optional(text),
  ...exitFields,
  ...promptField,
  tail: optional(text),
});

export const runShape = z.object({
  id: text,
  run: whole,
  pid: whole.nullable(),
  status: text,
  ...exitFields,
  command: text,
  cwd: text,
  started_at: text,
  reused: optional(z.boolean()),
  tail: optional(text),
  wait: optional(readyShape),
});

/** The same answer, its wait described in brief: run_background's schema has it in full, and every byte counts. */
export const restartShape = runShape.extend({
  wait: optional(readyShape.pick({ by: true, outcome: true, waited_ms: true })),
});

export const sendShape = z.object({
  id: text,
  status: text,
  ...exitFields,
  accepted_bytes: whole,
  total_bytes: whole,
  eof: z.boolean(),
  outcome: optional(text),
  ...promptField,
  screen: optional(text),
  output: optional(text),
  waited_ms: optional(whole),
  cursor: whole,
});

export const killShape = z.object({
  processes: z.array(
    z.object({
      id: text,
      status: text,
      ...exitFields,
      killed: z.array(whole),
      killed_total: optional(whole),
      survivors: z.array(whole),
      waited_ms: whole,
      tail: text,
    }),
  ),
});

export const removeShape = z.object({ removed: z.array(text) });
