import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect as connectTcp, type Socket } from 'node:net';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HttpClient, SharedServer } from '../helpers/http-server.ts';
import { cli } from '../helpers/start-server.ts';
import { until } from '../helpers/until.ts';

const SECRET = 'secret-given-by-environment';

let server: SharedServer;
/** A process that only who has the token may learn of. */
const CANARY = 'canary-process';

beforeAll(async () => {
  server = await SharedServer.start({ flags: ['--log-level', 'debug'], env: { PROCTOR_SHELL: 'bash' } });
  const client = await server.connect();
  await client.ok('run_background', { command: 'sleep 600', name: CANARY });
  await client.close();
});

afterAll(async () => {
  // After all that was done to it, it serves as on the first day, and has told its log no secret.
  const client = await server.connect('v1');
  const { processes } = await client.ok('list_processes', {});
  expect(processes.map(({ id }) => id)).toEqual([CANARY]);
  await client.close();
  expect(server.output).not.toContain(server.token);
  await server.close();
});

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

const LIST = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: {
    name: 'list_processes',
    arguments: {},
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'raw', version: '0' },
      'io.modelcontextprotocol/clientCapabilities': {},
    },
  },
});

const MODERN = {
  'mcp-protocol-version': '2026-07-28',
  'mcp-method': 'tools/call',
  'mcp-name': 'list_processes',
};

function authorized(): Record<string, string> {
  return { authorization: `Bearer ${server.token}` };
}

/** By node:http, which sends the Host and Origin it is told to. */
function send(
  headers: Record<string, string | string[]>,
  { method = 'POST', path = '/mcp', body = LIST, from = '127.0.0.1' } = {},
) {
  return new Promise<Answer>((resolve, reject) => {
    const request = httpRequest({
      host: '127.0.0.1',
      localAddress: from,
      port: server.port,
      method,
      path,
      headers: {
        accept: 'application/json, text/event-stream',
        'content-type': 'application/json',
        ...MODERN,
        ...headers,
      },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
      );
    });
    request.end(method === 'POST' ? body : undefined);
  });
}

/** Sends bytes as they are, and collects the answer until the server closes the connection. */
function sendRaw(bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connectTcp(server.port, '127.0.0.1', () => socket.write(bytes));
    socket.setTimeout(3000, () => socket.destroy());
    socket.on('data', (chunk) => (answer += chunk.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
  });
}

function refused({ status, body }: Answer, expected: number): void {
  expect(status).toBe(expected);
  expect(body).not.toContain(CANARY);
  expect(JSON.parse(body)).toMatchObject({ status: expected, detail: expect.any(String) });
}

describe('who does not belong', () => {
  it('is not let in, while who has the token is', async () => {
    const answer = await send(authorized());
    expect(answer.status).toBe(200);
    expect(answer.body).toContain(CANARY);
  });

  it.each([
    'evil.example',
    'evil.example:80',
    'localhost.evil.example',
    '169.254.169.254',
    'localhost@evil.example',
  ])('cannot come under the host name %s, not even with the token: a rebound name', async (host) => {
    refused(await send({ ...authorized(), host }), 403);
  });

  it('cannot come from a page of another origin, another local port included', async () => {
    for (const origin of [
      'https://evil.example',
      'http://localhost:3000',
      `http://127.0.0.1:${server.port + 1}`,
      'null',
    ])
      refused(await send({ ...authorized(), origin }), 403);
    const own = { origin: `http://127.0.0.1:${server.port}`, host: `127.0.0.1:${server.port}` };
    expect((await send({ ...authorized(), ...own })).status).toBe(200);
    const preflight = await send({ origin: 'https://evil.example' }, { method: 'OPTIONS' });
    expect(preflight.status).toBe(403);
    expect(preflight.headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('learns nothing without the token, on any path but the health check and the empty page', async () => {
    for (const path of [
      '/mcp',
      '/v1/processes',
      '/v1/events',
      '/assets/../mcp',
      '/mcp/../mcp',
      '/healthz/',
      '/%6dcp',
      '//mcp',
    ])
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS', 'PUT'])
        refused(await send({}, { path, method }), 401);
  });

  it.each(['', 'Bearer', 'Bearer wrong', 'Basic d3Jvbmc6d3Jvbmc=', 'Bearer undefined', 'Bearer null'])(
    'is not let in by the header "Authorization: %s"',
    async (authorization) => {
      const answer = await send({ authorization });
      refused(answer, 401);
      expect(answer.headers['www-authenticate']).toBe('Bearer realm="proctor"');
    },
  );

  it('cannot pass the token in the URL, where logs and histories would keep it', async () => {
    for (const name of ['token', 'access_token'])
      refused(await send({}, { path: `/mcp?${name}=${server.token}` }), 401);
  });

  it('is slowed down when it guesses, which hinders nobody who has the token', async () => {
    const guesses = await Promise.all(
      Array.from({ length: 60 }, () => send({ authorization: 'Bearer guess' }, { from: '127.0.0.2' })),
    );
    const slowed = guesses.find(({ status }) => status === 429);
    expect(Number(slowed?.headers['retry-after'])).toBeGreaterThan(0);
    expect((await send(authorized(), { from: '127.0.0.2' })).status).toBe(200);
  });
});

describe('a session id', () => {
  const initialize = JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '0' } },
  });
  const legacy = { 'mcp-protocol-version': '2025-06-18' };

  const list = JSON.stringify({ jsonrpc: '2.0', id: 2, method: 'tools/list' });

  async function begin(): Promise<Record<string, string>> {
    const { headers } = await send({ ...authorized(), ...legacy }, { body: initialize });
    return { 'mcp-session-id': String(headers['mcp-session-id']) };
  }

  it('of another client opens nothing by itself: it is a name, not a key', async () => {
    const victim = await begin();
    for (const method of ['POST', 'GET', 'DELETE']) {
      const { status } = await send({ ...victim, ...legacy }, { method });
      expect(status).toBe(401);
    }
    expect((await send({ ...authorized(), ...victim, ...legacy }, { body: list })).status).toBe(200);
  });

  it('cannot be guessed, and one of another session gives none of its events', async () => {
    const [victim, other] = [await begin(), await begin()];
    expect(victim['mcp-session-id']).toMatch(
      /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/,
    );
    const guessed = { 'mcp-session-id': '00000000-0000-4000-8000-000000000000' };
    expect((await send({ ...authorized(), ...legacy, ...guessed }, { body: list })).status).toBe(404);

    const call = JSON.stringify({
      jsonrpc: '2.0',
      id: 3,
      method: 'tools/call',
      params: { name: 'list_processes', arguments: {} },
    });
    const answered = await send({ ...authorized(), ...legacy, ...victim }, { body: call });
    const [, event = ''] = /^id: \d+_(.+)$/m.exec(answered.body) ?? [];
    const replay = { ...authorized(), ...legacy, 'last-event-id': `0_${event}` };
    expect((await send({ ...replay, ...victim }, { method: 'GET' })).body).toContain(CANARY);
    expect((await send({ ...replay, ...other }, { method: 'GET' })).body).not.toContain(CANARY);
  });
});

describe('a request of ill will', () => {
  it.each([
    ['announced', { 'content-length': String(50 * 1024 * 1024) }],
    ['sent without saying how much', { 'transfer-encoding': 'chunked' }],
  ])('with a body of 50 MB, %s, is refused without being kept', async (_, framing) => {
    const before = server.memory;
    const status = await new Promise<number>((resolve) => {
      const request = httpRequest({
        ...{ host: '127.0.0.1', port: server.port, method: 'POST', path: '/mcp' },
        headers: { ...authorized(), 'content-type': 'application/json', ...framing },
      });
      // The server may cut the connection while the body is still under way: that is a refusal, too.
      request.on('error', () => resolve(413));
      request.on('response', (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
        request.destroy();
      });
      const chunk = Buffer.alloc(1024 * 1024, 0x20);
      const write = (left: number): void => {
        if (left === 0) request.end();
        else if (!request.destroyed) request.write(chunk, () => write(left - 1));
      };
      write(50);
    });
    expect(status).toBe(413);
    expect(server.memory - before).toBeLessThan(30 * 1024 * 1024);
  });

  it('without the token is refused before its body is read', async () => {
    const head = `POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4000000\r\n\r\n{`;
    expect(await sendRaw(head)).toMatch(/^HTTP\/1\.1 401 /);
  });

  it.each<[string, string[], RegExp]>([
    ['two lengths', ['Content-Length: 5', 'Content-Length: 50'], /^HTTP\/1\.1 400 /],
    ['a length and chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked'], /^HTTP\/1\.1 400 /],
    ['an encoding hidden by a space', ['Transfer-Encoding : chunked'], /^HTTP\/1\.1 400 /],
    ['an encoding that is none', ['Transfer-Encoding: xchunked'], /^HTTP\/1\.1 400 /],
    ['two hosts', ['Host: evil.example'], /^HTTP\/1\.1 400 /],
    ['two tokens', ['Authorization: Bearer x'], /^HTTP\/1\.1 400 /],
    ['two origins', ['Origin: http://localhost', 'Origin: https://evil.example'], /^HTTP\/1\.1 400 /],
    ['two sessions', ['Mcp-Session-Id: a', 'Mcp-Session-Id: b'], /^HTTP\/1\.1 400 /],
    ['a folded header', ['X: a\r\n b'], /^HTTP\/1\.1 400 /],
    ['a bare line feed', ['X: a\nAuthorization: Bearer y'], /^HTTP\/1\.1 400 /],
    ['a head of 20 KB', [`X: ${'a'.repeat(20_000)}`], /^HTTP\/1\.1 431 /],
  ])(
    'with %s is refused, and what follows it is not read as another request',
    async (_, headers, expected) => {
      const head = [
        'POST /mcp HTTP/1.1',
        'Host: localhost',
        `Authorization: Bearer ${server.token}`,
        ...headers,
      ];
      const inner = `GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n`;
      const answer = await sendRaw(`${head.join('\r\n')}\r\n\r\n0\r\n\r\n${inner}`);
      expect(answer).toMatch(expected);
      expect(answer.match(/^HTTP\/1\.1 /gm)).toHaveLength(1);
      expect(answer).not.toContain('"proctor"');
    },
  );

  it.each(['GET http://localhost/healthz HTTP/1.1', 'CONNECT evil.example:443 HTTP/1.1', 'GET * HTTP/1.1'])(
    'for another server is not served: %s',
    async (line) => {
      const answer = await sendRaw(`${line}\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
      expect(answer).toMatch(/^(HTTP\/1\.1 400 |$)/);
    },
  );

  it.each([
    ['no JSON', '{"jsonrpc"'],
    ['the wrong JSON', '[]'],
    ['null', 'null'],
    ['JSON that is deeper than a stack', '['.repeat(100_000) + ']'.repeat(100_000)],
    ['a prototype', '{"jsonrpc":"2.0","id":1,"method":"tools/list","__proto__":{"polluted":1}}'],
  ])('with %s for a body is answered 400', async (_, body) => {
    const { status } = await send(authorized(), { body });
    expect(status).toBe(400);
  });
});

describe('a client that holds on', () => {
  it('loses slow headers and idle connections, 200 of them, while others are served', async () => {
    const before = server.openFiles;
    let closed = 0;
    const open = (greeting: string): Socket => {
      const socket = connectTcp(server.port, '127.0.0.1', () => socket.write(greeting));
      socket.on('error', () => undefined);
      socket.on('close', () => closed++);
      socket.resume();
      return socket;
    };
    const sockets = Array.from({ length: 200 }, (_, index) =>
      open(index % 2 === 0 ? '' : 'POST /mcp HTTP/1.1\r\nHost: localhost\r\n'),
    );
    // The slow ones go on at a trickle: what counts is the whole head.
    const trickle = setInterval(() => {
      for (const [index, socket] of sockets.entries())
        if (index % 2 === 1 && socket.writable) socket.write('X: a\r\n');
    }, 1000);
    await until('all of them are open', () => server.openFiles >= before + 200);
    expect((await send(authorized())).status).toBe(200);
    await until('all of them are closed by the server', () => closed === 200, 15_000);
    clearInterval(trickle);
    await until('their descriptors are free', () => server.openFiles <= before + 5);
  });
});

describe('secrets', () => {
  it('of the server are not in the environment of what it starts', async () => {
    const given = await SharedServer.start({ env: { PROCTOR_TOKEN: SECRET } });
    const response = await fetch(given.mcpUrl, { headers: { authorization: `Bearer ${SECRET}` } });
    expect(response.status).not.toBe(401);
    const client = await HttpClient.connect(given.mcpUrl, SECRET, '2026', 'e2e');
    const { tail } = await client.ok('run_background', { command: 'env', wait_for: { exit: true } });
    expect(tail).toContain('PATH=');
    expect(tail).not.toContain(SECRET);
    await client.close();
    expect(given.output).not.toContain(SECRET);
    await given.close();
  });

  it('that others could have read are not trusted', () => {
    const directory = mkdtempSync('/tmp/proctor-open-');
    writeFileSync(`${directory}/token`, 'readable-by-everybody\n', { mode: 0o644 });
    const args = [cli, 'serve', '--port', '0', '--state-dir', directory];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toContain('can be read by others');
    rmSync(directory, { recursive: true });
  });
});

describe('a server on all addresses', () => {
  it('asks for the token, and warns', async () => {
    const open = await SharedServer.start({ flags: ['--host', '0.0.0.0'] });
    expect(open.output).toMatch(/warning: 0\.0\.0\.0 can be reached from other machines/);
    expect((await fetch(open.mcpUrl)).status).toBe(401);
    await open.close();
  });

  it('needs no token on loopback where it was told so, and warns', async () => {
    const free = await SharedServer.start({ flags: ['--no-token'] });
    expect(free.output).toMatch(/warning: no token is asked for/);
    const evil = await fetch(free.mcpUrl, { headers: { origin: 'http://localhost:3000' } });
    expect(evil.status).toBe(403);
    const client = await HttpClient.connect(free.mcpUrl, 'none-needed', 'v1', 'e2e');
    expect((await client.call('list_processes')).isError).toBe(false);
    await client.close();
    await free.close();
  });
});
