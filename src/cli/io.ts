import type { Readable, Writable } from 'node:stream';
import { visible, visibleJson } from './visible.ts';

/** A stream that may be a terminal. */
export type Output = Writable & { isTTY?: boolean; columns?: number; rows?: number };

/** What a command may touch of the process it runs in. */
export interface CliIo {
  stdin: Readable & { isTTY?: boolean };
  stdout: Output;
  stderr: Output;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  version: string;
}

/** Exit statuses besides 0 and those of the processes themselves; 124 is timeout(1)'s, 69 and 77 those of sysexits.h. */
export const EXIT = {
  failed: 1,
  usage: 2,
  notFound: 3,
  noServer: 69,
  notLetIn: 77,
  timeout: 124,
} as const;

/** https://no-color.org: set to anything but nothing, it turns colours off. */
export function hasColours({ isTTY }: Output, env: CliIo['env']): boolean {
  return isTTY === true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
}

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Style = keyof typeof CODES;

/** Styles text where colours are wanted. */
export function styler(on: boolean): (style: Style | undefined, text: string) => string {
  return (style, text) => (on && style !== undefined ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text);
}

/** Resolves once the stream takes more: a slow reader slows its writer. */
export async function write(output: Output, data: string | Uint8Array): Promise<void> {
  if (output.write(data)) return;
  await new Promise<void>((resolve) => {
    output.once('drain', resolve);
  });
}

/** Prints a line of our own, with whatever it tells of what agents chose; output of processes goes out by `write`. */
export async function printLine(output: Output, line: string): Promise<void> {
  await write(output, `${visible(line)}\n`);
}

export async function printJson(output: Output, value: unknown): Promise<void> {
  await write(output, `${visibleJson(value, 2)}\n`);
}
