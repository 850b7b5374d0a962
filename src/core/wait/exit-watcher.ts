import type { ManagedProcess } from '../process/managed-process.ts';
import { wait, type Arm } from './wait.ts';

/** Settles when the leader has ended; at once when it has already. Descendants that live on do not delay it. */
export function exitCondition(process: ManagedProcess): Arm<'exited'> {
  return (settle) => {
    const remove = process.leaderEnded.add(() => {
      settle('exited');
    });
    if (process.ended) settle('exited');
    return remove;
  };
}

/**
 * A leader's end is told before its tree is known to be empty, and children of a pipeline end a moment after it. What
 * is gone within this time is treated as ended, so that a name is free for whoever was told of the end.
 */
const TREE_END_MS = 200;

/** Gives what remains of a tree whose leader has ended the time to end as well. */
export async function treeSettled(process: ManagedProcess): Promise<void> {
  if (process.ended && process.live) await wait({ timeoutMs: TREE_END_MS }, treeEndCondition(process));
}

/** Settles when nothing of the tree is alive; at once when that is so already. */
function treeEndCondition(process: ManagedProcess): Arm<'empty'> {
  return (settle) => {
    const remove = process.treeEnded.add(() => {
      settle('empty');
    });
    if (!process.live) settle('empty');
    return remove;
  };
}

/**
 * Settles when all, or any, of the processes have ended. One that has ended counts, also where it was started again
 * since; `onEnd` is told of its first end, in that very moment.
 */
export function exitsCondition(
  processes: readonly ManagedProcess[],
  mode: 'all' | 'any',
  onEnd: (process: ManagedProcess) => void,
): Arm<'exited'> {
  return (settle) => {
    const ended = new Set<ManagedProcess>();
    const check = (): void => {
      if (mode === 'all' ? ended.size === processes.length : ended.size > 0) settle('exited');
    };
    const takeNote = (process: ManagedProcess): void => {
      if (ended.has(process)) return;
      ended.add(process);
      onEnd(process);
    };
    const removes = processes.map((process) =>
      process.leaderEnded.add(() => {
        takeNote(process);
        check();
      }),
    );
    for (const process of processes) if (process.ended) takeNote(process);
    check();
    return () => {
      for (const remove of removes) remove();
    };
  };
}
