import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { probePort } from '../../src/platform/tcp-probe.ts';
import { endAll, start } from './support.ts';

const servers: Server[] = [];
const sockets = new Set<Socket>();
const signal = new AbortController().signal;
const http = { path: '/', status: [200, 399], limitMs: 2000 } as const;

afterEach(async () => {
  // A probe leaves no connection behind: closing would wait for it.
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  sockets.clear();
  await endAll();
});

async function serve(server: Server, host = '127.0.0.1'): Promise<number> {
  servers.push(server);
  server.on('connection', (socket: Socket) => sockets.add(socket.resume()));
  await new Promise<void>((resolve) => server.listen({ host, port: 0, ipv6Only: host === '::1' }, resolve));
  return (server.address() as AddressInfo).port;
}

const serveHttp = (listener: RequestListener, host?: string): Promise<number> =>
  serve(createHttpServer(listener), host);

describe('tcp', () => {
  it.each(['127.0.0.1', '::1'])('finds a listener on %s alone', async (host) => {
    const port = await serve(createServer(), host);
    expect(await probePort({ host: 'localhost', port }, signal)).toEqual({ open: true, host });
  });

  it('finds a dual-stack listener, which the kernel lists for IPv6 only', async () => {
    const port = await serve(createServer(), '::');
    for (const host of ['127.0.0.1', '::1']) {
      expect(await probePort({ host, port }, signal)).toEqual({ open: true, host });
    }
  });

  it('tells a closed port', async () => {
    const port = await serve(createServer());
    await new Promise((resolve) => servers.pop()?.close(resolve));
    expect(await probePort({ host: 'localhost', port }, signal)).toEqual({
      open: false,
      reason: 'connection refused',
      accepted: false,
    });
  });
});

describe('http', () => {
  it('asks for a path as a browser does, whatever characters it has', async () => {
    const asked: string[] = [];
    const port = await serveHttp((request, response) => {
      asked.push(request.url ?? '');
      response.end();
    });
    for (const path of ['/日本?q=é', '/a\u0001b', '/%41#here', '//twice', '/\ud800', '/[x]?a[]=1&b=c%20d']) {
      const target = { host: '127.0.0.1', port, http: { ...http, path } };
      expect(await probePort(target, signal)).toMatchObject({ open: true });
    }
    expect(asked).toEqual([
      '/%E6%97%A5%E6%9C%AC?q=%C3%A9',
      '/a%01b',
      '/%41',
      '//twice',
      '/%EF%BF%BD',
      '/[x]?a[]=1&b=c%20d',
    ]);
  });

  it('waits out a server that is not ready', async () => {
    const { seen } = await start('exec ./listen-late.mjs --unready 300');
    const port = Number((await seen(/listening on (\d+)/))[1]);
    const look = () => probePort({ host: 'localhost', port, http }, signal);
    expect(await look()).toEqual({ open: false, reason: 'HTTP 503', accepted: true, host: '127.0.0.1' });
    await expect.poll(look).toMatchObject({ open: true, httpStatus: 200 });
  });

  it('asks for the path under the name it was given, and follows no redirect', async () => {
    const requests: unknown[] = [];
    const port = await serveHttp((request, response) => {
      requests.push([request.method, request.url, request.headers.host]);
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    const look = probePort({ host: 'localhost', port, http: { ...http, path: '/health?x=1' } }, signal);
    expect(await look).toEqual({ open: true, host: '127.0.0.1', httpStatus: 302 });
    expect(requests).toEqual([['GET', '/health?x=1', `localhost:${port}`]]);
  });

  it('does not read an endless body', async () => {
    const port = await serveHttp((_, response) => {
      const more = (): void => {
        if (!response.destroyed) response.write('x'.repeat(65_536), more);
      };
      more();
    }, '::1');
    expect(await probePort({ host: 'localhost', port, http }, signal)).toMatchObject({
      open: true,
      host: '::1',
    });
  });

  it('judges by the range of status codes', async () => {
    const port = await serveHttp((_, response) => response.writeHead(404).end());
    const range = (low: number, high: number) =>
      probePort({ host: '127.0.0.1', port, http: { ...http, status: [low, high] } }, signal);
    expect(await range(404, 404)).toMatchObject({ open: true });
    expect(await range(200, 403)).toEqual({
      open: false,
      reason: 'HTTP 404',
      accepted: true,
      host: '127.0.0.1',
    });
  });

  it('gives up on a server that takes the connection and says nothing', async () => {
    const port = await serve(createServer());
    const begun = performance.now();
    expect(await probePort({ host: 'localhost', port, http }, signal)).toEqual({
      open: false,
      reason: 'no answer in 2 s',
      accepted: true,
      host: '127.0.0.1',
    });
    expect(performance.now() - begun).toBeLessThan(3500);
  });

  it('tells a server that speaks no HTTP', async () => {
    const port = await serve(createServer((socket) => socket.end('SSH-2.0-OpenSSH_9\r\n')));
    const result = await probePort({ host: '127.0.0.1', port, http }, signal);
    expect(result).toMatchObject({
      open: false,
      accepted: true,
      reason: expect.stringContaining('no HTTP answer'),
    });
  });
});

describe('abort', () => {
  it('ends a look at once, with the reason of the signal', async () => {
    const port = await serve(createServer());
    const reason = new Error('enough');
    const abort = new AbortController();
    const look = probePort({ host: 'localhost', port, http }, abort.signal);
    await expect.poll(() => sockets.size).toBe(1);
    const begun = performance.now();
    abort.abort(reason);
    await expect(look).rejects.toBe(reason);
    expect(performance.now() - begun).toBeLessThan(200);
    await expect(probePort({ host: 'localhost', port }, abort.signal)).rejects.toBe(reason);
  });
});
