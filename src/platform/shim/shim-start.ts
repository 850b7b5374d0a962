import type { OutputSink } from '../../core/runner.ts';
import type { ResolvedCommand } from '../launch/launch.ts';
import { spawnFailure } from '../launch/spawn-error.ts';
import { ShimHandle, type ShimTree } from './shim-handle.ts';
import type { ShimProcess } from './shim-process.ts';
import type { Report } from './shim-protocol.ts';
import { ShimLostError } from './shim-unavailable.ts';

export interface Start {
  command: ResolvedCommand;
  /** What the supervisor is sent; see launchMessage. */
  message: Uint8Array;
  onOutput: OutputSink;
  tree: ShimTree;
}

/**
 * Has a supervisor start its leader as soon as it is ready. Rejects with a ProcessError when the command cannot be started, and
 * with a ShimUnavailableError when the supervisor cannot do its work and nothing of the command has run.
 */
export async function startLeader(
  shim: ShimProcess,
  { command, message, onOutput, tree }: Start,
): Promise<ShimHandle> {
  shim.channel.ref();
  // One that has stood by may have been stopped meanwhile.
  shim.waker.hurry();
  await shim.ready;
  return new Promise((resolve, reject) => {
    const { channel, streams } = shim;
    /** From when the leader may have done something until the start has failed. */
    let leaderPid: number | undefined;

    const begin = (pid: number): ShimHandle => {
      const root = { shimPid: shim.pid, leaderPid: pid };
      const handle = new ShimHandle({ root, channel, ...streams, tree, waker: shim.waker });
      channel.handTo(handle);
      channel.unref();
      resolve(handle);
      return handle;
    };
    const fail = (error: Error): void => {
      leaderPid = undefined;
      // A supervisor that has not started its leader leaves when the socket closes.
      shim.discard();
      reject(error);
    };
    const take = (report: Report): void => {
      if (report.type === 'forked') leaderPid = report.pid;
      else if (report.type === 'started') begin(report.pid);
      else if (report.type === 'error') fail(startError(report.stage, report.errno, command));
    };
    const channelClosed = (): void => {
      // A command that kills its supervisor at once has been started all the same.
      if (leaderPid !== undefined) begin(leaderPid).channelClosed();
      else fail(new ShimLostError('the supervisor ended before the command had started'));
    };

    shim.handTo({ take, channelClosed }, onOutput);
    if (command.stdin === 'closed') streams.input.close();
    channel.send(message);
  });
}

function startError(stage: string, errno: number, { file, cwd }: ResolvedCommand): Error {
  if (stage === 'chdir')
    return spawnFailure(`cwd ${JSON.stringify(cwd)}`, errno, 'Give cwd as an existing directory.');
  if (stage === 'setup') return new ShimLostError(`the supervisor cannot set up: errno ${errno}`);
  return spawnFailure(JSON.stringify(file), errno);
}
