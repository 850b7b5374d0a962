import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OutputSink } from '../../core/runner.ts';
import type { ResolvedCommand } from '../launch/launch.ts';
import type { ReadBudget } from './read-budget.ts';
import type { ShimHandle, ShimTree } from './shim-handle.ts';
import { launchMessage } from './shim-launch.ts';
import { ShimProcess } from './shim-process.ts';
import { PROTOCOL_VERSION } from './shim-protocol.ts';
import { startLeader, type Start } from './shim-start.ts';
import { ShimLostError, ShimUnavailableError } from './shim-unavailable.ts';
import type { SpareShim } from './spare-shim.ts';

export { ShimLostError, ShimUnavailableError } from './shim-unavailable.ts';
export type { ShimRoot, ShimTree } from './shim-handle.ts';

export interface ShimDeps extends ShimTree {
  /** Shared by all processes of a server. */
  budget: ReadBudget;
  /** Where a supervisor may stand by. */
  spare?: SpareShim;
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
  path: string,
  command: ResolvedCommand,
  onOutput: OutputSink,
  { budget, spare, orphanGraceMs = DEFAULT_ORPHAN_GRACE_MS, ...tree }: ShimDeps,
): Promise<ShimHandle> {
  const { terminal } = command;
  const start: Start = { command, message: launchMessage(command, orphanGraceMs), onOutput, tree };
  // What stands by has pipes and no terminal.
  const waiting = terminal ? undefined : spare?.take();
  const startFresh = async (): Promise<ShimHandle> =>
    startLeader(await ShimProcess.spawn({ path, budget, ...(terminal && { terminal }) }), start);
  // Where a supervisor fails, nothing of the command has run, and a fresh one may be better off.
  return (waiting ? startLeader(waiting, start) : startFresh()).catch((error: unknown) => {
    const another = waiting ? error instanceof ShimUnavailableError : error instanceof ShimLostError;
    if (!another) throw error;
    return startFresh();
  });
}

/** Nearest directory with a package.json above this module, which is in src/ or bundled into dist/. */
function packageDirectory(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'package.json')) && dirname(directory) !== directory)
    directory = dirname(directory);
  return directory;
}
