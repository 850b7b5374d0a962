import { PortLook, type PortHit, type PortSight, type PortWatch } from './port-look.ts';
import type { Arm } from './wait.ts';

/** What the watcher needs of its surroundings. */
export interface PortLookout extends PortSight {
  /** Told what each unsuccessful look saw, for the answer to a timeout. */
  onLook: (seen: string) => void;
}

interface Step {
  untilMs: number;
  everyMs: number;
}

/**
 * No event exists for listen(2), so the port is looked at: every 10 ms while a server typically comes up, then every
 * 50, then every 250. A connect to loopback costs some 0.1 ms. The steps count from the begin of the wait.
 */
const WHILE_NOBODY_LISTENS: readonly Step[] = [
  { untilMs: 10_000, everyMs: 10 },
  { untilMs: 30_000, everyMs: 50 },
  { untilMs: Infinity, everyMs: 250 },
];
/** A server that is up but not ready answers every look, and may log it. The steps count from its first answer. */
const WHILE_UNREADY: readonly Step[] = [
  { untilMs: 100, everyMs: 10 },
  { untilMs: 1000, everyMs: 50 },
  { untilMs: Infinity, everyMs: 250 },
];
/** After a look that output has hastened: where one line came, the next may be the one that matters. */
const AFTER_OUTPUT_MS = 10;
/** A look that is expensive (a tree's sockets on a machine with many) is repeated this many times its cost later. */
const COST_FACTOR = 4;
/** A look that takes longer than this waits for an HTTP answer: whose, is not to be waited for. */
const SLOW_LOOK_MS = 100;
/** The look after the end of the process: long enough for a descendant that is ready, and for no other. */
const LAST_LOOK_MS = 200;

/** Settles when the port is ready, held by somebody else, or when the process it should belong to has ended. */
export function portCondition(watch: PortWatch, lookout: PortLookout): Arm<PortHit> {
  return (settle) => {
    const watcher = new PortWatcher(watch, lookout, settle);
    watcher.start();
    return () => {
      watcher.stop();
    };
  };
}

class PortWatcher {
  readonly #watch: PortWatch;
  readonly #lookout: PortLookout;
  readonly #settle: (hit: PortHit) => void;
  readonly #port: PortLook;
  readonly #begun = performance.now();
  /** A leader that has ended already leaves its descendants to wait for: a daemon that is still coming up. */
  readonly #waitsForTree: boolean;
  readonly #removes: (() => void)[] = [];
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  /** The look under way. */
  #look: AbortController | undefined;
  /** What is waited for can only end once: its name may have a next run by the time that is looked at. */
  #over: boolean;
  /** Whether output has come since the last look by the clock. */
  #printed = false;
  /** Whether, in the last look, somebody took the connection; and since when that is so. */
  #accepted = false;
  #acceptedSince: number | undefined;

  constructor(watch: PortWatch, lookout: PortLookout, settle: (hit: PortHit) => void) {
    this.#watch = watch;
    this.#lookout = lookout;
    this.#settle = settle;
    this.#waitsForTree = watch.process?.ended === true;
    this.#over = watch.process?.live === false;
    this.#port = new PortLook(watch, lookout, ({ reason, accepted }) => {
      this.#accepted ||= accepted;
      lookout.onLook(reason);
    });
  }

  start(): void {
    const { process } = this.#watch;
    if (process) {
      const end = this.#waitsForTree ? process.treeEnded : process.leaderEnded;
      this.#removes.push(
        process.outputArrived.add(() => {
          this.#onOutput();
        }),
        end.add(() => {
          this.#onEnd();
        }),
      );
    }
    this.#lookNow();
  }

  stop(): void {
    this.#stopped = true;
    this.#look?.abort();
    clearTimeout(this.#timer);
    for (const remove of this.#removes.splice(0)) remove();
  }

  /** A server tends to say that it listens. One look by the clock lies between two that output has hastened. */
  #onOutput(): void {
    if (this.#printed) return;
    this.#printed = true;
    if (this.#look === undefined && !this.#accepted) this.#lookNow();
  }

  /** An answer that is still awaited would hold up the end of the wait: the last look takes the place of that one. */
  #onEnd(): void {
    this.#over = true;
    if (this.#look) this.#look.abort();
    else this.#lookNow();
  }

  #lookNow(): void {
    clearTimeout(this.#timer);
    const look = new AbortController();
    // Sampled before the look, so that the look after the end still sees what descendants have opened.
    const over = this.#over;
    const slow = setTimeout(() => {
      void this.#lookForStranger(look.signal);
    }, SLOW_LOOK_MS);
    const abort = (): void => {
      look.abort();
    };
    const limit = over ? setTimeout(abort, LAST_LOOK_MS) : undefined;
    this.#look = look;
    this.#accepted = false;
    void this.#lookOnce(look.signal).then((hit) => {
      clearTimeout(slow);
      clearTimeout(limit);
      this.#look = undefined;
      if (this.#stopped) return;
      if (hit) this.#settle(hit);
      else if (over) this.#settle({ outcome: 'exited' });
      else if (this.#over) this.#lookNow();
      else this.#schedule();
    });
  }

  async #lookOnce(signal: AbortSignal): Promise<PortHit | undefined> {
    try {
      return await this.#port.look(signal);
    } catch (error) {
      if (!signal.aborted) this.#lookout.onLook(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  async #lookForStranger(signal: AbortSignal): Promise<void> {
    const hit = await this.#port.lookForStranger(signal).catch(() => undefined);
    if (hit && !signal.aborted) this.#settle(hit);
  }

  #schedule(): void {
    const every = this.#interval(performance.now());
    this.#timer = setTimeout(
      () => {
        this.#printed = false;
        this.#lookNow();
      },
      Math.max(every, this.#port.listingMs * COST_FACTOR),
    );
  }

  #interval(now: number): number {
    this.#acceptedSince = this.#accepted ? (this.#acceptedSince ?? now) : undefined;
    if (this.#acceptedSince !== undefined) return everyAt(WHILE_UNREADY, now - this.#acceptedSince);
    return this.#printed ? AFTER_OUTPUT_MS : everyAt(WHILE_NOBODY_LISTENS, now - this.#begun);
  }
}

function everyAt(steps: readonly Step[], elapsedMs: number): number {
  return steps.find(({ untilMs }) => elapsedMs < untilMs)?.everyMs ?? 250;
}
