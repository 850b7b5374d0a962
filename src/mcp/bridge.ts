import {
  McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type CallToolResult,
  type ReadResourceResult,
  type ServerContext,
  type Transport,
} from '@modelcontextprotocol/server';
import { clientOf, type ClientInfo } from './client-info.ts';
import { INSTRUCTIONS } from './instructions.ts';
import type { EventSource } from './resource-changes.ts';
import type { ServerInfo } from './server.ts';
import { serveConnection, type StdioServer } from './stdio-connection.ts';
import { StdioTransport } from './stdio-transport.ts';
import { serveChanges, type ChangePolicy } from './subscriptions.ts';
import { TOOL_LISTING } from './tool-listing.ts';
import { REQUEST_OPTIONS, Upstream, UpstreamError, type Target } from './upstream.ts';

export interface BridgeOptions extends ServerInfo {
  /** Tells what happens at the shared server, whenever there is one. */
  events: EventSource;
  /** Finds the shared server. Rejects with UpstreamError, which says what to do. */
  locate: () => Promise<Target>;
  /** Completes a tool's arguments with what only this side knows. */
  localise: (tool: string, args: Record<string, unknown>) => Record<string, unknown>;
}

/** Until a client has told its name. */
const UNNAMED: ClientInfo = { name: 'proctor-bridge', version: '0' };

/**
 * A stdio server whose processes belong to a shared one, and outlive this connection. Each call is passed on by
 * itself, under its client's own name, with its cancellation and its progress.
 */
export function serveBridge(
  options: BridgeOptions,
  transport: Transport = new StdioTransport(),
): StdioServer {
  const upstream = new Upstream(options.locate);
  const connection = serveConnection(
    ({ era }) => createBridgeServer(upstream, options, era === 'modern' ? 'all' : 'subscribed'),
    transport,
    options.logger,
  );
  return {
    closed: connection.closed,
    close: async () => {
      await connection.close();
      upstream.close();
    },
  };
}

function createBridgeServer(
  upstream: Upstream,
  { version, events, localise }: BridgeOptions,
  changes: ChangePolicy,
): McpServer {
  const mcp = new McpServer(
    { name: 'proctor', title: 'Proctor', version },
    {
      capabilities: { tools: { listChanged: false }, resources: { subscribe: true, listChanged: true } },
      instructions: INSTRUCTIONS,
    },
  );
  const { server } = mcp;
  const nameOf = (request: ServerContext['mcpReq']): ClientInfo => clientOf(mcp, request) ?? UNNAMED;

  // A client that lists the tools before the server is there must find them all the same.
  server.setRequestHandler('tools/list', (_, { mcpReq }) =>
    upstream
      .ask(nameOf(mcpReq), (client) => client.listTools())
      .catch((error: unknown) => {
        if (error instanceof UpstreamError) return { tools: [...TOOL_LISTING] };
        throw error;
      }),
  );
  server.setRequestHandler('tools/call', ({ params: { name, arguments: args = {} } }, { mcpReq }) =>
    upstream
      .ask(nameOf(mcpReq), (client) =>
        client.callTool({ name, arguments: localise(name, args) }, { ...REQUEST_OPTIONS, ...passOn(mcpReq) }),
      )
      .catch(explainToModel),
  );
  server.setRequestHandler('resources/list', (_, { mcpReq }) =>
    upstream.ask(nameOf(mcpReq), (client) => client.listResources()).catch(explainToClient),
  );
  server.setRequestHandler('resources/templates/list', (_, { mcpReq }) =>
    upstream.ask(nameOf(mcpReq), (client) => client.listResourceTemplates()).catch(explainToClient),
  );
  const read = (uri: string, mcpReq: ServerContext['mcpReq']): Promise<ReadResourceResult> =>
    upstream.ask(nameOf(mcpReq), (client) => client.readResource({ uri })).catch(explainToClient);
  server.setRequestHandler('resources/read', ({ params: { uri } }, { mcpReq }) => read(uri, mcpReq));
  serveChanges(mcp, events, read, changes);
  return mcp;
}

/** Cancellation goes up, progress comes down. */
function passOn({ signal, _meta, notify }: ServerContext['mcpReq']) {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined) return { signal };
  const onprogress = ({ progress, message }: { progress: number; message?: string | undefined }): void => {
    const params = { progressToken, progress, ...(message !== undefined && { message }) };
    // A client that has gone hears nothing; the call itself ends by its abort signal.
    notify({ method: 'notifications/progress', params }).catch(() => undefined);
  };
  return { signal, onprogress };
}

/** A model can act on what it reads in an answer; a protocol error it may never see. */
function explainToModel(error: unknown): CallToolResult {
  if (!(error instanceof UpstreamError)) throw error;
  return { content: [{ type: 'text', text: `SERVER_UNREACHABLE: ${error.message}` }], isError: true };
}

function explainToClient(error: unknown): never {
  if (error instanceof UpstreamError) throw new ProtocolError(ProtocolErrorCode.InternalError, error.message);
  throw error;
}
