import {
  ProtocolError,
  ProtocolErrorCode,
  type McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { watchResources, type EventSource } from './resource-changes.ts';

/**
 * How a server tells its client of changes. `subscribed`: a connection of the eras up to 2025-11-25, which keeps its
 * own list of resources/subscribe. `all`: a connection of 2026-07-28, where the entry filters by
 * subscriptions/listen. `none`: a server for one request, whose entry publishes changes itself.
 */
export type ChangePolicy = 'subscribed' | 'all' | 'none';

/** A client that subscribes to more than this has a loop in it. */
const MAX_SUBSCRIPTIONS = 1000;

/**
 * Serves subscribe and unsubscribe, and sends notifications for as long as the connection lasts. `find` rejects where
 * there is no such resource.
 */
export function serveChanges(
  mcp: McpServer,
  events: EventSource,
  find: (uri: string, request: ServerContext['mcpReq']) => Promise<unknown>,
  policy: ChangePolicy,
): void {
  const { server } = mcp;
  const subscribed = new Set<string>();
  server.setRequestHandler('resources/subscribe', async ({ params: { uri } }, { mcpReq }) => {
    await find(uri, mcpReq);
    if (subscribed.size >= MAX_SUBSCRIPTIONS)
      throw new ProtocolError(
        ProtocolErrorCode.InvalidParams,
        `Already subscribed to ${MAX_SUBSCRIPTIONS} resources; unsubscribe from some first`,
      );
    subscribed.add(uri);
    return {};
  });
  server.setRequestHandler('resources/unsubscribe', ({ params: { uri } }) => {
    subscribed.delete(uri);
    return {};
  });
  if (policy === 'none') return;

  // A client that has gone is told nothing; its connection closes by itself.
  const ignore = (): void => undefined;
  const stop = watchResources(events, {
    updated: (uri) => {
      if (policy === 'all' || subscribed.has(uri)) server.sendResourceUpdated({ uri }).catch(ignore);
    },
    listChanged: () => {
      server.sendResourceListChanged().catch(ignore);
    },
  });
  server.onclose = stop;
}
