import type { OutputEvent, ServiceEvent } from '../core/types.ts';
import { present } from '../tools/present.ts';
import { outputEventShapes, serviceEventShapes } from '../tools/stream-events.ts';
import type { ReceivedEvent } from './event-stream.ts';
import { exitFrom, statusFrom } from './from-wire.ts';

/** Undefined for an event of a kind that this version does not know. Throws where a known one is malformed. */
export function serviceEventFrom({ event, data }: ReceivedEvent): ServiceEvent | undefined {
  switch (event) {
    case 'started':
    case 'removed':
    case 'output': {
      const { id, run } = serviceEventShapes[event].parse(data);
      return { type: event, id, run };
    }
    case 'ready': {
      const { id, run, by, port, url } = serviceEventShapes.ready.parse(data);
      return { type: event, id, run, by, ...present({ port, url }) };
    }
    case 'exited': {
      const wire = serviceEventShapes.exited.parse(data);
      return { type: event, id: wire.id, run: wire.run, status: statusFrom(wire.status), ...exitFrom(wire) };
    }
    default:
      return undefined;
  }
}

/** As serviceEventFrom, for the events of one process's output. */
export function outputEventFrom({ event, data }: ReceivedEvent): OutputEvent | undefined {
  switch (event) {
    case 'output': {
      const { stream, from, at, bytes } = outputEventShapes.output.parse(data);
      return { type: event, stream, from, at: Date.parse(at), bytes: Buffer.from(bytes, 'base64') };
    }
    case 'gap':
      return { type: event, ...outputEventShapes.gap.parse(data) };
    case 'run': {
      const { run, from, at } = outputEventShapes.run.parse(data);
      return { type: event, run, from, at: Date.parse(at) };
    }
    case 'exit': {
      const wire = outputEventShapes.exit.parse(data);
      const { run, to, at, status } = wire;
      return { type: event, run, to, at: Date.parse(at), status: statusFrom(status), ...exitFrom(wire) };
    }
    default:
      return undefined;
  }
}
