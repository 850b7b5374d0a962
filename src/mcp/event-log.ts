import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

interface Entry {
  seq: number;
  stream: string;
  message: JSONRPCMessage;
  bytes: number;
}

/** What one session can miss and still catch up on; the oldest goes first. */
const MAX_ENTRIES = 512;
const MAX_BYTES = 1024 * 1024;

/** What one session's streams carried last, so that a client whose connection broke hears what it missed. */
export class EventLog implements EventStore {
  readonly #entries: Entry[] = [];
  #seq = 0;
  #bytes = 0;

  // The interface is asynchronous for stores that are elsewhere.
  // eslint-disable-next-line @typescript-eslint/require-await
  async storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    const entry = { seq: ++this.#seq, stream, message, bytes: JSON.stringify(message).length };
    this.#entries.push(entry);
    this.#bytes += entry.bytes;
    // The newest is kept whatever its size: it is the one most likely to be asked for.
    while (this.#entries.length > 1 && (this.#bytes > MAX_BYTES || this.#entries.length > MAX_ENTRIES))
      this.#bytes -= this.#entries.shift()?.bytes ?? 0;
    return `${entry.seq}_${stream}`;
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    return parseEventId(eventId)?.stream;
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: { send: (eventId: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const { seq, stream } = parseEventId(lastEventId) ?? { seq: 0, stream: '' };
    const missed = this.#entries.filter((entry) => entry.stream === stream && entry.seq > seq);
    for (const entry of missed) {
      // The first event of a stream only tells its id, and has no message to send again.
      if (Object.keys(entry.message).length > 0) await send(`${entry.seq}_${stream}`, entry.message);
    }
    return stream;
  }
}

function parseEventId(eventId: string): { seq: number; stream: string } | undefined {
  const [, seq, stream] = /^(\d+)_(.+)$/.exec(eventId) ?? [];
  return seq === undefined || stream === undefined ? undefined : { seq: Number(seq), stream };
}
