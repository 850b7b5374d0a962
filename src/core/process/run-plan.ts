import { isAbsolute, relative, sep } from 'node:path';
import { ProcessError } from '../errors.ts';
import type { Runner } from '../runner.ts';
import type { RunRequest } from '../service.ts';
import type { Launch, ProcessSpec } from '../types.ts';

/** Resolves a request into what can be started, and started again. Throws INVALID_ARGUMENT and PERMISSION_DENIED. */
export async function planRun(
  request: RunRequest,
  runner: Pick<Runner, 'resolveDirectory'>,
  roots: readonly string[],
): Promise<ProcessSpec> {
  const launch = launchOf(request);
  const cwd = await workingDirectory(request.cwd ?? '.', runner, roots);
  const { timeoutMs, pty, cols, rows } = request;
  return {
    launch,
    cwd,
    env: request.env ?? {},
    stdin: request.stdin ?? 'open',
    ...(pty === true && { terminal: { cols: cols ?? 80, rows: rows ?? 24 } }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    autoCleanup: request.autoCleanup ?? false,
  };
}

/**
 * The directory a path leads to now, symlinks resolved. Rejects with SPAWN_FAILED and PERMISSION_DENIED where nothing
 * may be started in it.
 */
export async function workingDirectory(
  path: string,
  runner: Pick<Runner, 'resolveDirectory'>,
  roots: readonly string[],
): Promise<string> {
  const directory = await runner.resolveDirectory(path, roots[0]);
  checkInsideRoots(directory, roots);
  return directory;
}

function launchOf({ command, args, code, language }: RunRequest): Launch {
  if (command !== undefined && code === undefined) {
    if (command.trim() === '')
      throw invalid('command: is empty.', 'Give the command to run, such as "npm run dev".');
    return args ? { kind: 'exec', file: command, args } : { kind: 'shell', line: command };
  }
  if (code !== undefined && command === undefined) {
    if (args !== undefined) throw invalid('args: goes with command, not with code.', 'Leave args out.');
    if (language !== undefined) return { kind: 'code', language, source: code };
    throw invalid('language: is needed with code.', 'Name one, such as "python", "javascript" or "bash".');
  }
  throw invalid(
    command === undefined ? 'Neither command nor code was given.' : 'Both command and code were given.',
    'Give exactly one: command (a shell line, or an executable with args), or code with language.',
  );
}

function checkInsideRoots(cwd: string, roots: readonly string[]): void {
  if (roots.length === 0 || roots.some((root) => contains(root, cwd))) return;
  throw new ProcessError(
    'PERMISSION_DENIED',
    `cwd: ${cwd} lies outside the directories this server may work in.`,
    {
      hint: `Use a directory inside: ${roots.join(', ')}.`,
      details: { roots },
    },
  );
}

function contains(root: string, path: string): boolean {
  const below = relative(root, path);
  return below === '' || (below !== '..' && !below.startsWith(`..${sep}`) && !isAbsolute(below));
}

function invalid(message: string, hint: string): ProcessError {
  return new ProcessError('INVALID_ARGUMENT', message, { hint });
}
