import type { Listener, Termination, TreeInspection } from '../../core/runner.ts';
import type { Tree } from '../group/group-handle.ts';
import { descriptorTarget } from './proc-fs.ts';
import { TreeInspector } from './tree-inspector.ts';
import { TreeMembers, type TreeOptions } from './tree-members.ts';
import { TreeSweep } from './tree-sweep.ts';

/** A tree seen and ended through /proc, without a supervisor. */
export class ProcTree implements Tree {
  readonly #members: TreeMembers;
  readonly #inspector: TreeInspector;
  readonly #leader: number;
  #sweep: TreeSweep | undefined;

  constructor(options: TreeOptions) {
    this.#members = new TreeMembers(options);
    this.#leader = options.leader;
    // Its own standard input as it was at the start: that of a pipeline's later members is another pipe.
    const stdin = descriptorTarget(options.leader, 0);
    this.#inspector = new TreeInspector(options.table, stdin);
  }

  isEmpty(): boolean {
    return this.#members.look().length === 0;
  }

  signal(name: string): void {
    this.#members.signalAll(this.#members.look(), name);
  }

  async terminate(signal: string, graceMs: number): Promise<Termination> {
    this.#sweep ??= new TreeSweep(this.#members);
    const termination = await this.#sweep.run(signal, graceMs);
    // Survivors may be tried again.
    this.#sweep = undefined;
    return termination;
  }

  inspect(): Promise<TreeInspection> {
    return this.#inspector.inspect(this.#members.look(), this.#leader);
  }

  listeners(): Promise<Listener[]> {
    return this.#inspector.listeners(this.#members.look());
  }

  awaitingInput(): Promise<boolean> {
    return Promise.resolve(this.#inspector.awaitingInput(this.#members.look()));
  }
}
