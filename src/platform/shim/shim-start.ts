import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import type { OutputSink } from '../../core/runner.ts';
import { errorCode } from '../launch/find-executable.ts';
import type { ResolvedCommand } from '../launch/launch.ts';
import { PipeWriter } from './pipe-writer.ts';
import type { ReadBudget } from './read-budget.ts';
import { ShimChannel } from './shim-channel.ts';
import { ShimHandle, type ShimTree } from './shim-handle.ts';
import { commands, PROTOCOL_VERSION, type Report } from './shim-protocol.ts';
import { openPipes, terminalStreams, type Streams } from './shim-streams.ts';
import { spawnFailure } from '../launch/spawn-error.ts';

/** The supervisor itself cannot be used here: the command is not to blame, and another way of starting it may do. */
export class ShimUnavailableError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ShimUnavailableError';
  }
}

interface Starting {
  child: ChildProcess;
  command: ResolvedCommand;
  /** Present when the command runs in a terminal: the terminal's master end. */
  master: number | undefined;
  onOutput: OutputSink;
  budget: ReadBudget;
  tree: ShimTree;
}

/**
 * Follows a running supervisor through the start of its leader. Rejects with a ProcessError when the command cannot be
 * started, and with a ShimUnavailableError when the supervisor cannot do its work.
 */
export function startLeader({
  child,
  command,
  master,
  onOutput,
  budget,
  tree,
}: Starting): Promise<ShimHandle> {
  return new Promise((resolve, reject) => {
    const control = child.stdio[3];
    const shimPid = child.pid;
    if (!(control instanceof Socket) || shimPid === undefined) {
      throw new ShimUnavailableError('the supervisor has no control socket');
    }
    let streams: Streams =
      master === undefined
        ? { readers: [], input: new PipeWriter(undefined) }
        : terminalStreams(master, command.stdin, onOutput, budget);
    /** From when the leader may have done something until the start has failed. */
    let leaderPid: number | undefined;
    let handle: ShimHandle | undefined;

    const begin = (pid: number): ShimHandle => {
      const wakeShim = (): void => {
        child.kill('SIGCONT');
      };
      handle = new ShimHandle({ root: { shimPid, leaderPid: pid }, channel, ...streams, tree, wakeShim });
      child.unref();
      channel.unref();
      resolve(handle);
      return handle;
    };
    const fail = (error: unknown): void => {
      leaderPid = undefined;
      for (const reader of streams.readers) reader.close();
      streams.input.close();
      // A supervisor that has not started its leader leaves when the socket closes.
      channel.close();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    const open = (report: Extract<Report, { type: 'ready' }>): void => {
      if (report.version !== PROTOCOL_VERSION)
        throw new ShimUnavailableError(`the supervisor speaks version ${report.version}`);
      if (master === undefined)
        streams = orUnavailable('open the pipes', () => openPipes(shimPid, report, onOutput, budget));
      channel.send(commands.go());
    };
    const onReport = (report: Report): void => {
      if (handle) {
        handle.take(report);
      } else if (report.type === 'ready') {
        try {
          open(report);
        } catch (error) {
          fail(error);
        }
      } else if (report.type === 'forked') {
        leaderPid = report.pid;
      } else if (report.type === 'started') {
        begin(report.pid);
      } else if (report.type === 'error') {
        fail(startError(report.stage, report.errno, command));
      }
    };
    const onClosed = (): void => {
      // A command that kills its supervisor at once has been started all the same.
      const begun = handle ?? (leaderPid === undefined ? undefined : begin(leaderPid));
      if (begun) begun.channelClosed();
      else fail(new ShimUnavailableError('the supervisor ended before the command had started'));
    };
    const channel = new ShimChannel(control, onReport, onClosed);
  });
}

function startError(stage: string, errno: number, { file, cwd }: ResolvedCommand): Error {
  if (stage === 'chdir')
    return spawnFailure(`cwd ${JSON.stringify(cwd)}`, errno, 'Give cwd as an existing directory.');
  if (stage === 'setup') return new ShimUnavailableError(`the supervisor cannot set up: errno ${errno}`);
  return spawnFailure(JSON.stringify(file), errno);
}

/** Lack of descriptors is the server's trouble, whatever starts the command; anything else is this way's own. */
export function orUnavailable<T>(what: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const errno = errorCode(error);
    if (errno === 'EMFILE' || errno === 'ENFILE') throw spawnFailure(what, errno, undefined, error);
    throw new ShimUnavailableError(`cannot ${what}: ${errno}`, error);
  }
}
