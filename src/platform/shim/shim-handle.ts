import type { LeaderEnd, Listener, ProcessHandle, Termination, TreeInspection } from '../../core/runner.ts';
import { reachesTree } from '../../core/signals.ts';
import type { TerminalSize } from '../../core/types.ts';
import type { ListeningSocket } from '../proc/listening-socket.ts';
import type { PipeReader } from './pipe-reader.ts';
import type { ShimChannel, ShimListener } from './shim-channel.ts';
import { ListeningQuestions } from './shim-listening.ts';
import { commands, type Report } from './shim-protocol.ts';
import type { ShimWaker } from './shim-waker.ts';

/** The processes by which a tree under a supervisor is found in /proc: the supervisor and the process it started. */
export interface ShimRoot {
  shimPid: number;
  leaderPid: number;
}

/** What is looked up or done outside the supervisor. */
export interface ShimTree {
  inspect(root: ShimRoot): Promise<TreeInspection>;
  listeners(root: ShimRoot): Promise<Listener[]>;
  awaitingInput(root: ShimRoot): Promise<boolean>;
  /** Ends what is left of a tree whose supervisor was killed. The leader has died with it. */
  onShimLost(root: ShimRoot): Promise<Termination>;
}

/** Standard input of the leader. */
export interface Input {
  write(bytes: Uint8Array, signal: AbortSignal): Promise<number>;
  end(): void;
  close(): void;
}

interface Parts {
  root: ShimRoot;
  channel: ShimChannel;
  readers: readonly PipeReader[];
  input: Input;
  tree: ShimTree;
  waker: ShimWaker;
}

/** A process under a supervisor of its own, whose reports `take` is fed with. */
export class ShimHandle implements ProcessHandle, ShimListener {
  readonly pid: number;
  readonly exited: Promise<LeaderEnd>;
  readonly empty: Promise<void>;
  readonly #parts: Parts;
  readonly #questions: ListeningQuestions;
  readonly #exit = deferred<LeaderEnd>();
  readonly #empty = deferred<undefined>();
  #leaderEnded = false;
  #ended = false;
  #lost: Promise<Termination> | undefined;
  #termination: Deferred<Termination> | undefined;
  #killed: number[] = [];
  #survivors: number[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#questions = new ListeningQuestions(() => {
      parts.waker.wake();
      parts.channel.send(commands.listening());
    });
    this.pid = parts.root.leaderPid;
    this.exited = this.#exit.promise;
    this.empty = this.#empty.promise.then(() => undefined);
    parts.waker.rest();
  }

  /** Takes note of what the supervisor tells after the start. */
  take(report: Report): void {
    switch (report.type) {
      case 'exited':
        this.#leaderHasEnded(
          this.#termination && !report.asked ? { ...report.exit, beforeTermination: true } : report.exit,
        );
        return;
      case 'killed':
        this.#killed.push(...report.pids);
        return;
      case 'survivor':
        this.#survivors.push(...report.pids);
        return;
      case 'incomplete':
        this.#settleTermination({ killed: this.#killed, survivors: this.#survivors });
        this.#killed = [];
        this.#survivors = [];
        return;
      case 'listening':
        this.#questions.take(report.sockets);
        return;
      case 'listened':
        this.#questions.answered(report.errno);
        return;
      case 'empty':
        this.#settleTermination({ killed: this.#killed, survivors: [] });
        this.#end();
        return;
      case 'ready':
      case 'forked':
      case 'started':
      case 'error':
    }
  }

  /** The control channel has ended: a supervisor that has not reported its tree empty was killed. */
  channelClosed(): void {
    if (this.#ended || this.#lost) return;
    this.#questions.close();
    this.#parts.waker.stop();
    this.#lost = this.#parts.tree
      .onShimLost(this.#parts.root)
      .catch(() => ({ killed: [], survivors: [] }))
      .then((termination) => {
        // The kernel sends SIGKILL to the leader when its supervisor dies.
        this.#leaderHasEnded({ code: null, signal: 'SIGKILL' });
        this.#settleTermination(termination);
        this.#end();
        return termination;
      });
  }

  write(bytes: Uint8Array, signal: AbortSignal): Promise<number> {
    return this.#parts.input.write(bytes, signal);
  }

  endInput(): void {
    this.#parts.input.end();
  }

  signal(name: string): boolean {
    if (this.#ended || this.#lost || (this.#leaderEnded && !reachesTree(name))) return false;
    this.#parts.channel.send(commands.signal(name));
    return true;
  }

  terminate(signal: string, graceMs: number): Promise<Termination> {
    if (this.#lost) return this.#lost;
    if (this.#ended) return Promise.resolve({ killed: [], survivors: [] });
    if (!this.#termination) {
      this.#termination = deferred<Termination>();
      // Somebody waits for the answer: the event loop has to live for it.
      this.#parts.channel.ref();
    }
    this.#parts.waker.hurry();
    this.#parts.channel.send(commands.terminate(signal, graceMs));
    return this.#termination.promise;
  }

  inspect(): Promise<TreeInspection> {
    return this.#parts.tree.inspect(this.#parts.root);
  }

  listeners(): Promise<Listener[]> {
    return this.#parts.tree.listeners(this.#parts.root);
  }

  /**
   * Every socket that listens in this network namespace, as the supervisor sees it. Undefined where it cannot tell, such
   * as in a sandbox that denies it, or is gone.
   */
  listeningSockets(): Promise<readonly ListeningSocket[] | undefined> {
    return this.#questions.ask();
  }

  awaitingInput(): Promise<boolean> {
    return this.#parts.tree.awaitingInput(this.#parts.root);
  }

  /** The supervisor ignores it where there is no terminal. */
  resize(size: TerminalSize): void {
    this.#parts.channel.send(commands.resize(size));
  }

  #leaderHasEnded(exit: LeaderEnd): void {
    if (this.#leaderEnded) return;
    this.#leaderEnded = true;
    // All it wrote is in the pipes by now, and others may hold them open for ever: no end of file is waited for.
    this.#drain();
    this.#exit.resolve(exit);
  }

  #settleTermination(termination: Termination): void {
    this.#termination?.resolve(termination);
    this.#termination = undefined;
    this.#parts.channel.unref();
    this.#parts.waker.rest();
  }

  #end(): void {
    this.#ended = true;
    this.#parts.waker.stop();
    this.#questions.close();
    this.#drain();
    for (const reader of this.#parts.readers) reader.close();
    this.#parts.input.close();
    this.#parts.channel.close();
    this.#empty.resolve(undefined);
  }

  #drain(): void {
    for (const reader of this.#parts.readers) reader.drain();
  }
}

interface Deferred<T> {
  promise: Promise<T>;
  resolve: (value: T) => void;
}

function deferred<T>(): Deferred<T> {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
