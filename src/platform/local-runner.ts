import { realpath, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type {
  OutputSink,
  PortTarget,
  ProbeResult,
  ProcessHandle,
  Runner,
  SpawnSpec,
} from '../core/runner.ts';
import type { ProcessBrief, Supervision } from '../core/types.ts';
import { errorCode } from './find-executable.ts';
import { resolveLaunch, type LaunchOptions } from './launch.ts';
import { portOwner } from './port-owner.ts';
import { spawnInGroup } from './process-group.ts';
import { spawnFailure } from './spawn-error.ts';
import { probePort } from './tcp-probe.ts';

export interface LocalRunnerOptions {
  /** Path or name of the shell for shell lines; default bash, else sh. */
  shell?: string;
  /** The environment children start from; default this process's own. */
  env?: Readonly<Record<string, string | undefined>>;
  logger?: { info(message: string): void };
}

const WITHOUT_SUPERVISOR =
  'No native supervisor is available, so processes that leave their group may escape a kill and all outlive a killed ' +
  'server: install a C compiler and reinstall to build it.';

/** Runs processes on this machine. */
export class LocalRunner implements Runner {
  readonly #launch: LaunchOptions;

  constructor({ shell, env = process.env }: LocalRunnerOptions = {}) {
    this.#launch = { baseEnv: env, ...(shell === undefined ? {} : { shell }) };
  }

  supervision(): Supervision {
    return { mode: 'process-group', warning: WITHOUT_SUPERVISOR };
  }

  async resolveDirectory(path: string, base = process.cwd()): Promise<string> {
    const directory = resolve(base, path);
    const fail = (errno: string, cause?: unknown): Error =>
      spawnFailure(`cwd ${JSON.stringify(directory)}`, errno, 'Give cwd as an existing directory.', cause);
    try {
      const real = await realpath(directory);
      if ((await stat(real)).isDirectory()) return real;
    } catch (error) {
      throw fail(errorCode(error), error);
    }
    throw fail('ENOTDIR');
  }

  async spawn(spec: SpawnSpec, onOutput: OutputSink): Promise<ProcessHandle> {
    const command = await resolveLaunch(spec, this.#launch);
    return spawnInGroup(command, onOutput);
  }

  probePort(target: PortTarget, signal: AbortSignal): Promise<ProbeResult> {
    return probePort(target, signal);
  }

  portOwner(port: number): Promise<ProcessBrief | undefined> {
    return portOwner(port);
  }
}
