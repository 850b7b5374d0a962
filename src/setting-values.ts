import { realpathSync, statSync } from 'node:fs';
import * as z from 'zod';
import { TOKEN_PATTERN, TOKEN_RULE } from './http/token.ts';
import { findExecutable } from './platform/launch/find-executable.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

export const size = z.string().transform((text, context) => {
  const [, digits, unit] = /^(\d+)([kmg]?)(?:i?b)?$/i.exec(text.trim()) ?? [];
  const bytes = Number(digits) * (UNITS[unit?.toLowerCase() ?? ''] ?? NaN);
  if (Number.isSafeInteger(bytes) && bytes >= 4096) return bytes;
  context.addIssue({ code: 'custom', message: 'expected a size of at least 4K, such as 65536, 512K or 4M' });
  return z.NEVER;
});

export function integer(min: number, max: number) {
  return z.string().transform((text, context) => {
    const value = /^\d+$/.test(text.trim()) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    context.addIssue({ code: 'custom', message: `expected a whole number from ${min} to ${max}` });
    return z.NEVER;
  });
}

/** Text that is not empty. */
export const someText = z.string().min(1, 'expected some text, not an empty one');

export const root = z.string().transform((text, context) => {
  try {
    if (text !== '' && statSync(text).isDirectory()) return realpathSync(text);
  } catch {
    // It is not there, or not for us.
  }
  context.addIssue({ code: 'custom', message: 'expected an existing directory' });
  return z.NEVER;
});

/** Found once, as seen from where the server starts: processes have working directories and a PATH of their own. */
export const shell = z.string().transform((text, context) => {
  const { found } = findExecutable(text, process.cwd(), process.env.PATH ?? process.env.Path);
  if (found !== undefined) return found;
  context.addIssue({ code: 'custom', message: 'expected the name or the path of a shell that can be run' });
  return z.NEVER;
});

export const token = z.string().regex(TOKEN_PATTERN, TOKEN_RULE);

export const origin = z
  .string()
  .regex(/^[a-z][a-z\d+.-]*:\/\/[^/\s]+$/i, 'expected an origin such as https://app.example');
