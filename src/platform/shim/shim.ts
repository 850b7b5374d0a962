import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { accessSync, closeSync, constants, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OutputSink } from '../../core/runner.ts';
import { errorCode } from '../launch/find-executable.ts';
import type { ResolvedCommand } from '../launch/launch.ts';
import type { ReadBudget } from './read-budget.ts';
import type { ShimHandle, ShimTree } from './shim-handle.ts';
import { PROTOCOL_VERSION } from './shim-protocol.ts';
import { orUnavailable, ShimUnavailableError, startLeader } from './shim-start.ts';
import { openTerminal } from './shim-streams.ts';
import { spawnFailure } from '../launch/spawn-error.ts';

export { ShimUnavailableError } from './shim-start.ts';
export type { ShimRoot, ShimTree } from './shim-handle.ts';

export interface ShimDeps extends ShimTree {
  /** Shared by all processes of a server. */
  budget: ReadBudget;
  /** Between SIGTERM and SIGKILL when the server goes away; default 500. */
  orphanGraceMs?: number;
}

const DEFAULT_ORPHAN_GRACE_MS = 500;
const CHECK_TIMEOUT_MS = 5000;

/**
 * Path of the supervisor for this machine: `PROCTOR_SHIM` where it is set, else what the package's build or its
 * publisher has put under prebuilds/. Undefined where there is none that can be executed.
 */
export function findShim(
  env: Readonly<Record<string, string | undefined>> = process.env,
): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const path =
    env.PROCTOR_SHIM ?? join(packageDirectory(), 'prebuilds', `linux-${process.arch}`, 'proctor-shim');
  try {
    accessSync(path, constants.X_OK);
    return path;
  } catch {
    return undefined;
  }
}

/** Resolves with why the supervisor cannot be used, or undefined after it has shown that it gets a tree's orphans. */
export function probeShim(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(path, ['--check'], { timeout: CHECK_TIMEOUT_MS }, (error, stdout) => {
      if (error) resolve(`${path} --check failed: ${error.message.trim()}`);
      else if (stdout !== `proctor-shim ${PROTOCOL_VERSION}\n`)
        resolve(`${path} is another version: ${JSON.stringify(stdout.slice(0, 80))}`);
      else resolve(undefined);
    });
  });
}

/**
 * Starts a command under a supervisor of its own. Rejects with a ProcessError that carries the errno's meaning when the
 * command cannot be started, and with a ShimUnavailableError when the supervisor cannot.
 *
 * Nothing of a started process keeps the event loop alive but a termination that is under way.
 */
export async function spawnUnderShim(
  shimPath: string,
  command: ResolvedCommand,
  onOutput: OutputSink,
  deps: ShimDeps,
): Promise<ShimHandle> {
  const master = command.terminal && orUnavailable('open a terminal', openTerminal);
  let child: ChildProcess;
  try {
    child = await startShim(shimPath, command, deps.orphanGraceMs ?? DEFAULT_ORPHAN_GRACE_MS, master);
  } catch (error) {
    if (master !== undefined) closeSync(master);
    throw error;
  }
  return startLeader({ child, command, master, onOutput, budget: deps.budget, tree: deps });
}

/** Resolves once the supervisor's program runs. */
function startShim(
  shimPath: string,
  { file, args, cwd, env, stdin, terminal }: ResolvedCommand,
  orphanGraceMs: number,
  master: number | undefined,
): Promise<ChildProcess> {
  const options = ['--cwd', cwd, '--stdin', stdin, '--orphan-grace', String(orphanGraceMs)];
  if (terminal) options.push('--pty', `${terminal.cols}x${terminal.rows}`);
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => {
      // The supervisor is given the command's arguments and environment: where those are too much, so they are for it.
      const errno = errorCode(error);
      reject(
        ['ENOENT', 'EACCES', 'EPERM', 'ENOEXEC'].includes(errno)
          ? new ShimUnavailableError(`cannot run ${shimPath}: ${errno}`, error)
          : spawnFailure(JSON.stringify(file), errno, undefined, error),
      );
    };
    try {
      const child = spawn(shimPath, [...options, '--', file, ...args], {
        cwd: '/',
        env,
        stdio: ['ignore', 'ignore', 'ignore', 'pipe', ...(master === undefined ? [] : [master])],
      });
      // Stays: an error without a listener, such as of a signal later on, would end the server.
      child.on('error', fail);
      child.once('spawn', () => {
        resolve(child);
      });
    } catch (error) {
      fail(error);
    }
  });
}

/** Nearest directory with a package.json above this module, which is in src/ or bundled into dist/. */
function packageDirectory(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json')) && dirname(directory) !== directory)
    directory = dirname(directory);
  return directory;
}
