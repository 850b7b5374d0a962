/** What ended a wait: a condition, with its value, or the clock. */
export type Waited<T> = ({ ended: 'settled'; value: T } | { ended: 'timeout' }) & {
  /** Milliseconds from the call to the end, as really measured. */
  waitedMs: number;
};

export interface WaitOptions {
  timeoutMs: number;
  signal?: AbortSignal | undefined;
}

/** Arms one condition of a wait. It may settle at once, while arming. Returns how to disarm it. */
export type Arm<T> = (settle: (value: T) => void) => () => void;

/**
 * The one race behind every wait: the armed conditions against the clock and the caller's AbortSignal. Conditions are
 * armed and the past is checked in the same turn of the event loop, so nothing slips between looking and listening.
 * Whatever ends it, every timer and subscription is gone when the promise settles.
 *
 * Rejects with the signal's reason when aborted; a condition that throws while arming rejects with its error.
 */
export function wait<T>(options: WaitOptions, ...conditions: readonly Arm<T>[]): Promise<Waited<T>> {
  const { signal, timeoutMs } = options;
  const begun = performance.now();
  return new Promise((resolve, reject) => {
    const disarms: (() => void)[] = [];
    const race = { open: true };
    const close = (): number => {
      race.open = false;
      for (const disarm of disarms.splice(0)) disarm();
      return Math.round(performance.now() - begun);
    };
    const settle = (value: T): void => {
      if (race.open) resolve({ ended: 'settled', value, waitedMs: close() });
    };
    const onAbort = (): void => {
      if (!race.open) return;
      close();
      reject(abortReason(signal));
    };

    if (signal?.aborted) {
      onAbort();
      return;
    }
    try {
      for (const arm of conditions) {
        const disarm = arm(settle);
        if (!race.open) {
          disarm();
          return;
        }
        disarms.push(disarm);
      }
    } catch (error) {
      close();
      reject(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    signal?.addEventListener('abort', onAbort, { once: true });
    disarms.push(() => signal?.removeEventListener('abort', onAbort));
    let turn: NodeJS.Immediate | undefined;
    const timer = setTimeout(() => {
      // Timers come first in a turn of the event loop: what has arrived in time is read before the clock wins.
      turn = setImmediate(() => {
        if (race.open) resolve({ ended: 'timeout', waitedMs: close() });
      });
    }, timeoutMs);
    disarms.push(() => {
      clearTimeout(timer);
      clearImmediate(turn);
    });
  });
}

function abortReason(signal: AbortSignal | undefined): Error {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason : new Error('The wait was cancelled.');
}

/** A set of listeners whose members may unsubscribe while being called. */
export class Listeners<A extends readonly unknown[]> {
  readonly #listeners = new Set<(...args: A) => void>();

  get size(): number {
    return this.#listeners.size;
  }

  /** Returns the function that unsubscribes. */
  add(listener: (...args: A) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  emit(...args: A): void {
    for (const listener of this.#listeners) listener(...args);
  }
}
