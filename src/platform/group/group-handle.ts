import type { Writable } from 'node:stream';
import type { Listener, ProcessHandle, Termination, TreeInspection } from '../../core/runner.ts';
import { reachesTree } from '../../core/signals.ts';
import type { LeaderExit } from '../../core/types.ts';
import { StreamInput } from './stream-input.ts';

/** Pauses between looks for what outlived the leader: prompt at first, cheap in the long run. */
const FIRST_LOOK_MS = 5;
const SLOWEST_LOOK_MS = 250;

/** What a handle needs to know and do about the processes of its tree. */
export interface Tree {
  isEmpty(): boolean;
  /** Delivers to every member. */
  signal(name: string): void;
  terminate(signal: string, graceMs: number): Promise<Termination>;
  inspect(): Promise<TreeInspection>;
  listeners(): Promise<Listener[]>;
  awaitingInput(): Promise<boolean>;
}

interface Parts {
  stdin: Writable | null;
  pid: number;
  exited: Promise<LeaderExit>;
  tree: Tree;
}

/** A process whose tree no supervisor holds: whether something of it is left is found out by looking. */
export class GroupHandle implements ProcessHandle {
  readonly pid: number;
  readonly exited: Promise<LeaderExit>;
  readonly empty: Promise<void>;
  readonly #tree: Tree;
  readonly #input: StreamInput;
  #leaderAlive = true;
  #lookNow: () => void = () => undefined;

  constructor({ stdin, pid, exited, tree }: Parts) {
    this.pid = pid;
    this.exited = exited;
    this.#tree = tree;
    this.#input = new StreamInput(stdin);
    this.empty = exited.then(() => {
      this.#leaderAlive = false;
      return this.#untilEmpty();
    });
  }

  write(bytes: Uint8Array, signal: AbortSignal): Promise<number> {
    return this.#input.write(bytes, signal);
  }

  endInput(): void {
    this.#input.end();
  }

  signal(name: string): boolean {
    if (reachesTree(name)) {
      if (!this.#leaderAlive && this.#tree.isEmpty()) return false;
      this.#tree.signal(name);
      return true;
    }
    if (!this.#leaderAlive) return false;
    try {
      return process.kill(this.pid, name);
    } catch {
      return false;
    }
  }

  async terminate(signal: string, graceMs: number): Promise<Termination> {
    const termination = await this.#tree.terminate(signal, graceMs);
    this.#lookNow();
    return termination;
  }

  inspect(): Promise<TreeInspection> {
    return this.#tree.inspect();
  }

  listeners(): Promise<Listener[]> {
    return this.#tree.listeners();
  }

  awaitingInput(): Promise<boolean> {
    return this.#tree.awaitingInput();
  }

  async #untilEmpty(): Promise<void> {
    for (let pause = FIRST_LOOK_MS; !this.#tree.isEmpty(); pause = Math.min(pause * 2, SLOWEST_LOOK_MS)) {
      await new Promise<void>((resolve) => {
        // Looking keeps nobody alive: a server that has nothing else to do may leave.
        setTimeout(resolve, pause).unref();
        this.#lookNow = resolve;
      });
    }
    this.#input.end();
  }
}
