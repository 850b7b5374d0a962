import type { ProcessError } from '../errors.ts';
import type { ProcessHandle } from '../runner.ts';
import type { ExitInfo, Status } from '../types.ts';

/** Where one run of a process is in its life. */
export type ProcessState =
  | { phase: 'queued' }
  | { phase: 'starting'; startedAt: number }
  | { phase: 'running'; startedAt: number; handle: ProcessHandle }
  | EndedState
  | { phase: 'error'; startedAt: number; endedAt: number; error: ProcessError };

/** The leader has ended; `treeEmpty` says whether nothing it has started is still alive either. */
interface EndedState {
  phase: 'ended';
  startedAt: number;
  endedAt: number;
  handle: ProcessHandle;
  exit: ExitInfo;
  treeEmpty: boolean;
}

export function statusOf(state: ProcessState): Status {
  return state.phase === 'ended' ? endStatus(state.exit) : state.phase;
}

function endStatus({ cause, signal, code }: ExitInfo): Status {
  const ours = cause === 'kill_process' || cause === 'timeout' || cause === 'shutdown';
  if (ours || signal !== null) return 'killed';
  return code === 0 ? 'completed' : 'failed';
}

/** True while anything of the tree is alive or about to be. */
export function isLive(state: ProcessState): boolean {
  return state.phase === 'ended' ? !state.treeEmpty : state.phase !== 'error';
}
