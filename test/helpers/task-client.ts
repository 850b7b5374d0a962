import type { Client } from '@modelcontextprotocol/client';
import { createTaskSessionFromClient } from '@modelcontextprotocol/ext-tasks/client';

const EXTENSION = 'io.modelcontextprotocol/tasks';
const CLIENT_INFO = { name: 'tasks', version: '1.0.0' };

export interface Reply {
  result?: Record<string, unknown>;
  error?: { code: number; message: string; data?: unknown };
}

/**
 * Speaks JSON-RPC on the connection of a v2 client, whose own methods take no task for an answer. Each request
 * declares the tasks extension unless it is told not to.
 */
export class TaskClient {
  readonly #client: Client;
  readonly #waiting = new Map<unknown, (reply: Reply) => void>();
  /** Methods of what the server said without being asked. */
  readonly notifications: string[] = [];
  #next = 0;

  constructor(client: Client) {
    this.#client = client;
    const { transport } = client;
    if (transport === undefined) throw new Error('the client is not connected');
    const pass = transport.onmessage;
    transport.onmessage = (message, extra) => {
      if ('method' in message && !('id' in message)) this.notifications.push(message.method);
      const settle = 'id' in message ? this.#waiting.get(message.id) : undefined;
      if (settle) settle(message as Reply);
      else pass?.(message, extra);
    };
  }

  async request(method: string, params: Record<string, unknown>, declared = true): Promise<Reply> {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': CLIENT_INFO,
      'io.modelcontextprotocol/clientCapabilities': declared ? { extensions: { [EXTENSION]: {} } } : {},
      ...(params._meta as object | undefined),
    };
    return this.#exchange(method, { ...params, _meta });
  }

  async call(name: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
    return resultOf(await this.request('tools/call', { name, arguments: args }));
  }

  /** A call that must become a task: its id. */
  async start(name: string, args: Record<string, unknown>): Promise<string> {
    const { resultType, taskId } = await this.call(name, args);
    if (resultType !== 'task' || typeof taskId !== 'string') throw new Error(`${name} became no task`);
    return taskId;
  }

  async get(taskId: string): Promise<Record<string, unknown>> {
    return resultOf(await this.request('tasks/get', { taskId }));
  }

  /** Polls until the task has ended. */
  async ended(taskId: string, timeoutMs = 10_000): Promise<Record<string, unknown>> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const state = await this.get(taskId);
      if (state.status !== 'working') return state;
      if (performance.now() > deadline) throw new Error(`the task still works after ${timeoutMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** A session of the extension's own client library over the same connection. */
  session() {
    return createTaskSessionFromClient(this.#client, {
      endpointId: 'test',
      rawDispatch: async (request) => {
        const { method, params } = request as { method: string; params: Record<string, unknown> };
        const { result, error } = await this.#exchange(method, params);
        return error
          ? { kind: 'error', error: { code: error.code, message: error.message } }
          : { kind: 'result', result: result as never };
      },
      v2RequestFraming: { protocolVersion: '2026-07-28', clientInfo: CLIENT_INFO, clientCapabilities: {} },
    });
  }

  #exchange(method: string, params: Record<string, unknown>): Promise<Reply> {
    const id = `task-client-${++this.#next}`;
    const reply = new Promise<Reply>((resolve) => this.#waiting.set(id, resolve));
    const sent = this.#client.transport?.send({ jsonrpc: '2.0', id, method, params });
    return Promise.all([reply, sent]).then(([answer]) => answer);
  }
}

function resultOf({ result, error }: Reply): Record<string, unknown> {
  if (result === undefined) throw new Error(`${error?.code}: ${error?.message}`);
  return result;
}
