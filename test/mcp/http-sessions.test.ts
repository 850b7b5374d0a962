import { afterEach, describe, expect, it } from 'vitest';
import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { createLogger } from '../../src/logger.ts';
import { EventLog } from '../../src/mcp/event-log.ts';
import { HttpSessions, type SessionLimits } from '../../src/mcp/http-sessions.ts';
import { createMcpServer } from '../../src/mcp/server.ts';
import { FakeService } from '../helpers/fake-service.ts';
import { until } from '../helpers/until.ts';

const HEADERS = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };
const OVER = Promise.resolve();
const NEVER = new Promise<void>(() => undefined);

const INITIALIZE = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '0' } },
};

let sessions: HttpSessions;

function open(limits: SessionLimits): void {
  const logger = createLogger('silent', process.stderr);
  sessions = new HttpSessions(
    () => createMcpServer(new FakeService(), { version: '0', logger }, 'subscribed'),
    logger,
    limits,
  );
}

function send(body: unknown, headers: Record<string, string> = {}, closed = OVER): Promise<Response> {
  const request = new Request('http://localhost/mcp', {
    method: 'POST',
    headers: { ...HEADERS, ...headers },
  });
  return sessions.fetch(request, body, closed);
}

async function begin(closed = OVER): Promise<Record<string, string>> {
  const response = await send(INITIALIZE, {}, closed);
  expect(response.status).toBe(200);
  await response.text();
  return { 'mcp-session-id': response.headers.get('mcp-session-id') ?? '' };
}

const ping = (id: number) => ({ jsonrpc: '2.0', id, method: 'ping' });

afterEach(() => sessions.close());

describe('sessions', () => {
  it('begin with initialize only, and an unknown one is told to begin again', async () => {
    open({ maxSessions: 4, idleMs: 60_000 });
    expect((await send(ping(1))).status).toBe(400);
    expect((await send(ping(1), { 'mcp-session-id': 'guessed' })).status).toBe(404);
    expect((await send({ ...INITIALIZE, params: {} })).status).toBe(400);
    expect(sessions.size).toBe(0);
    const session = await begin();
    expect((await send(ping(2), session)).status).toBe(200);
  });

  it('make room for new ones, the longest idle first, but never one in use', async () => {
    open({ maxSessions: 2, idleMs: 60_000 });
    const [first, second] = [await begin(), await begin()];
    await (await send(ping(2), first)).text();
    const third = await begin(NEVER);
    expect((await send(ping(3), second)).status).toBe(404);
    expect((await send(ping(3), first, NEVER)).status).toBe(200);
    expect((await send(INITIALIZE)).status).toBe(503);
    expect((await send(ping(4), third)).status).toBe(200);
  });

  it('are forgotten after a time with nothing under way', async () => {
    open({ maxSessions: 9, idleMs: 50 });
    await begin();
    const busy = await begin(NEVER);
    await until('the idle one is forgotten', () => sessions.size === 1);
    expect((await send(ping(2), busy)).status).toBe(200);
  });
});

describe('the event log', () => {
  const message = (text: string): JSONRPCMessage => ({ jsonrpc: '2.0', method: text });

  async function replay(log: EventLog, after: string): Promise<string[]> {
    const sent: string[] = [];
    await log.replayEventsAfter(after, {
      send: (_, event) => {
        sent.push('method' in event ? event.method : '');
        return Promise.resolve();
      },
    });
    return sent;
  }

  it('gives again what one stream carried after an event, in order', async () => {
    open({ maxSessions: 1, idleMs: 1000 });
    const log = new EventLog();
    const first = await log.storeEvent('a', message('1'));
    await log.storeEvent('b', message('2'));
    await log.storeEvent('a', message('3'));
    await log.storeEvent('a', message('4'));
    expect(await replay(log, first)).toEqual(['3', '4']);
    expect(await log.getStreamIdForEventId(first)).toBe('a');
    expect(await log.getStreamIdForEventId('nonsense')).toBeUndefined();
  });

  it('is bounded in events and in bytes', async () => {
    open({ maxSessions: 1, idleMs: 1000 });
    const log = new EventLog();
    const first = await log.storeEvent('a', message('0'));
    for (let index = 0; index < 2000; index++) await log.storeEvent('a', message(String(index)));
    expect((await replay(log, first)).length).toBeLessThanOrEqual(512);
    await log.storeEvent('a', message('x'.repeat(2_000_000)));
    expect((await replay(log, first)).length).toBe(1);
  });
});
