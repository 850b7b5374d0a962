import { Client } from '@modelcontextprotocol/client';
import type { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

/** Collects `resources/updated` for as long as the client lives. */
export async function listen(client: Client | Client1, uris: string[]): Promise<string[]> {
  const heard: string[] = [];
  if (client instanceof Client) {
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
      heard.push(params.uri);
    });
    if (client.getNegotiatedProtocolVersion() === '2026-07-28') {
      await client.listen({ resourceSubscriptions: uris });
      return heard;
    }
  } else {
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      heard.push(params.uri);
    });
  }
  for (const uri of uris) await client.subscribeResource({ uri });
  return heard;
}
