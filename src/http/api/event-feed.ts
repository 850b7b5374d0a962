import type { ProcessService } from '../../core/service.ts';
import type { ServiceEvent } from '../../core/types.ts';
import { toServiceEvent } from '../../tools/stream-events.ts';
import type { StreamEvent } from './event-stream.ts';

/** Events remembered for clients that come back, or are slow. */
const KEPT = 1000;
/** A reader is told of output at most so often, in milliseconds: a process may print ten thousand times a second. */
const OUTPUT_PACE_MS = 100;

export interface FeedOptions {
  /** The id of the last event the client has; one of another server's life stands for none at all. */
  lastEventId?: string | undefined;
  /** Tell also which processes have printed, without the bytes. */
  output: boolean;
  signal: AbortSignal;
}

/** What happens to all processes, for as many readers as come; each reads at its own pace from the one memory. */
export class EventFeed {
  /** Tells this server's events from those of an earlier one, whose numbers began at 1 as well. */
  readonly #epoch: string;
  readonly #kept: (StreamEvent & { id: string })[] = [];
  #count = 0;
  readonly #readers = new Set<(event: ServiceEvent) => void>();
  readonly #unsubscribe: () => void;

  /** @param startedAt Milliseconds since the epoch; no two lives of a server share it. */
  constructor(service: ProcessService, startedAt: number = Date.now()) {
    this.#epoch = startedAt.toString(36);
    this.#unsubscribe = service.subscribe((event) => {
      if (event.type !== 'output') this.#keep(event);
      for (const notify of this.#readers) notify(event);
    });
  }

  close(): void {
    this.#unsubscribe();
  }

  #keep(event: ServiceEvent): void {
    this.#count++;
    const id = `${this.#epoch}-${this.#count}`;
    this.#kept.push({ event: event.type, id, data: toServiceEvent(event, Date.now()) });
    if (this.#kept.length > KEPT) this.#kept.shift();
  }

  /** Events from now on, or after the one named, until the signal aborts. */
  async *open({ lastEventId, output, signal }: FeedOptions): AsyncGenerator<StreamEvent, void, undefined> {
    let told = lastEventId === undefined ? this.#count : this.#numberOf(lastEventId);
    /** Who has printed since it was told of: one event for each, however much it prints. */
    const printed = new Map<string, ServiceEvent>();
    let outputFrom = 0;
    let timer: NodeJS.Timeout | undefined;
    let wake = (): void => undefined;
    const notify = (event: ServiceEvent): void => {
      if (event.type === 'output') {
        if (!output) return;
        const first = printed.size === 0;
        printed.set(event.id, event);
        // Those that print after the first are told with it.
        if (!first) return;
      }
      wake();
    };
    const onAbort = (): void => {
      wake();
    };
    this.#readers.add(notify);
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        const oldest = this.#count - this.#kept.length;
        const next = this.#kept[told - oldest];
        const early = printed.size === 0 ? undefined : outputFrom - performance.now();
        if (told < oldest) {
          yield { event: 'gap', data: { events: oldest - told } };
          told = oldest;
        } else if (next !== undefined) {
          told++;
          yield next;
        } else if (early !== undefined && early <= 0) {
          outputFrom = performance.now() + OUTPUT_PACE_MS;
          const events = [...printed.values()];
          printed.clear();
          for (const event of events) yield { event: 'output', data: toServiceEvent(event, Date.now()) };
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
            if (early !== undefined) timer = setTimeout(resolve, early);
          });
          clearTimeout(timer);
        }
      }
    } finally {
      this.#readers.delete(notify);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #numberOf(id: string): number {
    const [epoch, number] = id.split('-');
    const count = Number(number);
    return epoch === this.#epoch && count >= 0 && count <= this.#count ? count : 0;
  }
}
