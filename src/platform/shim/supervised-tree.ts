import type { Listener, Termination, TreeInspection } from '../../core/runner.ts';
import type { ProcessTable } from '../proc/process-table.ts';
import type { ShimRoot, ShimTree } from './shim.ts';
import { TreeInspector } from '../proc/tree-inspector.ts';
import { TreeMembers } from '../proc/tree-members.ts';
import { TreeSweep } from '../proc/tree-sweep.ts';

/** The facts about a tree that a supervisor holds, and the way to end it should the supervisor be killed. */
export class SupervisedTree implements ShimTree {
  readonly #marker: string | undefined;
  readonly #table: ProcessTable;
  readonly #inspector: TreeInspector;
  #members: TreeMembers | undefined;

  /** `marker` is the value of the tree marker in the command's environment. */
  constructor(marker: string | undefined, table: ProcessTable) {
    this.#marker = marker;
    this.#table = table;
    this.#inspector = new TreeInspector(table);
  }

  inspect(root: ShimRoot): Promise<TreeInspection> {
    return this.#inspector.inspect(this.#membersOf(root).look(), root.leaderPid);
  }

  listeners(root: ShimRoot): Promise<Listener[]> {
    return this.#inspector.listeners(this.#membersOf(root).look());
  }

  awaitingInput(root: ShimRoot): Promise<boolean> {
    return Promise.resolve(this.#inspector.awaitingInput(this.#membersOf(root).look()));
  }

  onShimLost(root: ShimRoot): Promise<Termination> {
    return new TreeSweep(this.#membersOf(root)).run('SIGKILL', 0);
  }

  #membersOf({ shimPid, leaderPid }: ShimRoot): TreeMembers {
    this.#members ??= new TreeMembers({
      leader: leaderPid,
      supervisor: shimPid,
      marker: this.#marker,
      table: this.#table,
    });
    return this.#members;
  }
}
