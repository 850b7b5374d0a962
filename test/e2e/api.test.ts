import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readEvents } from '../../src/client/event-stream.ts';
import { ConnectionError, HttpClient } from '../../src/client/http-client.ts';
import { RemoteService } from '../../src/client/remote-service.ts';
import type { ServiceEvent } from '../../src/core/types.ts';
import { isAlive } from '../helpers/alive.ts';
import { SharedServer } from '../helpers/http-server.ts';
import { until } from '../helpers/until.ts';

let server: SharedServer;
let remote: RemoteService;
beforeAll(async () => {
  server = await SharedServer.start();
  remote = new RemoteService(new HttpClient({ url: server.url, token: server.token }, 'e2e 1'));
});
afterAll(async () => {
  await server.close();
});

/** Each byte of this output is known by its offset: line n is 15 digits and a newline. */
const numbered = (lines: number) => `awk 'BEGIN { for (n = 0; n < ${lines}; n++) printf "%015d\\n", n }'`;

function expectNumbered(from: number, bytes: Buffer): void {
  const first = Math.floor(from / 16);
  const lines = Math.ceil((from + bytes.length) / 16) - first;
  const whole = Array.from({ length: lines }, (_, i) => `${String(first + i).padStart(15, '0')}\n`).join('');
  const start = from - first * 16;
  if (whole.slice(start, start + bytes.length) !== bytes.toString())
    throw new Error(`wrong bytes at ${from}`);
}

interface OutputData {
  from: number;
  to: number;
  bytes: string;
}

function openStream(id: string, lastEventId: string | undefined, signal: AbortSignal) {
  return fetch(`${server.url}/v1/processes/${id}/output`, {
    headers: {
      authorization: `Bearer ${server.token}`,
      accept: 'text/event-stream',
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    },
    signal,
  });
}

describe('output as it comes', () => {
  it('brings every byte of a flood exactly once, however often the connection breaks', async () => {
    const lines = 1_000_000;
    const { process } = await remote.run({ command: numbered(lines) });
    let cursor = 0;
    let lost = 0;
    let connections = 0;
    let last: string | undefined;
    let exited = false;
    while (!exited) {
      const stop = new AbortController();
      connections++;
      const response = await openStream(process.id, last, stop.signal);
      let room = 400_000 + Math.floor(Math.random() * 800_000);
      for await (const { event, id, data } of readEvents(response.body!)) {
        const { from, to, bytes } = data as OutputData;
        last = id;
        if (event === 'gap') {
          expect(from).toBe(cursor);
          lost += to - from;
          cursor = to;
        } else if (event === 'output') {
          const piece = Buffer.from(bytes, 'base64');
          expect(from).toBe(cursor);
          expectNumbered(from, piece);
          cursor += piece.length;
          room -= piece.length;
          expect(id).toBe(String(cursor));
        } else if (event === 'exit') exited = true;
        if (exited || room < 0) break;
      }
      stop.abort();
    }
    expect(cursor).toBe(lines * 16);
    expect(connections).toBeGreaterThan(2);
    // A reader that keeps up loses little or nothing; what it loses it was told of.
    expect(lost).toBeLessThan(cursor);
  });

  it('costs no memory for a reader that does not read', async () => {
    const before = server.memory;
    const stop = new AbortController();
    const readers = await Promise.all(
      Array.from({ length: 5 }, async (_, i) => {
        const name = `slow-${i}`;
        await remote.run({ command: 'sleep 0.3; head -c 60000000 /dev/zero', name });
        return readEvents((await openStream(name, undefined, stop.signal)).body!);
      }),
    );
    const ids = readers.map((_, i) => `slow-${i}`);
    const { outcome } = await remote.waitForExit({ ids, timeoutMs: 20_000 });
    expect(outcome).toBe('exited');
    // Five rings of 4 MiB, what is under way to five sockets, and room for the collector.
    expect(server.memory - before).toBeLessThan(120_000_000);
    for (const events of readers) {
      let seen = 0;
      for await (const { event, data } of events) {
        if (event === 'output') seen += Buffer.from((data as OutputData).bytes, 'base64').length;
        if (event === 'gap') seen += (data as { bytes: number }).bytes;
        if (event === 'exit') break;
      }
      expect(seen).toBe(60_000_000);
    }
    stop.abort();
  });
});

/** A way to the server that breaks whenever the test wants. */
async function startBrittleProxy() {
  const sockets = new Set<Socket>();
  const proxy = createServer((inward) => {
    const outward = connect(server.port, '127.0.0.1');
    for (const socket of [inward, outward]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    inward.pipe(outward).pipe(inward);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    cut,
    close: () => {
      cut();
      proxy.close();
    },
  };
}

describe('the service of a running server', () => {
  it('starts, waits, reads, talks, restarts, ends and forgets', async () => {
    const started = await remote.run({ command: 'cat', name: 'talk', env: { A_B: 'x' } });
    expect(started.process).toMatchObject({
      id: 'talk',
      run: 1,
      status: 'running',
      live: true,
      client: 'e2e 1',
    });
    const sent = await remote.send('talk', { text: 'hello', waitFor: { log: 'hello' } });
    expect(sent).toMatchObject({
      acceptedBytes: 6,
      reply: { outcome: 'matched', page: { text: 'hello\n' } },
    });
    const matched = await remote.waitForLog('talk', { pattern: 'h(?P<rest>.*)' });
    expect(matched).toMatchObject({ outcome: 'matched', line: 'hello', named: { rest: 'ello' } });
    expect(await remote.read('talk', { tail: 1 })).toMatchObject({ text: 'hello\n', next: 6, end: 6 });
    expect(await remote.restart('talk')).toMatchObject({ process: { run: 2 } });
    const pid = (await remote.list({ ids: ['talk'] })).processes[0]!.pid!;
    const { processes } = await remote.kill({ ids: ['talk'] });
    expect(processes).toMatchObject([
      {
        id: 'talk',
        status: 'killed',
        exit: { signal: 'SIGTERM', code: null, cause: 'kill_process' },
        survivors: [],
      },
    ]);
    expect(isAlive(pid)).toBe(false);
    expect(await remote.waitForExit({ ids: ['talk'] })).toMatchObject({ outcome: 'exited' });
    expect(await remote.remove({ ids: ['talk'] })).toEqual(['talk']);
  });

  it('tells which port a process has opened', async () => {
    const code = 'require("net").createServer().listen(0, "127.0.0.1")';
    const { process, wait } = await remote.run({
      command: 'node',
      args: ['-e', code],
      waitFor: { port: true },
    });
    expect(wait).toMatchObject({ by: 'port', outcome: 'ready' });
    const again = await remote.waitForPort({ id: process.id });
    expect(again).toMatchObject({ outcome: 'ready', port: wait?.by === 'port' ? wait.port : -1 });
    await remote.kill({ ids: [process.id] });
  });

  it('rejects as the service there does', async () => {
    await expect(remote.read('nobody')).rejects.toMatchObject({
      code: 'PROCESS_NOT_FOUND',
      message: expect.stringContaining('"nobody"') as string,
      hint: expect.stringContaining('Ids that exist') as string,
    });
    await expect(remote.openOutput('nobody')).rejects.toMatchObject({ code: 'PROCESS_NOT_FOUND' });
    await expect(remote.waitForLog('nobody', { pattern: '(' })).rejects.toMatchObject({
      name: 'ProcessError',
    });
  });

  it('says so when no server answers, or the one there lets nobody in', async () => {
    const nobody = new RemoteService(new HttpClient({ url: 'http://127.0.0.1:9' }, 'e2e'));
    await expect(nobody.list()).rejects.toThrow(ConnectionError);
    const stranger = new RemoteService(new HttpClient({ url: server.url, token: 'x'.repeat(20) }, 'e2e'));
    await expect(stranger.list()).rejects.toMatchObject({ kind: 'refused' });
  });

  it('takes up a broken stream of output where it broke', async () => {
    const proxy = await startBrittleProxy();
    const behind = new RemoteService(new HttpClient({ url: proxy.url, token: server.token }, 'e2e'));
    const command = 'for i in 0 1 2 3 4 5 6 7 8 9; do printf "%015d\\n" $i; sleep 0.1; done';
    const { process } = await remote.run({ command });
    let cursor = 0;
    for await (const event of await behind.openOutput(process.id)) {
      if (event.type === 'output') {
        expect(event.from).toBe(cursor);
        expectNumbered(cursor, Buffer.from(event.bytes));
        cursor += event.bytes.length;
        if (cursor === 48 || cursor === 96) proxy.cut();
      }
      if (event.type === 'exit') break;
    }
    expect(cursor).toBe(160);
    proxy.close();
  });

  it('ends an open output when its record is removed', async () => {
    const { process } = await remote.run({ command: 'sleep 0.2; echo bye', autoCleanup: true });
    const seen: string[] = [];
    for await (const event of await remote.openOutput(process.id)) seen.push(event.type);
    expect(seen).toEqual(['run', 'output', 'exit']);
  });

  it('tells what happens to processes', async () => {
    const seen: ServiceEvent[] = [];
    const unsubscribe = remote.subscribe((event) => seen.push(event));
    // A subscription takes a moment to reach the server.
    await until('it is heard', async () => {
      await remote.run({ command: 'true', name: 'heard', ifRunning: 'replace' });
      return seen.some(({ type }) => type === 'exited');
    });
    await remote.run({ command: 'echo x; exit 3', name: 'told' });
    await until('the end is told', () => seen.some(({ type, id }) => type === 'exited' && id === 'told'));
    const types = seen.filter(({ id }) => id === 'told').map(({ type }) => type);
    expect(types.filter((type) => type !== 'output')).toEqual(['started', 'exited']);
    expect(types).toContain('output');
    unsubscribe();
  });
});
