/** One server-sent event, its data parsed. */
export interface ReceivedEvent {
  event: string;
  /** Of this event, or the last one that had any. */
  id: string | undefined;
  data: unknown;
}

/**
 * The events of a text/event-stream body, as the HTML standard (section 9.2.6) splits them; comments and events without
 * data are passed over. Rejects when the connection breaks.
 */
export function readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<ReceivedEvent, void, undefined> {
  // Held from now on: Node cancels the body of a response that was collected before anybody began to read.
  return eventsOf(body.getReader());
}

async function* eventsOf(
  reader: ReadableStreamDefaultReader<Uint8Array>,
): AsyncGenerator<ReceivedEvent, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  let id: string | undefined;
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      rest += decoder.decode(piece.value, { stream: true });
      const blocks = rest.split(/\r?\n\r?\n/);
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        const fields = fieldsOf(block);
        id = fields.get('id') ?? id;
        const data = fields.get('data');
        if (data === undefined) continue;
        const parsed: unknown = JSON.parse(data);
        yield { event: fields.get('event') ?? 'message', id, data: parsed };
      }
    }
  } finally {
    // Who stops listening frees the connection; one that broke cannot be cancelled any more.
    await reader.cancel().catch(() => undefined);
  }
}

/** Several data lines are one text. */
function fieldsOf(block: string): Map<string, string> {
  const fields = new Map<string, string>();
  for (const line of block.split(/\r?\n/)) {
    const [, name = '', value = ''] = /^([^:]+):? ?(.*)$/.exec(line) ?? [];
    if (name === '') continue;
    const before = name === 'data' ? fields.get(name) : undefined;
    fields.set(name, before === undefined ? value : `${before}\n${value}`);
  }
  return fields;
}
