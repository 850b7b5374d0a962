import * as z from 'zod';
import { ProcessError } from '../../core/errors.ts';
import { STATUSES } from '../../core/types.ts';
import type { Tool } from '../../tools/define-tool.ts';
import * as field from '../../tools/fields.ts';
import { killProcess } from '../../tools/kill-process.ts';
import { removeProcess } from '../../tools/remove-process.ts';
import { restartProcess } from '../../tools/restart-process.ts';
import { runBackground } from '../../tools/run-background.ts';
import { sendStdin } from '../../tools/send-stdin.ts';
import { listShape, processShape, runShape } from '../../tools/shapes.ts';
import { serviceEventShapes } from '../../tools/stream-events.ts';
import { requireOneOf } from '../../tools/validate.ts';
import { waitForExit } from '../../tools/wait-for-exit.ts';
import { waitForLog } from '../../tools/wait-for-log.ts';
import { waitForPort } from '../../tools/wait-for-port.ts';
import { toProcess } from '../../tools/wire.ts';
import { problemOf } from './errors.ts';
import { eventStream } from './event-stream.ts';
import { readOutput } from './output.ts';
import { defineRoute, type Call, type Route } from './route.ts';

const { optional } = field;

/** What a tool answers, as programs read it. */
async function callTool(tool: Tool, args: object, { service, context }: Call): Promise<object> {
  const { value = {} } = await tool.call(args, service, context);
  return value;
}

/** A tool on the process that the path names. */
function onProcess(tool: Tool, facts: Pick<Route, 'path' | 'operation'>, answer?: z.ZodType): Route {
  const schema = answer ?? tool.output;
  return defineRoute({
    ...{ method: 'POST', ...facts, summary: tool.title },
    body: tool.input.omit(idsOf(tool)),
    answer: { status: 200, description: `The answer of ${tool.name}`, ...(schema && { schema }) },
    handle: async (call, _, body) => Response.json(await callTool(tool, { ...body, id: call.id }, call)),
  });
}

/** A tool on the processes that its arguments name. */
function onSelected(tool: Tool, facts: Pick<Route, 'path' | 'operation'>): Route {
  return defineRoute({
    ...{ method: 'POST', ...facts, summary: `${tool.title}: several at once` },
    body: tool.input,
    answer: {
      status: 200,
      description: `The answer of ${tool.name}`,
      ...(tool.output && { schema: tool.output }),
    },
    handle: async (call, _, body) => Response.json(await callTool(tool, body, call)),
  });
}

/** The arguments by which a tool names its processes. */
function idsOf(tool: Tool): Record<string, true> {
  const names = ['id', 'ids', 'all', 'mode'].filter((name) => name === 'id' || 'ids' in tool.input.shape);
  return Object.fromEntries(names.filter((name) => name in tool.input.shape).map((name) => [name, true]));
}

/** One wait of several kinds; the kind that the body names does it. */
function waitRoute(
  path: string,
  operation: string,
  kinds: Readonly<Record<string, Tool>>,
  argumentsOf: (tool: Tool) => z.ZodObject,
): Route {
  const outputs = Object.values(kinds).flatMap(({ output }) => output ?? []);
  return defineRoute({
    ...{ method: 'POST', path, operation },
    summary: `Wait for one of ${Object.keys(kinds).join(', ')}; a timeout is an answer`,
    body: z.strictObject(
      Object.fromEntries(Object.entries(kinds).map(([kind, tool]) => [kind, optional(argumentsOf(tool))])),
    ),
    answer: { status: 200, description: 'The answer of the wait tool', schema: z.union(outputs) },
    handle: async (call, _, body) => {
      requireOneOf(body, Object.keys(kinds));
      const [[kind, args] = ['', {}]] = Object.entries(body);
      const tool = kinds[kind];
      const named = call.id === '' ? {} : { id: call.id };
      return Response.json(tool && (await callTool(tool, { ...args, ...named }, call)));
    },
  });
}

const processQuery = z.strictObject({
  status: optional(z.enum(['all', 'live', 'ended', ...STATUSES])),
  id: optional(z.union([field.id, field.ids])),
});

/** Every operation, each on a path of its own or on one it shares by method. */
export const ROUTES: readonly Route[] = [
  defineRoute({
    ...{ method: 'POST', path: '/v1/processes', operation: 'runProcess', summary: runBackground.title },
    body: runBackground.input,
    answer: { status: 201, description: 'Started, or reused', schema: runShape },
    handle: async (call, _, body) =>
      Response.json(await callTool(runBackground, body, call), { status: 201 }),
  }),
  defineRoute({
    ...{ method: 'GET', path: '/v1/processes', operation: 'listProcesses' },
    summary: 'All processes, ended ones included; status and id (repeatable) select',
    query: processQuery,
    answer: {
      status: 200,
      description: 'Every process in full',
      schema: listShape.omit({ omitted_ended: true }),
    },
    handle: async ({ service }, { status, id }) => {
      const ids = typeof id === 'string' ? [id] : id;
      const { processes, supervision } = await service.list({
        ...(status && { status }),
        ...(ids && { ids }),
      });
      const { warning } = supervision;
      return Response.json({
        processes: processes.map(toProcess),
        ...(warning !== undefined && { warning }),
      });
    },
  }),
  defineRoute({
    ...{ method: 'GET', path: '/v1/processes/{id}', operation: 'getProcess', summary: 'One process' },
    answer: { status: 200, description: 'The process', schema: processShape },
    handle: async ({ service, id }) => {
      const { processes } = await service.list({ ids: [id] });
      return Response.json(processes.map(toProcess)[0]);
    },
  }),
  defineRoute({
    ...{ method: 'DELETE', path: '/v1/processes/{id}', operation: 'removeProcess' },
    summary: 'Forget an ended process and its output',
    answer: { status: 204, description: 'Forgotten' },
    handle: async ({ service, id }) => {
      try {
        await service.remove({ ids: [id] });
        return new Response(null, { status: 204 });
      } catch (error) {
        // The request is well-formed: that the process is alive is what stands in its way.
        if (error instanceof ProcessError && error.code === 'INVALID_ARGUMENT') return problemOf(error, 409);
        throw error;
      }
    },
  }),
  readOutput,
  onProcess(sendStdin, { path: '/v1/processes/{id}/stdin', operation: 'sendStdin' }),
  waitRoute(
    '/v1/processes/{id}/wait',
    'waitForProcess',
    { log: waitForLog, port: waitForPort, exit: waitForExit },
    (tool) => tool.input.omit(idsOf(tool)),
  ),
  onProcess(killProcess, { path: '/v1/processes/{id}/kill', operation: 'killProcess' }),
  onProcess(restartProcess, { path: '/v1/processes/{id}/restart', operation: 'restartProcess' }, runShape),
  waitRoute('/v1/wait', 'waitForAny', { port: waitForPort, exit: waitForExit }, (tool) => tool.input),
  onSelected(killProcess, { path: '/v1/kill', operation: 'killProcesses' }),
  onSelected(removeProcess, { path: '/v1/remove', operation: 'removeProcesses' }),
  defineRoute({
    ...{ method: 'GET', path: '/v1/events', operation: 'watchEvents' },
    summary:
      'What happens to all processes, as it happens; Last-Event-ID goes on, and 0 begins at the oldest kept',
    query: z.strictObject({ output: optional(field.flag.describe('Tell also who has printed')) }),
    answer: { status: 200, description: 'Events', events: serviceEventShapes },
    // eslint-disable-next-line @typescript-eslint/require-await
    handle: async ({ feed, headers, context }, { output = false }) => {
      const gone = new AbortController();
      const signal = AbortSignal.any([gone.signal, context.signal]);
      const lastEventId = headers.get('last-event-id') ?? undefined;
      return eventStream(feed.open({ lastEventId, output, signal }), () => {
        gone.abort();
      });
    },
  }),
];
