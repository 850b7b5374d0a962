import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

export type Lookup =
  | { found: string }
  /** No candidate can be run; `errno` is the most telling reason and `path` the file it was met at. */
  | { found: undefined; errno: string; path: string };

/** Whether a lookup of this name goes through PATH. */
export function isBareName(name: string): boolean {
  return !name.includes('/') && !(process.platform === 'win32' && /[\\:]/.test(name));
}

/**
 * Finds what `execvp` would run: a name with a slash is a path relative to `cwd`, any other name is looked for in the
 * directories of `path`. Files without the executable bit are passed over, as the kernel would.
 */
export function findExecutable(name: string, cwd: string, path: string | undefined): Lookup {
  let failure: Lookup = { found: undefined, errno: 'ENOENT', path: name };
  for (const candidate of candidates(name, cwd, path)) {
    const errno = whyNotRunnable(candidate);
    if (errno === undefined) return { found: candidate };
    if (failure.errno === 'ENOENT') failure = { found: undefined, errno, path: candidate };
  }
  return failure;
}

function* candidates(name: string, cwd: string, path: string | undefined): Generator<string> {
  if (name === '') return;
  const extensions =
    process.platform === 'win32' ? ['', ...(process.env.PATHEXT ?? '.EXE;.CMD;.BAT').split(';')] : [''];
  // An empty PATH entry means the working directory (POSIX).
  const directories = isBareName(name) ? (path ?? '/usr/bin:/bin').split(delimiter) : [''];
  for (const directory of directories) {
    for (const extension of extensions) yield resolve(cwd, join(directory, name + extension));
  }
}

function whyNotRunnable(file: string): string | undefined {
  try {
    const stat = statSync(file);
    if (stat.isDirectory()) return 'EISDIR';
    accessSync(file, constants.X_OK);
    return undefined;
  } catch (error) {
    return errorCode(error);
  }
}

/** The errno name of a Node error; ENOENT where there is none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'ENOENT';
}
