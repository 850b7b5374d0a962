import { readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isAlive } from '../helpers/alive.ts';
import { SharedServer, type HttpClient } from '../helpers/http-server.ts';
import { CLIENTS, type ClientKind } from '../helpers/start-server.ts';
import { until } from '../helpers/until.ts';

const KINDS: readonly ClientKind[] = ['2026', '2025', 'v1'];

let server: SharedServer;
const clients: HttpClient[] = [];

async function connect(kind: ClientKind, name?: string): Promise<HttpClient> {
  const client = await server.connect(kind, name);
  clients.push(client);
  return client;
}

beforeAll(async () => {
  server = await SharedServer.start();
});
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close();
  const janitor = await server.connect();
  await janitor.call('kill_process', { all: true, grace_ms: 0 });
  await janitor.call('remove_process', { all_ended: true });
  await janitor.close();
  await until('nothing is left', () => server.leftovers().length === 0);
});
afterAll(async () => {
  await server.close();
});

describe('a shared server', () => {
  it('tells where it is in files that only its user can read', () => {
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(server.output).toContain(`${server.url}/mcp`);
    expect(server.token).toMatch(/^[\w-]{43}$/);
    for (const name of ['server.json', 'token'])
      expect(statSync(join(server.stateDirectory, name)).mode & 0o777).toBe(0o600);
    const text = readFileSync(join(server.stateDirectory, 'server.json'), 'utf8');
    expect(text).not.toContain(server.token);
    expect(server.output).not.toContain(server.token);
  });

  it('answers a health check without a token, and says nothing else', async () => {
    const response = await fetch(new URL('/healthz', server.url));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ name: 'proctor', status: 'ok' });
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
  });

  it.each(KINDS)('serves all tools and resources to a client of %s', async (kind) => {
    const { client } = await connect(kind);
    const { tools } = await client.listTools();
    expect(tools).toHaveLength(10);
    const { resourceTemplates } = await client.listResourceTemplates();
    expect(resourceTemplates).toHaveLength(2);
  });

  it.each(KINDS)(
    'keeps processes over a client that goes away, and says who started them (%s)',
    async (kind) => {
      const first = await connect(kind, 'the-first');
      const run = await first.ok('run_background', {
        command: 'echo one; read line; echo two; read line',
        name: 'kept',
        wait_for: { log: 'one' },
      });
      const cursor = run.wait?.cursor ?? -1;
      await first.close();

      const second = await connect(kind, 'the-second');
      const { processes } = await second.ok('list_processes', {});
      expect(processes).toMatchObject([
        { id: 'kept', pid: run.pid, status: 'running', client: 'the-first 1.0.0' },
      ]);
      await second.call('send_stdin', { id: 'kept', text: 'go' });
      const found = await second.ok('wait_for_log', { id: 'kept', pattern: 'two', since: cursor });
      expect(found.outcome).toBe('matched');
      const { text } = await second.call('get_output', { id: 'kept', since: cursor });
      expect(text).toContain('two');
      expect(text).not.toContain('one');
      expect(isAlive(run.pid ?? 0)).toBe(true);
    },
  );

  it('shows one set of processes to clients of every era', async () => {
    for (const kind of KINDS)
      await (await connect(kind, kind)).ok('run_background', { command: 'sleep 60', name: `by-${kind}` });
    const seen = await Promise.all(
      clients.map(async (client) => {
        const { processes } = await client.ok('list_processes', {});
        return processes.map((process) => `${process.id} ${process.client ?? ''}`).sort();
      }),
    );
    const all = ['by-2025 2025 1.0.0', 'by-2026 2026 1.0.0', 'by-v1 v1 1.0.0'];
    expect(seen).toEqual([all, all, all]);
  });

  it.each(KINDS)('ends a wait that is cancelled, and answers others meanwhile (%s)', async (kind) => {
    const client = await connect(kind);
    await client.ok('run_background', { command: 'sleep 60', name: 'silent' });
    // A wait for HTTP shows from outside that it goes on: it looks four times a second or more.
    const unready = await startUnready();
    const aborter = new AbortController();
    const target = { port: unready.port, mode: 'http', timeout_ms: 40_000 };
    const failed = expect(client.call('wait_for_port', target, { signal: aborter.signal })).rejects.toThrow();
    await until('the wait looks', () => unready.looks() >= 2);
    expect((await client.call('list_processes')).isError).toBe(false);
    aborter.abort('enough');
    await failed;
    await until('nobody looks any more', () => unready.quietMs() > 800);
    const [process] = (await client.ok('list_processes', { ids: ['silent'] })).processes;
    expect(process?.status).toBe('running');
    unready.close();
  });

  it('reports progress of a long wait', async () => {
    await Promise.all(
      KINDS.map(async (kind) => {
        const client = await connect(kind);
        await client.ok('run_background', { command: 'sleep 60', name: `silent-${kind}` });
        const told: number[] = [];
        const { outcome } = await client.ok(
          'wait_for_exit',
          { id: `silent-${kind}`, timeout_ms: 5500 },
          { onprogress: ({ progress }) => told.push(progress) },
        );
        expect(outcome).toBe('timeout');
        expect(told).toEqual([5]);
      }),
    );
  });

  it('tells a subscriber of 2026-07-28 of changes', async () => {
    const { client } = await connect('2026');
    if (!(client instanceof Client)) throw new Error('not the v2 client');
    const updated: string[] = [];
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
      updated.push(params.uri);
    });
    const subscription = await client.listen({ resourceSubscriptions: ['process://talker/output'] });
    await clients[0]?.ok('run_background', { command: 'echo hello', name: 'talker' });
    await until('an update arrived', () => updated.includes('process://talker/output'));
    expect(new Set(updated)).toEqual(new Set(['process://talker/output']));
    await subscription.close();
  });

  it('tells a subscribed session of changes', async () => {
    const { client } = await connect('v1');
    if (client instanceof Client) throw new Error('not the 1.x client');
    await clients[0]?.ok('run_background', { command: 'read line; echo $line; read line', name: 'talker' });
    const updated: string[] = [];
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
      updated.push(params.uri);
    });
    await client.subscribeResource({ uri: 'process://talker/output' });
    await clients[0]?.call('send_stdin', { id: 'talker', text: 'hello' });
    await until('an update arrived', () => updated.includes('process://talker/output'));
  });
});

describe('its sessions', () => {
  it('end when their client says so, and end no process', async () => {
    const client = await connect('v1');
    const run = await client.ok('run_background', { command: 'sleep 60', name: 'kept' });
    const { sessionId, transport } = client;
    expect(sessionId).toBeDefined();
    await (transport as { terminateSession(): Promise<void> }).terminateSession();
    expect(isAlive(run.pid ?? 0)).toBe(true);
    const response = await post({ 'mcp-session-id': sessionId ?? '' }, { method: 'tools/list', id: 9 });
    expect(response.status).toBe(404);
  });

  it('give again what a broken stream has missed, each message once', async () => {
    const opened = await post({}, INITIALIZE);
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
    await opened.text();
    await (await post(session, { method: 'notifications/initialized' })).text();
    await (await connect('2026')).ok('run_background', { command: 'read line; sleep 60', name: 'gate' });

    const broken = new AbortController();
    const waiting = await post(
      session,
      call(7, 'wait_for_exit', { id: 'gate', timeout_ms: 40_000 }),
      broken.signal,
    );
    const first = await firstEventId(waiting);
    broken.abort();
    await clients[0]?.call('kill_process', { id: 'gate', grace_ms: 0 });

    const headers = { ...session, 'last-event-id': first };
    const resumed = await until('the answer is there to be read', async () => {
      const response = await fetch(server.mcpUrl, { headers: { ...HEADERS(), ...headers } });
      if (response.status === 200) return response.text();
      await response.text();
      return '';
    });
    expect(resumed.match(/"id":7/g)).toHaveLength(1);
    expect(resumed).toContain('"outcome":"exited"');
  });

  it('give the connection of a cancelled call back', async () => {
    const opened = await post({}, INITIALIZE);
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
    await opened.text();
    await (await connect('2026')).ok('run_background', { command: 'sleep 60', name: 'silent' });
    const waiting = await post(session, call(7, 'wait_for_exit', { id: 'silent', timeout_ms: 40_000 }));
    const cancel = { method: 'notifications/cancelled', params: { requestId: 7 } };
    expect((await post(session, cancel)).status).toBe(202);
    expect(await waiting.text()).toContain('Request cancelled');
  });

  it('let a second listening stream in only after the first has gone', async () => {
    const opened = await post({}, INITIALIZE);
    const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' };
    await opened.text();
    const first = new AbortController();
    const listen = (signal?: AbortSignal) =>
      fetch(server.mcpUrl, { headers: { ...HEADERS(), ...session }, ...(signal && { signal }) });
    expect((await listen(first.signal)).status).toBe(200);
    expect((await listen()).status).toBe(409);
    first.abort();
    const second = new AbortController();
    await until('the place is free', async () => (await listen(second.signal)).status === 200);
    second.abort();
  });
});

describe.each(CLIENTS)('a client of %s after the server was started again', (kind) => {
  it('is let in with the same token', async () => {
    const before = await SharedServer.start();
    const { token } = before;
    before.child.kill('SIGKILL');
    await until('it is dead', () => !isAlive(before.pid));
    const after = await SharedServer.start({ stateDirectory: before.stateDirectory });
    expect(after.token).toBe(token);
    const client = await after.connect(kind);
    expect((await client.call('list_processes')).isError).toBe(false);
    await client.close();
    await after.close();
  });
});

/** An HTTP server that is never ready, and tells who keeps looking. */
async function startUnready() {
  let looks = 0;
  let lastLook = performance.now();
  const http = createServer((_, response) => {
    looks++;
    lastLook = performance.now();
    response.writeHead(503).end();
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    port: (http.address() as AddressInfo).port,
    looks: () => looks,
    quietMs: () => performance.now() - lastLook,
    close: () => http.close(),
  };
}

const INITIALIZE = {
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'raw', version: '0' } },
};

function call(id: number, name: string, args: Record<string, unknown>) {
  return { id, method: 'tools/call', params: { name, arguments: args } };
}

const HEADERS = () => ({
  authorization: `Bearer ${server.token}`,
  accept: 'application/json, text/event-stream',
  'content-type': 'application/json',
  'mcp-protocol-version': '2025-11-25',
});

function post(headers: Record<string, string>, message: object, signal?: AbortSignal): Promise<Response> {
  return fetch(server.mcpUrl, {
    method: 'POST',
    headers: { ...HEADERS(), ...headers },
    body: JSON.stringify({ jsonrpc: '2.0', ...message }),
    ...(signal && { signal }),
  });
}

async function firstEventId(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  const [, id] = /^id: (.+)$/m.exec(new TextDecoder().decode(value as Uint8Array)) ?? [];
  if (id === undefined) throw new Error('the stream began without an event id');
  return id;
}
