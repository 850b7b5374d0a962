import { PassThrough } from 'node:stream';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../../src/logger.ts';
import { serveStdio } from '../../src/mcp/stdio.ts';
import { FakeService } from '../helpers/fake-service.ts';
import { until } from '../helpers/until.ts';

function serve() {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const service = new FakeService();
  const logger = createLogger('silent', process.stderr);
  const server = serveStdio(service, { version: '1', logger }, new StdioServerTransport(stdin, stdout));
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

  it('outlives a line that is no JSON and a message that is no request', async () => {
    const { stdin, server, answers, send } = serve();
    stdin.write('not json\n');
    stdin.write('{"jsonrpc":"2.0","id":9}\n');
    send(INITIALIZE);
    await until('the answer', () => answers.length > 0);
    expect(answers.at(-1)).toMatchObject({ id: 1, result: {} });
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
