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
import { ProcessError } from '../core/errors.ts';
import type { ProcessBrief, Supervision } from '../core/types.ts';
import { TREE_MARKER } from './launch/child-env.ts';
import { errorCode } from './launch/find-executable.ts';
import { resolveLaunch, type LaunchOptions, type ResolvedCommand } from './launch/launch.ts';
import { portOwner } from './proc/port-owner.ts';
import { spawnInGroup } from './group/process-group.ts';
import { ProcessTable } from './proc/process-table.ts';
import { ReadBudget } from './shim/read-budget.ts';
import type { ShimHandle } from './shim/shim-handle.ts';
import { findShim, probeShim, ShimLostError, ShimUnavailableError, spawnUnderShim } from './shim/shim.ts';
import { SpareShim } from './shim/spare-shim.ts';
import { spawnFailure } from './launch/spawn-error.ts';
import { SupervisedTree } from './shim/supervised-tree.ts';
import { probePort } from './tcp-probe.ts';

export interface LocalRunnerOptions {
  /** Path or name of the shell for shell lines; default bash, else sh. */
  shell?: string;
  /** The environment children start from, and where PROCTOR_SHIM may name the supervisor; default this process's. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Between SIGTERM and SIGKILL for trees whose server goes away. */
  orphanGraceMs?: number;
  logger?: { info(message: string): void };
}

/**
 * Runs processes on this machine: each under a native supervisor of its own, from which nothing escapes, or, where
 * that cannot run, in a process group. Which it is shows at the first start; nothing is run before. After it, a spare
 * supervisor stands by until `close`.
 */
export class LocalRunner implements Runner {
  readonly #launch: LaunchOptions;
  readonly #orphanGraceMs: number | undefined;
  readonly #logger: LocalRunnerOptions['logger'];
  readonly #budget = new ReadBudget();
  readonly #spare = new SpareShim(this.#budget);
  readonly #table = new ProcessTable();
  #shim: Promise<string | undefined> | undefined;
  #found: { path: string | undefined } | undefined;
  /** The supervisor has started a command. */
  #served = false;
  /** Why the supervisor is done without. */
  #trouble: string | undefined;

  constructor({ shell, env = process.env, orphanGraceMs, logger }: LocalRunnerOptions = {}) {
    this.#launch = { baseEnv: env, ...(shell === undefined ? {} : { shell }) };
    this.#orphanGraceMs = orphanGraceMs;
    this.#logger = logger;
  }

  supervision(): Supervision {
    const trouble = this.#trouble ?? (this.#shimPath() === undefined ? NOT_FOUND : undefined);
    return trouble === undefined
      ? { mode: 'shim' }
      : { mode: 'process-group', warning: weakerSupervision(trouble) };
  }

  async resolveDirectory(path: string, base = process.cwd()): Promise<string> {
    const directory = resolve(base, path);
    const fail = (errno: string, cause?: unknown): Error =>
      spawnFailure(`cwd ${JSON.stringify(directory)}`, errno, 'Give cwd as an existing directory.', cause);
    let isDirectory: boolean;
    let real: string;
    try {
      real = await realpath(directory);
      isDirectory = (await stat(real)).isDirectory();
    } catch (error) {
      throw fail(errorCode(error), error);
    }
    if (!isDirectory) throw fail('ENOTDIR');
    return real;
  }

  async spawn(spec: SpawnSpec, onOutput: OutputSink): Promise<ProcessHandle> {
    const command = await resolveLaunch(spec, this.#launch);
    const shim = await this.#usableShim();
    if (shim === undefined) return spawnInGroup(command, onOutput, { table: this.#table });
    try {
      return await this.#spare.during(shim, onOutput, (sink) => this.#spawnUnder(shim, command, sink));
    } catch (error) {
      if (!(error instanceof ShimUnavailableError)) throw error;
      // One that has served before serves again: a start that it fails is no reason to hold all others less firmly.
      if (error instanceof ShimLostError && this.#served) throw startLost(error);
      this.#doWithout(error.message);
      return spawnInGroup(command, onOutput, { table: this.#table });
    }
  }

  probePort(target: PortTarget, signal: AbortSignal): Promise<ProbeResult> {
    return probePort(target, signal);
  }

  portOwner(port: number, host: string): Promise<ProcessBrief | undefined> {
    return portOwner(port, host, () => this.#table.listening());
  }

  close(): Promise<void> {
    return this.#spare.close();
  }

  async #spawnUnder(shim: string, command: ResolvedCommand, onOutput: OutputSink): Promise<ShimHandle> {
    const tree = new SupervisedTree(command.env[TREE_MARKER], this.#table);
    const handle = await spawnUnderShim(shim, command, onOutput, {
      budget: this.#budget,
      spare: this.#spare,
      ...(this.#orphanGraceMs === undefined ? {} : { orphanGraceMs: this.#orphanGraceMs }),
      inspect: (root) => tree.inspect(root),
      listeners: (root) => tree.listeners(root),
      awaitingInput: (root) => tree.awaitingInput(root),
      onShimLost: (root) => tree.onShimLost(root),
    });
    this.#served = true;
    this.#table.addSource(() => handle.listeningSockets(), handle.empty);
    return handle;
  }

  /** Path of the supervisor once it has proved itself; looked for at the first start. */
  async #usableShim(): Promise<string | undefined> {
    this.#shim ??= this.#tryShim();
    const shim = await this.#shim;
    return this.#trouble === undefined ? shim : undefined;
  }

  /** Looked for once: every listing asks. */
  #shimPath(): string | undefined {
    this.#found ??= { path: findShim(this.#launch.baseEnv) };
    return this.#found.path;
  }

  async #tryShim(): Promise<string | undefined> {
    const path = this.#shimPath();
    const trouble = path === undefined ? NOT_FOUND : await probeShim(path);
    if (trouble !== undefined) this.#doWithout(trouble);
    return path;
  }

  #doWithout(trouble: string): void {
    if (this.#trouble !== undefined) return;
    this.#trouble = trouble;
    void this.#spare.close();
    this.#logger?.info(weakerSupervision(trouble));
  }
}

/** Where it comes from: published for the common machines, and compiled by the build of a checkout, not by an install. */
const REMEDY =
  process.platform === 'linux'
    ? 'The package brings one for linux x64 and arm64; elsewhere run `npm run build` in a checkout, with a C compiler, ' +
      'and set PROCTOR_SHIM to the path of prebuilds/linux-*/proctor-shim.'
    : 'It exists on Linux alone.';

const NOT_FOUND = 'none was built or shipped for this machine';

function startLost(cause: ShimLostError): ProcessError {
  return new ProcessError('SPAWN_FAILED', `The command was not started: ${cause.message}, twice.`, {
    hint: 'Try again, unless something here kills supervisors.',
    cause,
  });
}

function weakerSupervision(trouble: string): string {
  return (
    `Without the native supervisor (${trouble}) a process that leaves its group can outlive a kill, and all of them ` +
    `outlive a server that is killed. ${REMEDY}`
  );
}
