import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { CLIENTS, fixtures, useServer } from '../helpers/start-server.ts';

const listenLate = join(fixtures, 'listen-late.mjs');
const open: Server[] = [];

afterEach(() => {
  for (const listener of open.splice(0)) listener.close();
});

/** A listener of this test process: not one of the server's. */
async function listenOutside(host = '127.0.0.1', listener: Server = createTcpServer()): Promise<number> {
  open.push(listener);
  await new Promise<void>((resolve) => listener.listen(0, host, resolve));
  return (listener.address() as AddressInfo).port;
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const port = await listenOutside();
  await new Promise((resolve) => open.pop()?.close(resolve));
  return port;
}

describe.each(CLIENTS)('wait_for_port, client %s', (client) => {
  const server = useServer({ client });

  it('is ready when the process listens, however late', async () => {
    const port = await freePort();
    const run = await server().run('node', {
      args: [listenLate, '--port', `${port}`, '--host', '127.0.0.1', '--delay', '300'],
    });
    const answer = await server().call('wait_for_port', { id: run.id, port });
    expect(answer.structured).toMatchObject({
      outcome: 'ready',
      port,
      host: '127.0.0.1',
      url: `http://127.0.0.1:${port}/`,
      status: 'running',
    });
    expect(answer.text).toContain(`http://127.0.0.1:${port}/`);
    expect((await server().snapshot(run.id)).ports).toEqual([port]);
  });

  it('finds whichever port the tree opens, in a descendant too', async () => {
    const run = await server().run(`node ${listenLate} --host 127.0.0.1 & wait`);
    const ready = await server().ok('wait_for_port', { id: run.id });
    expect(ready.outcome).toBe('ready');
    // The port is seen before the program comes to say so.
    const said = await server().ok('wait_for_log', { id: run.id, pattern: `listening on ${ready.port}` });
    expect(said.outcome).toBe('matched');
  });

  it('names a foreign holder at once and never calls it ready', async () => {
    const port = await listenOutside();
    const run = await server().run('sleep 300');
    const answer = await server().call('wait_for_port', { id: run.id, port });
    expect(answer.isError).toBe(false);
    const { waited_ms } = answer.structured as { waited_ms: number };
    expect(waited_ms).toBeLessThan(1500);
    expect(answer.structured).toMatchObject({ outcome: 'foreign', port, owner: { pid: process.pid } });
    expect(answer.text).toContain('foreign');
    expect(answer.text).toContain(`${process.pid}`);
    const allowed = await server().ok('wait_for_port', { id: run.id, port, allow_foreign: true });
    expect(allowed).toMatchObject({ outcome: 'ready', owner: { pid: process.pid } });
  });

  it('gives up as an outcome, saying what the last look saw', async () => {
    const run = await server().run('sleep 300');
    const answer = await server().call('wait_for_port', {
      id: run.id,
      port: await freePort(),
      timeout_ms: 300,
    });
    expect(answer.structured).toMatchObject({
      outcome: 'timeout',
      last_probe: expect.stringMatching(/refused/) as string,
    });
    expect(answer.text).toMatch(/refused/);
  });

  it('ends with the process', async () => {
    const run = await server().run('sleep 0.3; echo "cannot bind" >&2; exit 1');
    const answer = await server().call('wait_for_port', { id: run.id, port: await freePort() });
    expect(answer.structured).toMatchObject({ outcome: 'exited', status: 'failed', exit_code: 1 });
    expect(answer.text).toContain('cannot bind');
  });
});

describe('wait_for_port', () => {
  const server = useServer();

  it('names one of our own processes as the foreign holder by its id', async () => {
    const holder = await server().run('node', { args: [listenLate, '--host', '127.0.0.1'], name: 'holder' });
    const { port } = await server().ok('wait_for_port', { id: holder.id });
    await server().run('sleep 300', { name: 'other' });
    const answer = await server().call('wait_for_port', { id: 'other', port });
    expect(answer.structured).toMatchObject({ outcome: 'foreign', owner: { pid: holder.pid, id: 'holder' } });
    expect(answer.text).toContain('holder');
  });

  it('takes any owner without id', async () => {
    const port = await listenOutside();
    const ready = await server().ok('wait_for_port', { port });
    expect(ready).toMatchObject({ outcome: 'ready', port, owner: { pid: process.pid } });
    expect(await server().ok('wait_for_port', { port: await freePort(), timeout_ms: 150 })).toMatchObject({
      outcome: 'timeout',
    });
  });

  it('sees a listener on ::1 only', async () => {
    const run = await server().run('node', { args: [listenLate, '--host', '::1'] });
    const ready = await server().ok('wait_for_port', { id: run.id });
    expect(ready).toMatchObject({ outcome: 'ready', host: '::1', url: `http://[::1]:${ready.port}/` });
  });

  it('sees a dual-stack listener through either address', async () => {
    const run = await server().run('node', { args: [listenLate, '--host', '::'] });
    const { port } = await server().ok('wait_for_port', { id: run.id });
    for (const host of ['127.0.0.1', '::1', 'localhost'])
      expect(await server().ok('wait_for_port', { id: run.id, port, host })).toMatchObject({
        outcome: 'ready',
        port,
      });
  });

  it('waits through HTTP 503 until 200', async () => {
    const run = await server().run('node', {
      args: [listenLate, '--host', '127.0.0.1', '--unready', '1500'],
    });
    const tcp = await server().ok('wait_for_port', { id: run.id });
    const early = await server().ok('wait_for_port', {
      id: run.id,
      port: tcp.port,
      mode: 'http',
      timeout_ms: 500,
    });
    expect(early).toMatchObject({ outcome: 'timeout', last_probe: expect.stringContaining('503') as string });
    const ready = await server().ok('wait_for_port', { id: run.id, port: tcp.port, path: '/health' });
    expect(ready).toMatchObject({
      outcome: 'ready',
      http_status: 200,
      url: `http://127.0.0.1:${tcp.port}/health`,
    });
  });

  it('takes the HTTP status it is told to take, one or a range', async () => {
    const http = createServer((request, response) => {
      response.statusCode = request.url === '/login' ? 302 : 404;
      response.setHeader('location', 'http://127.0.0.1:1/');
      response.end();
    });
    const port = await listenOutside('127.0.0.1', http);
    expect(await server().ok('wait_for_port', { port, path: '/login' })).toMatchObject({
      outcome: 'ready',
      http_status: 302,
    });
    expect(await server().ok('wait_for_port', { port, status: 404 })).toMatchObject({
      outcome: 'ready',
      http_status: 404,
    });
    expect(await server().ok('wait_for_port', { port, status: [400, 499] })).toMatchObject({
      outcome: 'ready',
    });
    expect(await server().ok('wait_for_port', { port, mode: 'http', timeout_ms: 200 })).toMatchObject({
      outcome: 'timeout',
    });
  });

  it('waits for a daemon after its starter has exited', async () => {
    const run = await server().run(`node ${listenLate} --host 127.0.0.1 --delay 300 & exit`);
    expect(await server().exited(run.id)).toMatchObject({ status: 'completed', exit_code: 0 });
    const ready = await server().ok('wait_for_port', { id: run.id });
    expect(ready.outcome).toBe('ready');
    const { descendants, ports, status } = await server().snapshot(run.id);
    expect(status).toBe('completed');
    expect(ports).toEqual([ready.port]);
    expect(descendants).toHaveLength(1);
    await server().ok('kill_process', { id: run.id });
    expect(descendants?.[0]?.pid).toBeGone();
  });

  it('is cancelled without touching the process', async () => {
    const run = await server().run('sleep 300');
    const controller = new AbortController();
    const waiting = server().call('wait_for_port', { id: run.id, port: 1 }, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(waiting).rejects.toThrow();
    expect(await server().snapshot(run.id)).toMatchObject({ pid: run.pid, status: 'running' });
  });

  it('tells a server of its own that a request ends by its exit', async () => {
    const port = await freePort();
    const code = `require('http').createServer(() => { throw new Error('no database') }).listen(${port}, '127.0.0.1')`;
    const wait_for = { port, http_path: '/' };
    for (let round = 0; round < 5; round++) {
      const run = await server().ok('run_background', { language: 'javascript', code, wait_for });
      expect(run.wait).toMatchObject({ by: 'exit', outcome: 'exited', status: 'failed', exit_code: 1 });
      expect(run.wait?.tail).toContain('no database');
    }
  });

  it('ends with the process though a descendant leaves its request without an answer', async () => {
    const port = await freePort();
    const code = `require('net').createServer(() => {}).listen(${port}, '127.0.0.1')`;
    const run = await server().run(`node -e "${code}" & sleep 0.5; exit 3`);
    const answer = await server().ok('wait_for_port', { id: run.id, port, path: '/' });
    expect(answer).toMatchObject({ outcome: 'exited', exit_code: 3 });
    // The request by itself would be given 2 s.
    expect(answer.waited_ms).toBeLessThan(1900);
  });

  it('says in the call that starts what kept the port from being ready', async () => {
    const port = await freePort();
    const answer = await server().call('run_background', {
      command: 'node',
      args: [listenLate, '--port', `${port}`, '--host', '127.0.0.1', '--unready', '60000'],
      wait_for: { port, http_path: '/', timeout_ms: 1500 },
    });
    expect(answer.structured).toMatchObject({ wait: { by: 'timeout', port, last_probe: 'HTTP 503' } });
    expect(answer.text).toContain(`localhost:${port} not ready; last probe: HTTP 503`);
  });

  it('needs an id or a port', async () => {
    expect(await server().call('wait_for_port', {})).toBeRefused('INVALID_ARGUMENT', /id[\s\S]*port/);
  });
});
