import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { portsOf } from '../../../src/core/listeners.ts';
import { listeningSockets, parseListening } from '../../../src/platform/proc/listening-socket.ts';
import { listenersOf, portOwner } from '../../../src/platform/proc/port-owner.ts';
import { lsofPortOwner } from '../../../src/platform/group/portable-tree.ts';
import { endAll, start } from '../support.ts';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  await endAll();
});

async function listen(host: string, ipv6Only = false): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen({ host, port: 0, ipv6Only }, resolve));
  const { port }: AddressInfo = server.address() as AddressInfo;
  return port;
}

describe('listening sockets', () => {
  it('are told from connections', () => {
    const table = [
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode',
      '   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 812 1 0 100 0 0 10 0',
      '   1: 0100007F:1F91 0100007F:A0A0 01 00000000:00000000 00:00000000 00000000     0        0 813 1 0 20 4 30 10 -1',
    ];
    expect(parseListening(table.join('\n'))).toEqual([{ port: 8080, address: '127.0.0.1', inode: 812 }]);
    expect(parseListening('')).toEqual([]);
  });

  it.each([
    ['127.0.0.1', false],
    ['::1', true],
    ['::', false],
  ])('are seen on %s', async (host, ipv6Only) => {
    const port = await listen(host, ipv6Only);
    expect(listeningSockets().map((socket) => socket.port)).toContain(port);
    expect(portsOf(await listenersOf([process.pid]))).toContain(port);
    expect(await portOwner(port, host)).toMatchObject({ pid: process.pid });
    expect(await portOwner(port, ipv6Only ? '127.0.0.1' : '127.0.0.2')).toEqual(
      host === '::' ? expect.objectContaining({ pid: process.pid }) : undefined,
    );
  });
});

describe('the owner of a port', () => {
  it('is the process that opened it, not a worker that inherited the socket', async () => {
    const script = [
      'import os, socket, time',
      's = socket.create_server(("127.0.0.1", 0))',
      's.set_inheritable(True)',
      'child = os.fork()',
      'if child: print("port", s.getsockname()[1], flush=True)',
      'time.sleep(60)',
    ].join('\n');
    const { handle, seen } = await start({ kind: 'code', language: 'python', source: script });
    const port = Number((await seen(/port (\d+)/))[1]);
    expect(await portOwner(port, '127.0.0.1')).toMatchObject({
      pid: handle.pid,
      command: expect.stringContaining('python'),
    });
    expect(await handle.listeners().then(portsOf)).toEqual([port]);
    expect(await lsofPortOwner(port)).toMatchObject({ command: expect.stringContaining('python') });
  });

  it('is nobody for a port that is closed', async () => {
    const port = await listen('127.0.0.1');
    await new Promise((resolve) => servers.pop()?.close(resolve));
    expect(await portOwner(port, '127.0.0.1')).toBeUndefined();
    expect(await lsofPortOwner(port)).toBeUndefined();
    expect(portsOf(await listenersOf([process.pid]))).not.toContain(port);
  });

  it('is found by lsof where there is no /proc', async () => {
    const { handle, seen } = await start('exec ./listen-late.mjs', { procFs: false });
    const port = Number((await seen(/listening on (\d+)/))[1]);
    expect(await handle.listeners().then(portsOf)).toEqual([port]);
    expect(await lsofPortOwner(port)).toMatchObject({ pid: handle.pid });
  });
});
