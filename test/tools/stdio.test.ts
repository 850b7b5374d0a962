import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/logger.ts';
import { MAX_MESSAGE_BYTES, StdioTransport } from '../../src/mcp/stdio-transport.ts';
import { serveStdio } from '../../src/mcp/stdio.ts';
import { FakeService } from '../helpers/fake-service.ts';
import { until } from '../helpers/until.ts';

function serve() {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const service = new FakeService();
  const logger = createLogger('silent', process.stderr);
  const server = serveStdio(service, { version: '1', logger }, new StdioTransport(stdin, stdout));
  const answers: unknown[] = [];
  let rest = '';
  stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    answers.push(...lines.map((line): unknown => JSON.parse(line)));
  });
  const send = (message: object): void => {
    stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  };
  return { stdin, stdout, service, server, answers, send };
}

const INITIALIZE = {
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '0' } },
};

describe('stdio', () => {
  it('answers one JSON message a line and says when stdin has ended', async () => {
    const { stdin, service, server, answers, send } = serve();
    send(INITIALIZE);
    send({ method: 'notifications/initialized' });
    send({ id: 2, method: 'tools/list' });
    await until('both answers', () => answers.length === 2);
    expect(answers).toMatchObject([
      { id: 1, result: { protocolVersion: '2025-06-18', serverInfo: { name: 'proctor' } } },
      { id: 2, result: { tools: { length: 10 } } },
    ]);
    let closed = false;
    void server.closed.then(() => (closed = true));
    expect(closed).toBe(false);
    stdin.end();
    await server.closed;
    expect(service.listenerCount).toBe(0);
  });

  it('outlives a line that is no JSON and a message that is no request, and says so', async () => {
    const { stdin, server, answers, send } = serve();
    stdin.write('not json\n');
    stdin.write('{"jsonrpc":"2.0","id":9}\n');
    send({ method: 'notifications/initialized', params: [1] });
    send(INITIALIZE);
    await until('the answers', () => answers.length === 3);
    expect(answers).toMatchObject([
      { id: null, error: { code: -32700 } },
      { id: 9, error: { code: -32600 } },
      { id: 1, result: {} },
    ]);
    await server.close();
  });

  it('outlives a message that is too long, and answers it', async () => {
    const { stdin, server, answers, send } = serve();
    send(INITIALIZE);
    send({ method: 'notifications/initialized' });
    await until('the first answer', () => answers.length === 1);
    const params = { name: 'send_stdin', arguments: { id: 'web', text: 'x'.repeat(MAX_MESSAGE_BYTES) } };
    stdin.write(`${JSON.stringify({ method: 'tools/call', params, jsonrpc: '2.0', id: 2 })}\n`);
    stdin.write(`${'garbage'.repeat(MAX_MESSAGE_BYTES / 4)}\n`);
    send({ id: 3, method: 'tools/list' });
    await until('all answers', () => answers.length === 4);
    expect(answers).toMatchObject([
      { id: 1, result: {} },
      { id: 2, error: { code: -32600, message: expect.stringContaining('at most 10485760 bytes') } },
      { id: null, error: { code: -32600 } },
      { id: 3, result: { tools: { length: 10 } } },
    ]);
    await server.close();
  });

  it('takes every text that a tool takes, however it is escaped', async () => {
    const { service, server, answers, send } = serve();
    send(INITIALIZE);
    send({ method: 'notifications/initialized' });
    const text = '\u0001'.repeat(1024 * 1024);
    send({ id: 2, method: 'tools/call', params: { name: 'send_stdin', arguments: { id: 'web', text } } });
    await until('the answer', () => answers.length === 2);
    expect(answers[1]).toMatchObject({ id: 2, result: { structuredContent: {} } });
    expect(service.askedFor('send')).toMatchObject(['web', { text }, {}]);
    await server.close();
  });

  it('answers each request of a batch', async () => {
    const { stdin, server, answers, send } = serve();
    send(INITIALIZE);
    const batch = [
      { jsonrpc: '2.0', method: 'notifications/initialized' },
      { jsonrpc: '2.0', id: 2, method: 'ping' },
      { jsonrpc: '2.0', id: 3, method: 'tools/list' },
    ];
    stdin.write(`${JSON.stringify(batch)}\n`);
    await until('all answers', () => answers.length === 3);
    expect(answers).toMatchObject([{ id: 1 }, { id: 2, result: {} }, { id: 3, result: { tools: {} } }]);
    await server.close();
  });

  it('is closed when nobody reads stdout any more', async () => {
    const { stdout, server, send } = serve();
    send(INITIALIZE);
    stdout.destroy(new Error('EPIPE'));
    await server.closed;
  });

  it('closes on request, more than once', async () => {
    const { server, send } = serve();
    send(INITIALIZE);
    await server.close();
    await server.close();
    await server.closed;
  });
});
