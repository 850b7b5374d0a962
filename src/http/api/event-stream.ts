/** One server-sent event. */
export interface StreamEvent {
  event: string;
  /** What a client that lost its connection names to go on from here. */
  id?: string;
  data: object;
}

/** A proxy or a client takes a connection for dead after some tens of seconds of silence. */
const HEARTBEAT_MS = 15_000;
/** How soon a browser connects again, in milliseconds. */
const RETRY_MS = 1000;

const encoder = new TextEncoder();

/**
 * Answers with events as they come. The next one is asked for only when the client has taken the last, so a slow client
 * holds its source back; `gone` is called when it has gone.
 */
export function eventStream(source: AsyncIterable<StreamEvent>, gone: () => void): Response {
  const events = source[Symbol.asyncIterator]();
  let next: Promise<IteratorResult<StreamEvent>> | undefined;
  const body = new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        controller.enqueue(encoder.encode(`retry: ${RETRY_MS}\n\n`));
      },
      pull: async (controller) => {
        next ??= events.next();
        const result = await withinHeartbeat(next);
        if (result === undefined) {
          controller.enqueue(encoder.encode(': alive\n\n'));
          return;
        }
        next = undefined;
        if (result.done === true) controller.close();
        else controller.enqueue(encoder.encode(format(result.value)));
      },
      cancel: gone,
    },
    { highWaterMark: 0 },
  );
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } });
}

/** What settles within a heartbeat's time, else undefined. */
async function withinHeartbeat<T>(promise: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const silence = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, HEARTBEAT_MS, undefined);
  });
  try {
    return await Promise.race([promise, silence]);
  } finally {
    clearTimeout(timer);
  }
}

/** JSON never contains a line break, which would end the field. */
function format({ event, id, data }: StreamEvent): string {
  const place = id === undefined ? '' : `id: ${id}\n`;
  return `event: ${event}\n${place}data: ${JSON.stringify(data)}\n\n`;
}
