import { Buffer } from 'node:buffer';
import type { Readable } from 'node:stream';
import { ProcessError } from '../../core/errors.ts';
import type { OutputSink, ProcessHandle } from '../../core/runner.ts';
import type { LeaderExit, StreamName } from '../../core/types.ts';
import { TREE_MARKER } from '../launch/child-env.ts';
import { GroupHandle } from './group-handle.ts';
import { PortableTree } from './portable-tree.ts';
import { hasProcFs } from '../proc/proc-fs.ts';
import type { ProcessTable } from '../proc/process-table.ts';
import { ProcTree } from '../proc/proc-tree.ts';
import type { ResolvedCommand } from '../launch/launch.ts';
import { spawnFailure } from '../launch/spawn-error.ts';

/** Turns of the event loop without new bytes after which a pipe counts as drained: each turn polls every pipe. */
const QUIET_TURNS = 3;
/** More than any socket buffer holds: what is read beyond this after the exit was not written by the leader. */
const DRAIN_BYTES = 4 * 1024 * 1024;

export interface GroupOptions {
  /** Shared by all processes of a server. */
  table: ProcessTable;
  /** Whether to find members through /proc; default: where there is one. */
  procFs?: boolean;
}

/**
 * Starts a command in a process group of its own, for machines where no supervisor can be run. What this cannot do:
 * hold a process that leaves the group and clears its environment, or end the tree when the server itself is killed.
 * Rejects with SPAWN_FAILED or PERMISSION_DENIED.
 */
export async function spawnInGroup(
  command: ResolvedCommand,
  onOutput: OutputSink,
  { table, procFs = hasProcFs() }: GroupOptions,
): Promise<ProcessHandle> {
  if (command.terminal !== undefined) {
    throw new ProcessError(
      'SPAWN_FAILED',
      'A terminal needs the native supervisor, which is not available here.',
      {
        hint: 'Leave pty out, or install a C compiler and reinstall so that the supervisor is built.',
      },
    );
  }
  const { execa } = await import('execa');
  const child = execa(command.file, command.args, {
    cwd: command.cwd,
    env: command.env,
    extendEnv: false,
    stdin: command.stdin === 'closed' ? 'ignore' : 'pipe',
    stdout: 'pipe',
    stderr: 'pipe',
    // A group of its own, and out of reach of the signals of the server's terminal.
    detached: true,
    // Output beyond its maxBuffer makes execa end the child: it is not to look at the output at all.
    buffer: false,
    reject: false,
    encoding: 'buffer',
    windowsHide: true,
    windowsVerbatimArguments: /\bcmd\.exe$/i.test(command.file),
  });
  const { pid } = child;
  if (pid === undefined) {
    const { cause, code } = await child;
    throw spawnFailure(JSON.stringify(command.file), code ?? 'EIO', undefined, cause);
  }
  const drain = new Drain(onOutput, { stdout: child.stdout, stderr: child.stderr });
  const exited = new Promise<LeaderExit>((resolve) => {
    child.once('exit', (code, signal) => {
      void drain.settle().then(() => {
        resolve({ code, signal });
      });
    });
  });
  const tree = procFs
    ? new ProcTree({ leader: pid, marker: command.env[TREE_MARKER], table })
    : new PortableTree(pid);
  return new GroupHandle({ stdin: child.stdin, pid, exited, tree });
}

/** Passes output on as it comes, and tells when everything written so far has been passed on. */
class Drain {
  #bytes = 0;
  #open: number;

  constructor(onOutput: OutputSink, streams: Readonly<Record<StreamName, Readable>>) {
    const names = ['stdout', 'stderr'] as const;
    this.#open = names.length;
    for (const name of names) {
      streams[name].on('data', (chunk: unknown) => {
        if (!Buffer.isBuffer(chunk)) return;
        this.#bytes += chunk.length;
        onOutput(name, chunk);
      });
      // A pipe that breaks has ended; `close` follows.
      streams[name].on('error', () => undefined);
      streams[name].once('close', () => (this.#open -= 1));
    }
  }

  /** Resolves at the end of both pipes, or once they are quiet: a background process may hold them for ever. */
  async settle(): Promise<void> {
    const limit = this.#bytes + DRAIN_BYTES;
    for (let quiet = 0; quiet < QUIET_TURNS && this.#open > 0 && this.#bytes < limit;) {
      const before = this.#bytes;
      await new Promise((resolve) => setImmediate(resolve));
      quiet = this.#bytes === before ? quiet + 1 : 0;
    }
  }
}
