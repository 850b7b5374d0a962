import type { OutputSink } from '../../core/runner.ts';
import type { ReadBudget } from './read-budget.ts';
import type { ShimHandle } from './shim-handle.ts';
import { ShimProcess } from './shim-process.ts';

/** What prints nothing in this time is busy with something longer, as interpreters are that load their libraries. */
const SETTLE_MS = 20;

/**
 * Keeps one supervisor ready for the next start: to spawn one takes most of the time of a start, and is done here when
 * nobody waits for it. There is none before the first start, and never more than one.
 */
export class SpareShim {
  readonly #budget: ReadBudget;
  #spare: ShimProcess | undefined;
  #spawning: Promise<void> | undefined;
  #starts = 0;
  #closed = false;

  /** `budget` is shared by all processes of a server. */
  constructor(budget: ReadBudget) {
    this.#budget = budget;
  }

  /**
   * The spare becomes the caller's; undefined where there is none, or it has died. It may not be ready yet: it is
   * further than a new one would be.
   */
  take(): ShimProcess | undefined {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare?.channel.closed === false ? spare : undefined;
  }

  /**
   * Runs a start, and sees to a spare of the supervisor at `path` once no start is under way any more. A start lasts
   * until its process is seen to do something: to spawn blocks the event loop, and the first output is not to wait.
   */
  async during(
    path: string,
    onOutput: OutputSink,
    start: (onOutput: OutputSink) => Promise<ShimHandle>,
  ): Promise<ShimHandle> {
    let lasting = true;
    const settle = (): void => {
      if (!lasting) return;
      lasting = false;
      this.#starts--;
      // Referenced, since the event loop does not wake up for others: it may have nothing else to do for long.
      setImmediate(() => {
        this.#refill(path);
      });
    };
    this.#starts++;
    try {
      const handle = await start((stream, chunk) => {
        onOutput(stream, chunk);
        settle();
      });
      void handle.exited.then(settle);
      setTimeout(settle, SETTLE_MS).unref();
      return handle;
    } catch (error) {
      settle();
      throw error;
    }
  }

  /** Keeps none from now on. Resolves when the last one is gone. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#spawning;
    await this.take()?.end();
  }

  #refill(path: string): void {
    if (this.#closed || this.#starts > 0 || this.#spawning || this.#spare?.channel.closed === false) return;
    // Without a spare, a start takes a supervisor of its own, and tells what is wrong with it.
    this.#spawning = this.#spawn(path)
      .catch(() => undefined)
      .finally(() => {
        this.#spawning = undefined;
      });
  }

  async #spawn(path: string): Promise<void> {
    const spare = await ShimProcess.spawn({ path, budget: this.#budget });
    spare.channel.unref();
    spare.ready.catch(() => undefined);
    this.#spare = spare;
  }
}
