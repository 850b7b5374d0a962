import type { Termination, TreeInspection } from '../core/runner.ts';
import { portsOf } from './port-owner.ts';
import type { ShimRoot, ShimTree } from './shim.ts';
import { TreeInspector } from './tree-inspector.ts';
import { TreeMembers } from './tree-members.ts';
import { TreeSweep } from './tree-sweep.ts';

/** The facts about a tree that a supervisor holds, and the way to end it should the supervisor be killed. */
export class SupervisedTree implements ShimTree {
  readonly #marker: string | undefined;
  readonly #inspector = new TreeInspector();
  #members: TreeMembers | undefined;

  /** `marker` is the value of the tree marker in the command's environment. */
  constructor(marker: string | undefined) {
    this.#marker = marker;
  }

  inspect(root: ShimRoot): Promise<TreeInspection> {
    // Whatever loses its parent is the supervisor's child: parent links alone are complete.
    const members = this.#membersOf(root).look(false);
    return Promise.resolve(this.#inspector.inspect(members, root.leaderPid));
  }

  ports(root: ShimRoot): Promise<number[]> {
    return Promise.resolve(portsOf(this.#pids(root)));
  }

  awaitingInput(root: ShimRoot): Promise<boolean> {
    return Promise.resolve(this.#inspector.awaitingInput(this.#membersOf(root).look(false)));
  }

  onShimLost(root: ShimRoot): Promise<Termination> {
    return new TreeSweep(this.#membersOf(root)).run('SIGKILL', 0);
  }

  #pids(root: ShimRoot): number[] {
    return this.#membersOf(root)
      .look(false)
      .map(({ pid }) => pid);
  }

  #membersOf({ shimPid, leaderPid }: ShimRoot): TreeMembers {
    this.#members ??= new TreeMembers({ leader: leaderPid, supervisor: shimPid, marker: this.#marker });
    return this.#members;
  }
}
