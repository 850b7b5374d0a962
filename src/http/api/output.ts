import * as z from 'zod';
import type { FollowRequest } from '../../core/service.ts';
import { outputSelection, toReadRequest } from '../../tools/get-output.ts';
import { pageShape, toPage } from '../../tools/page.ts';
import { present } from '../../tools/present.ts';
import { cursorAfter, outputEventShapes, toOutputEvent } from '../../tools/stream-events.ts';
import { invalidArgument } from '../../tools/validate.ts';
import { eventStream, type StreamEvent } from './event-stream.ts';
import { defineRoute, type Call } from './route.ts';

const query = outputSelection.extend({
  since: z
    .exactOptional(z.union([outputSelection.shape.since.unwrap(), z.literal('now')]))
    .describe('Cursor; default: the current run. "now", for a stream: only new output'),
});

export const readOutput = defineRoute({
  method: 'GET',
  path: '/v1/processes/{id}/output',
  operation: 'readOutput',
  summary:
    'A page of output; with Accept: text/event-stream the bytes as they come, each exactly once: the id of an event is the cursor after it, and Last-Event-ID goes on from there',
  query,
  answer: { status: 200, description: 'A page, or events', schema: pageShape, events: outputEventShapes },
  handle: async (call, { since, ...selection }) => {
    if (call.headers.get('accept')?.includes('text/event-stream') === true) {
      const besides = Object.keys(selection);
      if (besides.length > 0)
        throw invalidArgument(
          `a stream of events takes since alone, not ${besides.join(', ')}`,
          'Leave it out, or ask for a page with Accept: application/json.',
        );
      return follow(call, present({ since: resumeAt(call.headers) ?? since }));
    }
    if (since === 'now')
      throw invalidArgument('since=now is for a stream of events', 'Leave it out, or give a cursor.');
    return readPage(call, { ...selection, ...present({ since }) });
  },
});

async function readPage(
  { service, id }: Call,
  selection: z.output<typeof outputSelection>,
): Promise<Response> {
  return Response.json(toPage(await service.read(id, toReadRequest(selection))));
}

async function follow({ service, id, context }: Call, request: FollowRequest): Promise<Response> {
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, context.signal]);
  const events = await service.openOutput(id, request, { ...context, signal });
  return eventStream(toStream(events), () => {
    gone.abort();
  });
}

async function* toStream(
  events: Awaited<ReturnType<Call['service']['openOutput']>>,
): AsyncGenerator<StreamEvent, void, undefined> {
  for await (const event of events)
    yield { event: event.type, id: String(cursorAfter(event)), data: toOutputEvent(event) };
}

/** Where a client that lost its connection stands. */
function resumeAt(headers: Headers): number | undefined {
  const id = headers.get('last-event-id');
  if (id === null || id === '') return undefined;
  if (/^\d{1,15}$/.test(id)) return Number(id);
  throw invalidArgument('Last-Event-ID is no cursor', 'Send the id of the last event received.');
}
