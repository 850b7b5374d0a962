import type { ProcessService } from '../../core/service.ts';
import type { ServiceEvent } from '../../core/types.ts';
import { toServiceEvent } from '../../tools/stream-events.ts';
import type { StreamEvent } from './event-stream.ts';

/** Events remembered for clients that come back, or are slow. */
const KEPT = 1000;

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
    let wake = (): void => undefined;
    const notify = (event: ServiceEvent): void => {
      if (event.type === 'output' && output) printed.set(event.id, event);
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
        const [first] = printed.values();
        if (told < oldest) {
          yield { event: 'gap', data: { events: oldest - told } };
          told = oldest;
        } else if (next !== undefined) {
          told++;
          yield next;
        } else if (first !== undefined) {
          printed.delete(first.id);
          yield { event: 'output', data: toServiceEvent(first, Date.now()) };
        } else {
          await new Promise<void>((resolve) => (wake = resolve));
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
