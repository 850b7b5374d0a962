import { setTimeout as delay } from 'node:timers/promises';

/** Waits before each try to take up a broken stream again, in milliseconds; a restarted server takes seconds. */
const RECONNECT_MS: readonly number[] = [100, 250, 500, 1000, 2000, 4000];

/** After so many tries in vain, who has somebody to tell gives up. */
export const RETRIES = RECONNECT_MS.length;

/** Resolves when it is time for the next try, or at once when the signal aborts, which the caller looks at. */
export async function pauseBeforeRetry(failures: number, signal: AbortSignal | undefined): Promise<void> {
  const ms = RECONNECT_MS[Math.min(failures, RETRIES - 1)] ?? 0;
  await delay(ms, undefined, { ref: true, ...(signal && { signal }) }).catch(() => undefined);
}
