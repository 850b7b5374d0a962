import type { ServiceEvent } from '../core/types.ts';
import { serviceEventFrom } from './events-from-wire.ts';
import type { HttpClient } from './http-client.ts';
import { pauseBeforeRetry } from './retry.ts';

/**
 * Tells what happens at a shared server until the returned function is called. A stream that breaks is taken up where
 * it broke; while there is no server, nothing is told. `find` is asked before each try: the server may come back at
 * another address.
 */
export function watchEvents(
  find: () => Promise<HttpClient>,
  listener: (event: ServiceEvent) => void,
): () => void {
  const stop = new AbortController();
  void watch(find, listener, stop.signal);
  return () => {
    stop.abort();
  };
}

async function watch(
  find: () => Promise<HttpClient>,
  listener: (event: ServiceEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  let last: string | undefined;
  for (let failures = 0; !signal.aborted; failures++) {
    try {
      const http = await find();
      const headers = last === undefined ? {} : { 'last-event-id': last };
      for await (const received of await http.events('/v1/events', {
        query: { output: 'true' },
        headers,
        signal,
      })) {
        failures = 0;
        last = received.id;
        const event = serviceEventFrom(received);
        if (event !== undefined) listener(event);
      }
    } catch {
      // Whoever subscribes has no way to hear of errors; the next request of theirs meets the same one.
    }
    await pauseBeforeRetry(failures, signal);
  }
}
