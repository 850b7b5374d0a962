import { McpServer, ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { clientName } from '../core/client-name.ts';
import { PATIENT_WAIT_MS } from '../core/limits.ts';
import type { ProcessService } from '../core/service.ts';
import type { Logger } from '../logger.ts';
import { clientOf } from './client-info.ts';
import { INSTRUCTIONS } from './instructions.ts';
import { serveChanges, type ChangePolicy } from './subscriptions.ts';
import { listResources, readResource, RESOURCE_TEMPLATES } from './resources.ts';
import { serveTasks, takesTasks, TASKS_EXTENSION, waitsAtLength } from './task-methods.ts';
import type { Tasks } from './tasks.ts';
import { callTool, type ToolCall } from './tool-adapter.ts';
import { TOOL_LISTING } from './tool-listing.ts';

/** What a server says of itself, and where it reports its own faults. */
export interface ServerInfo {
  version: string;
  logger: Logger;
}

/** The lists that never change while a server runs; a client may keep them for an hour. */
const STATIC = { ttlMs: 3_600_000, cacheScope: 'public' as const };

/**
 * An MCP server over the service for one connection, or for one request. It keeps nothing about processes: all state
 * is the service's, so that any number of them can serve at the same time. With `tasks`, which are for clients from
 * 2026-07-28 on, a long wait may be answered with one.
 */
export function createMcpServer(
  service: ProcessService,
  { version, logger }: ServerInfo,
  changes: ChangePolicy,
  tasks?: Tasks,
): McpServer {
  const mcp = new McpServer(
    { name: 'proctor', title: 'Proctor', version },
    {
      capabilities: {
        // Said, because the SDK promises changes otherwise.
        tools: { listChanged: false },
        resources: { subscribe: true, listChanged: true },
        ...(tasks && { extensions: { [TASKS_EXTENSION]: {} } }),
      },
      instructions: INSTRUCTIONS,
      cacheHints: { 'tools/list': STATIC, 'resources/templates/list': STATIC, 'server/discover': STATIC },
    },
  );
  const { server } = mcp;
  server.setRequestHandler('tools/list', () => ({ tools: [...TOOL_LISTING] }));
  server.setRequestHandler('tools/call', async ({ params }, { mcpReq }) => {
    // A server is asked for its tools when it starts, and often for nothing else.
    const { TOOLS } = await import('../tools/catalog.ts');
    const tool = TOOLS.find(({ name }) => name === params.name);
    if (tool === undefined) throw unknownTool(params.name);
    const info = clientOf(mcp, mcpReq);
    const client = info && clientName(`${info.name} ${info.version}`);
    const call: ToolCall = { tool, args: params.arguments, request: mcpReq, client };
    if (!tasks || tasks.full || !takesTasks(mcpReq) || !waitsAtLength(tool.name, params.arguments))
      return callTool(call, service, logger);
    return tasks.run(tool.name, mcpReq.signal, (signal) => {
      // Without a progress token: what a task does is told to who asks.
      const request = { signal, notify: mcpReq.notify };
      return callTool({ ...call, request, waitCapMs: PATIENT_WAIT_MS }, service, logger);
    });
  });
  server.setRequestHandler('resources/list', async () => ({ resources: await listResources(service) }));
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: RESOURCE_TEMPLATES }));
  server.setRequestHandler('resources/read', ({ params }) => readResource(service, params.uri));
  serveChanges(mcp, service, (uri) => readResource(service, uri), changes);
  if (tasks) serveTasks(mcp, tasks);
  return mcp;
}

function unknownTool(name: string): ProtocolError {
  const names = TOOL_LISTING.map((tool) => tool.name).join(', ');
  const shown = JSON.stringify(name.slice(0, 80));
  return new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool ${shown}; expected: ${names}`);
}
