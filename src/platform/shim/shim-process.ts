import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { Socket } from 'node:net';
import type { OutputSink } from '../../core/runner.ts';
import type { TerminalSize } from '../../core/types.ts';
import { errorCode } from '../launch/find-executable.ts';
import { spawnFailure } from '../launch/spawn-error.ts';
import { PipeWriter } from './pipe-writer.ts';
import type { ReadBudget } from './read-budget.ts';
import { ShimChannel, type ShimListener } from './shim-channel.ts';
import { PROTOCOL_VERSION, type Report } from './shim-protocol.ts';
import { ShimWaker } from './shim-waker.ts';
import { openPipes, openTerminal, terminalStreams, type Streams } from './shim-streams.ts';
import { orUnavailable, ShimLostError, ShimUnavailableError } from './shim-unavailable.ts';

/** For what a supervisor has said before its end to be read. */
const LAST_WORDS_MS = 100;

export interface ShimProcessOptions {
  /** Path of the supervisor's program. */
  path: string;
  /** Shared by all processes of a server. */
  budget: ReadBudget;
  /** Present for a command that is to run in a terminal of this size. */
  terminal?: TerminalSize;
}

/**
 * A supervisor that has not been told yet what to start. All it knows of that will come by message: it stands in the
 * root directory with an empty environment. Resource limits and umask are those of the server when it was spawned.
 */
export class ShimProcess implements ShimListener {
  readonly pid: number;
  readonly channel: ShimChannel;
  readonly waker: ShimWaker;
  /**
   * Resolves once it waits for its command and the server has its own ends of the pipes. Rejects, with everything
   * closed, with a ShimUnavailableError, or with a ProcessError where the server lacks descriptors.
   */
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;
  readonly #budget: ReadBudget;
  readonly #terminal: boolean;
  readonly #sink: OutputSink = (stream, chunk) => {
    this.#onOutput(stream, chunk);
  };
  #onOutput: OutputSink = () => undefined;
  #streams: Streams;
  #settle: { resolve: () => void; reject: (error: unknown) => void } | undefined;

  private constructor(child: ChildProcess, master: number | undefined, budget: ReadBudget) {
    const control = child.stdio[3];
    if (!(control instanceof Socket) || child.pid === undefined)
      throw new ShimUnavailableError('the supervisor has no control socket');
    this.pid = child.pid;
    this.#child = child;
    this.#budget = budget;
    this.#terminal = master !== undefined;
    this.#streams =
      master === undefined
        ? { readers: [], input: new PipeWriter(undefined) }
        : terminalStreams(master, this.#sink, budget);
    this.ready = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.channel = new ShimChannel(control, this);
    this.waker = new ShimWaker(child);
    // Its end of the socket may live on in other hands, where one of its tree has taken a copy.
    child.once('exit', () => {
      setTimeout(() => {
        // What it has said is read first, however late this timer is.
        setImmediate(() => {
          this.channel.close();
        });
      }, LAST_WORDS_MS).unref();
    });
    // The channel alone tells whether the event loop is to live for it.
    child.unref();
  }

  /** Resolves once the supervisor's program runs; rejects as `ready` does. */
  static async spawn({ path, budget, terminal }: ShimProcessOptions): Promise<ShimProcess> {
    const master = terminal && orUnavailable('open a terminal', openTerminal);
    try {
      const child = spawn(path, terminal ? ['--pty', `${terminal.cols}x${terminal.rows}`] : [], {
        cwd: '/',
        env: {},
        stdio: ['ignore', 'ignore', 'ignore', 'pipe', ...(master === undefined ? [] : [master])],
      });
      await once(child, 'spawn');
      // An error without a listener, such as of a signal later on, would end the server.
      child.on('error', () => undefined);
      return new ShimProcess(child, master, budget);
    } catch (error) {
      if (master !== undefined) closeSync(master);
      throw spawnError(path, error);
    }
  }

  get streams(): Streams {
    return this.#streams;
  }

  take(report: Report): void {
    try {
      if (report.type === 'ready') this.#open(report);
      else if (report.type === 'error')
        throw new ShimLostError(`the supervisor cannot set up: errno ${report.errno}`);
    } catch (error) {
      this.#fail(error);
    }
  }

  channelClosed(): void {
    this.#fail(new ShimLostError('the supervisor ended before it was ready'));
  }

  /** From now on somebody else is told what the supervisor reports, and gets the output. */
  handTo(listener: ShimListener, onOutput: OutputSink): void {
    this.#onOutput = onOutput;
    this.channel.handTo(listener);
  }

  /** Closes all that the server has of it. One that has started nothing leaves at that. */
  discard(): void {
    this.waker.stop();
    for (const reader of this.#streams.readers) reader.close();
    this.#streams.input.close();
    this.channel.close();
  }

  /** Resolves once it is gone. For one that has not been told what to start: it has no tree, so it can be killed. */
  async end(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    this.discard();
    if (exitCode !== null || signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.ref();
    // One that somebody has stopped does not see that the channel is closed.
    this.#child.kill('SIGKILL');
    await gone;
  }

  #open(report: Extract<Report, { type: 'ready' }>): void {
    if (report.version !== PROTOCOL_VERSION)
      throw new ShimUnavailableError(`the supervisor speaks version ${report.version}`);
    if (!this.#terminal)
      this.#streams = orUnavailable('open the pipes', () =>
        openPipes(this.pid, report, this.#sink, this.#budget),
      );
    this.#settle?.resolve();
  }

  #fail(error: unknown): void {
    this.discard();
    this.#settle?.reject(error);
  }
}

function spawnError(path: string, error: unknown): Error {
  if (error instanceof ShimUnavailableError) return error;
  const errno = errorCode(error);
  return ['ENOENT', 'EACCES', 'EPERM', 'ENOEXEC'].includes(errno)
    ? new ShimUnavailableError(`cannot run ${path}: ${errno}`, error)
    : spawnFailure('the supervisor', errno, undefined, error);
}
