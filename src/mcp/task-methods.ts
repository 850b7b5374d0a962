import {
  CLIENT_CAPABILITIES_META_KEY,
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import * as z from 'zod';
import { STARTS, type Tasks, type TaskState } from './tasks.ts';

/** The extension by which a call may be answered with a task: https://github.com/modelcontextprotocol/ext-tasks */
export const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/** Tools that do nothing but wait. */
const WAITS: ReadonlySet<string> = new Set(['wait_for_log', 'wait_for_port', 'wait_for_exit']);

/** True for a call that may take as long as its caller likes. */
export function waitsAtLength(tool: string, args: Readonly<Record<string, unknown>> = {}): boolean {
  return WAITS.has(tool) || (STARTS.has(tool) && args.wait_for !== undefined);
}

type Request = ServerContext['mcpReq'];

/** The part of a request's envelope that declares the extension; from 2026-07-28 on each request tells for itself. */
const declaring = z.object({
  [CLIENT_CAPABILITIES_META_KEY]: z.object({
    extensions: z.object({ [TASKS_EXTENSION]: z.looseObject({}) }),
  }),
});

/** True for a request whose client can do with a task for an answer. */
export function takesTasks({ envelope }: Pick<Request, 'envelope'>): boolean {
  return declaring.safeParse(envelope).success;
}

const naming = z.object({ taskId: z.string() });

/** Serves tasks/get, tasks/update and tasks/cancel of the tasks that calls have become. */
export function serveTasks({ server }: McpServer, tasks: Tasks): void {
  const serve = (method: string, answer: (id: string) => TaskState | Record<string, never>): void => {
    server.setRequestHandler(method, { params: z.looseObject({}) }, (params, { mcpReq }) => {
      if (!takesTasks(mcpReq)) throw notDeclared();
      const named = naming.safeParse(params);
      if (!named.success)
        throw new ProtocolError(ProtocolErrorCode.InvalidParams, `${method} needs a taskId`);
      return answer(named.data.taskId);
    });
  };
  serve('tasks/get', (id) => {
    const state = tasks.get(id);
    if (state === undefined) throw unknownTask(id);
    return state;
  });
  // No task ever asks its client for anything, and answers to what was not asked are to be ignored.
  serve('tasks/update', (id) => {
    if (tasks.get(id) === undefined) throw unknownTask(id);
    return {};
  });
  serve('tasks/cancel', (id) => {
    if (!tasks.cancel(id)) throw unknownTask(id);
    return {};
  });
}

function notDeclared(): ProtocolError {
  const requiredCapabilities = { extensions: { [TASKS_EXTENSION]: {} } };
  return new MissingRequiredClientCapabilityError(
    { requiredCapabilities },
    `Missing required client capability: ${TASKS_EXTENSION}, to be declared with each request`,
  );
}

function unknownTask(id: string): ProtocolError {
  return new ProtocolError(
    ProtocolErrorCode.InvalidParams,
    `There is no task ${JSON.stringify(id.slice(0, 80))}: it never was, or ended too long ago to be kept. ` +
      'See in list_processes what runs before you call the tool again.',
  );
}
