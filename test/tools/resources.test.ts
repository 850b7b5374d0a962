import { describe, expect, it, vi } from 'vitest';
import { endedSnapshot, pageOf, snapshotOf } from '../helpers/fake-service.ts';
import { until } from '../helpers/until.ts';
import { connect, connectV1, REVISIONS, type Revision } from './connect.ts';

const LEGACY = REVISIONS.filter((revision) => revision !== '2026-07-28');

/** Collects what a client is told of changes. */
async function listening(revision: Revision) {
  const connection = await connect(revision);
  const updated: string[] = [];
  const lists: number[] = [];
  connection.client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    updated.push(params.uri);
  });
  connection.client.setNotificationHandler('notifications/resources/list_changed', () => {
    lists.push(1);
  });
  return { ...connection, updated, lists };
}

describe('resources', () => {
  it.each(REVISIONS)('are listed, two for each process, with templates (%s)', async (revision) => {
    const { client } = await connect(revision);
    const { resources } = await client.listResources();
    expect(resources.map(({ uri }) => uri)).toEqual([
      'process://web',
      'process://web/output',
      'process://build',
      'process://build/output',
    ]);
    expect(resources[0]).toMatchObject({ mimeType: 'application/json', title: 'web (running)' });
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate)).toEqual([
      'process://{id}',
      'process://{id}/output',
    ]);
  });

  it.each(REVISIONS)('are read as JSON status and as clean text (%s)', async (revision) => {
    const { client, call, service } = await connect(revision);
    service.answers.read = () => pageOf({ text: 'hello\n' });
    const { contents } = await client.readResource({ uri: 'process://web' });
    const [status] = contents;
    if (status === undefined || !('text' in status)) throw new Error('no text');
    const listed = await call('list_processes', { ids: ['web'] });
    expect(JSON.parse(status.text)).toEqual((listed.structured?.processes as unknown[])[0]);
    expect(await client.readResource({ uri: 'process://web/output' })).toMatchObject({
      contents: [{ uri: 'process://web/output', mimeType: 'text/plain', text: 'hello\n' }],
    });
  });

  it('are read by the 1.x client', async () => {
    const { client } = await connectV1();
    expect((await client.listResources()).resources).toHaveLength(4);
    expect(await client.readResource({ uri: 'process://build/output' })).toMatchObject({
      contents: [{ text: 'ready\n' }],
    });
  });

  it.each([
    'process://nope',
    'process://nope/output',
    'process://',
    'process://web/input',
    'file:///etc/passwd',
  ])('refuse %s as not found', async (uri) => {
    const { client } = await connect();
    await expect(client.readResource({ uri })).rejects.toMatchObject({ code: -32602, data: { uri } });
  });
});

describe('subscribers of the eras up to 2025-11-25', () => {
  it.each(LEGACY)('hear of the URIs they subscribed to, until they unsubscribe (%s)', async (revision) => {
    const { client, service, updated } = await listening(revision);
    await client.subscribeResource({ uri: 'process://web/output' });
    service.emit({ type: 'output', id: 'web', run: 1 });
    service.emit({ type: 'output', id: 'build', run: 1 });
    await until('the update arrives', () => updated.length > 0);
    expect(updated).toEqual(['process://web/output']);

    await client.unsubscribeResource({ uri: 'process://web/output' });
    await client.subscribeResource({ uri: 'process://build' });
    service.emit({ type: 'output', id: 'web', run: 1 });
    service.emit({ type: 'exited', id: 'build', run: 1, status: 'failed' });
    await until('the second update arrives', () => updated.length > 1);
    expect(updated).toEqual(['process://web/output', 'process://build']);
  });

  it('may not subscribe to what does not exist', async () => {
    const { client } = await connect('2025-11-25');
    await expect(client.subscribeResource({ uri: 'process://nope' })).rejects.toMatchObject({ code: -32602 });
  });

  it('include the 1.x client', async () => {
    const { client, service } = await connectV1();
    const updated: unknown[] = [];
    client.fallbackNotificationHandler = (notification) => {
      updated.push(notification.params?.uri ?? notification.method);
      return Promise.resolve();
    };
    await client.subscribeResource({ uri: 'process://web' });
    service.emit({ type: 'exited', id: 'web', run: 1, status: 'failed' });
    await until('the update arrives', () => updated.length > 0);
    expect(updated).toEqual(['process://web']);
  });

  it('hear that the list changed when a process starts, could not be started, or is removed', async () => {
    const { service, lists } = await listening('2025-06-18');
    service.emit({ type: 'started', id: 'api', run: 1 });
    await until('the first change arrives', () => lists.length === 1);
    service.emit({ type: 'removed', id: 'api', run: 1 });
    await until('the second change arrives', () => lists.length === 2);
    service.emit({ type: 'exited', id: 'typo', run: 1, status: 'error' });
    await until('the third change arrives', () => lists.length === 3);
  });
});

describe('listeners of 2026-07-28', () => {
  it('hear of what their subscription names, and of nothing after it is closed', async () => {
    const { client, service, updated, lists } = await listening('2026-07-28');
    const subscription = await client.listen({
      resourceSubscriptions: ['process://web'],
      resourcesListChanged: true,
    });
    expect(subscription.honoredFilter).toMatchObject({
      resourceSubscriptions: ['process://web'],
      resourcesListChanged: true,
    });
    service.emit({ type: 'started', id: 'api', run: 1 });
    service.emit({ type: 'output', id: 'web', run: 1 });
    await until('both arrive', () => updated.length > 0 && lists.length > 0);
    expect(updated).toEqual(['process://web']);

    await subscription.close();
    service.emit({ type: 'output', id: 'web', run: 1 });
    const other = await client.listen({ resourceSubscriptions: ['process://build'] });
    service.emit({ type: 'output', id: 'build', run: 1 });
    await until('the other arrives', () => updated.length > 1);
    expect(updated).toEqual(['process://web', 'process://build']);
    await other.close();
  });
});

describe('changes', () => {
  it('of a flood are told a few times a second', async () => {
    const { client, service, updated } = await listening('2025-11-25');
    await client.subscribeResource({ uri: 'process://web' });
    const begun = performance.now();
    await vi.waitUntil(() => {
      for (let n = 0; n < 1000; n++) service.emit({ type: 'output', id: 'web', run: 1 });
      return updated.length >= 3;
    }, 5000);
    const seconds = (performance.now() - begun) / 1000;
    expect(updated.length / seconds).toBeLessThan(6);
  });

  it('are no longer watched once the client has gone', async () => {
    for (const revision of REVISIONS) {
      const { client, service, server } = await connect(revision);
      expect(service.listenerCount).toBe(1);
      await client.close();
      await server.closed;
      expect(service.listenerCount).toBe(0);
    }
  });

  it('show in the next read', async () => {
    const { client, service } = await connect();
    service.processes = [snapshotOf({ status: 'completed' }), endedSnapshot()];
    const { resources } = await client.listResources();
    expect(resources[0]?.title).toBe('web (completed)');
  });
});
