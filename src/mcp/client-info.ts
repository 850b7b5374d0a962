import { CLIENT_INFO_META_KEY, type McpServer, type ServerContext } from '@modelcontextprotocol/server';
import * as z from 'zod';

/** What a client calls itself. */
export interface ClientInfo {
  name: string;
  version: string;
}

/** The part of a 2026-07-28 request's envelope that names the client; the SDK passes it on unchecked. */
const envelopeClient = z.object({
  [CLIENT_INFO_META_KEY]: z.object({ name: z.string(), version: z.string() }),
});

/** Name and version of the client: with each request from 2026-07-28 on, told once at initialize before. */
export function clientOf(mcp: McpServer, { envelope }: ServerContext['mcpReq']): ClientInfo | undefined {
  const told = envelopeClient.safeParse(envelope);
  // The accessor is the only source there is for connections that opened with initialize.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  return told.success ? told.data[CLIENT_INFO_META_KEY] : mcp.server.getClientVersion();
}
