import { accessSync, constants, statSync } from 'node:fs';
import { ProcessError } from '../../core/errors.ts';
import type { SpawnSpec } from '../../core/runner.ts';
import type { TerminalSize } from '../../core/types.ts';
import { childEnv } from './child-env.ts';
import { errorCode, findExecutable, isBareName } from './find-executable.ts';
import { interpret, shellCommand, type Interpretation, type Surroundings } from './interpreters.ts';
import { errnoMeaning, spawnFailure } from './spawn-error.ts';

export { errnoMeaning };

/** A command with nothing left to look up: what both ways of starting a process take. */
export interface ResolvedCommand {
  /** Absolute path of the executable. */
  file: string;
  args: readonly string[];
  /** Existing absolute directory. */
  cwd: string;
  /** The child's whole environment. */
  env: Readonly<Record<string, string>>;
  stdin: 'open' | 'closed';
  terminal?: TerminalSize;
}

export interface LaunchOptions {
  /** Path or name of the shell for shell lines; default bash, else sh. */
  shell?: string;
  /** The environment that requests are laid over: the server's own. */
  baseEnv: Readonly<Record<string, string | undefined>>;
}

/**
 * Decides which file runs with which arguments. Whatever can be known to fail is refused here, with the errno's
 * meaning: SPAWN_FAILED, PERMISSION_DENIED, or INVALID_ARGUMENT for text that no argument list can hold.
 */
export async function resolveLaunch(spec: SpawnSpec, options: LaunchOptions): Promise<ResolvedCommand> {
  refuseNul(spec);
  const env = childEnv(options.baseEnv, spec);
  checkDirectory(spec.cwd);
  const around: Surroundings = {
    cwd: spec.cwd,
    path: env.PATH ?? env.Path,
    ...(options.shell === undefined ? {} : { shell: options.shell }),
  };
  const { file, args, env: extra } = await interpretation(spec, around);
  return {
    file,
    args,
    cwd: spec.cwd,
    env: { ...extra, ...env },
    stdin: spec.stdin,
    ...(spec.terminal === undefined ? {} : { terminal: spec.terminal }),
  };
}

async function interpretation({ launch }: SpawnSpec, around: Surroundings): Promise<Interpretation> {
  switch (launch.kind) {
    case 'shell':
      return shellCommand(launch.line, around);
    case 'code':
      return interpret(launch.language, launch.source, around);
    case 'exec':
      return { file: executable(launch.file, around), args: [...launch.args] };
  }
}

function executable(file: string, around: Surroundings): string {
  const lookup = findExecutable(file, around.cwd, around.path);
  if (lookup.found !== undefined) return lookup.found;
  if (lookup.errno !== 'ENOENT') throw spawnFailure(quote(lookup.path), lookup.errno);
  if (!isBareName(file)) {
    throw spawnFailure(quote(file), 'ENOENT', `Relative paths start at cwd, ${around.cwd}.`);
  }
  throw new ProcessError(
    'SPAWN_FAILED',
    `${quote(file)} was not found on PATH (${errnoMeaning('ENOENT')}).`,
    {
      hint: /\s/.test(file)
        ? 'With args, command is one executable: leave args out to run a shell line.'
        : 'Check the spelling, install it, or give its path.',
      details: { errno: 'ENOENT', path: around.path ?? null },
    },
  );
}

function checkDirectory(cwd: string): void {
  const hint = 'Give cwd as an existing directory.';
  try {
    if (!statSync(cwd).isDirectory()) throw spawnFailure(`cwd ${quote(cwd)}`, 'ENOTDIR', hint);
    accessSync(cwd, constants.X_OK);
  } catch (error) {
    throw error instanceof ProcessError
      ? error
      : spawnFailure(`cwd ${quote(cwd)}`, errorCode(error), hint, error);
  }
}

function refuseNul({ launch, cwd }: SpawnSpec): void {
  const texts: Record<string, readonly string[]> =
    launch.kind === 'shell'
      ? { command: [launch.line], cwd: [cwd] }
      : launch.kind === 'code'
        ? { code: [launch.source], cwd: [cwd] }
        : { command: [launch.file], args: launch.args, cwd: [cwd] };
  for (const [argument, values] of Object.entries(texts)) {
    if (!values.some((value) => value.includes('\0'))) continue;
    throw new ProcessError('INVALID_ARGUMENT', `${argument}: contains a NUL character.`, {
      hint: 'The system ends arguments at NUL: remove it, or pass such data through stdin or a file.',
    });
  }
}

function quote(text: string): string {
  return JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text);
}
