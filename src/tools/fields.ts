import * as z from 'zod';

/** Longest command line or program text: one argument of execve(2) holds 128 KiB (MAX_ARG_STRLEN). */
const MAX_COMMAND = 100_000;
/** Longest text sent to a process's stdin in one call. */
const MAX_INPUT = 1024 * 1024;
/** setTimeout fires at once for a delay beyond a signed 32-bit integer: some 24 days. */
const MAX_DELAY_MS = 2 ** 31 - 1;
const MAX_LIST = 1000;
const MAX_PATH = 4096;

/** NUL ends a string for the kernel: behind one, what runs would not be what was shown. */
function noNul(text: string): boolean {
  return !text.includes('\0');
}

export const optional = z.exactOptional;

export const flag = z.boolean();
export const count = z.int().min(0);
export const port = z.int().min(1).max(65_535);

/** A non-empty string without NUL. */
export const line = z.string().min(1).refine(noNul, 'text without NUL characters');
export const command = line.max(MAX_COMMAND);
export const path = line.max(MAX_PATH);
export const pattern = line;
export const id = line.max(MAX_PATH);
export const ids = z.array(id).min(1).max(MAX_LIST);
export const argv = z
  .array(z.string().max(MAX_COMMAND).refine(noNul, 'text without NUL characters'))
  .max(MAX_LIST);
export const keys = z.array(z.string().min(1).max(64)).min(1).max(MAX_LIST);
export const inputText = z.string().max(MAX_INPUT);
export const name = z
  .string()
  .regex(
    /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/,
    '1 to 64 letters, digits, ".", "_" or "-", not starting with "." or "-"',
  );

export const environment = z.record(
  z.string().regex(/^[^=\0]+$/, 'variable names without "=" and NUL'),
  // A union, not nullable(): what a refusal says is expected names null as well.
  z.union([z.string().refine(noNul, 'text without NUL characters'), z.null()]),
);

export const hostName = z
  .string()
  .max(255)
  .regex(/^[A-Za-z0-9._:[\]%-]+$/, 'a host name or address');
export const httpPath = z
  .string()
  .max(MAX_PATH)
  .regex(/^\/[^\s\0]*$/, 'a path starting with "/", without spaces');

export const delayMs = z.int().min(0).max(MAX_DELAY_MS);
export const waitTimeout = optional(count.describe('Default 25000; default cap 50000'));
export const streamFilter = z.enum(['both', 'stdout', 'stderr']);
export const screenSize = z.int().min(1).max(1000);

/** Conditions that end the combined wait of a start; the first one wins. */
export const readyCondition = z.strictObject({
  log: optional(pattern.describe('RE2 pattern')),
  failure_log: optional(pattern),
  port: optional(z.union([port, z.literal(true)]).describe('true: whichever opens first')),
  http_path: optional(httpPath.describe('GET must answer 200-399; needs port')),
  exit: optional(flag),
  idle_ms: optional(delayMs.min(1).describe('No output for this long')),
  timeout_ms: optional(count),
});
