import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { acceptsFor } from '../../../src/core/listeners.ts';
import { listeningSockets, type ListeningSocket } from '../../../src/platform/proc/listening-socket.ts';
import { portOwner } from '../../../src/platform/proc/port-owner.ts';
import { ProcessTable } from '../../../src/platform/proc/process-table.ts';
import { ShimHandle } from '../../../src/platform/shim/shim-handle.ts';
import { ListeningQuestions } from '../../../src/platform/shim/shim-listening.ts';
import { buildSanitizedShim, shim, start } from './shim-support.ts';
import { endAll, FIXTURES, type Started } from '../support.ts';

const directory = mkdtempSync(join(tmpdir(), 'proctor-listening-'));
const servers: Server[] = [];
let sanitized: string | undefined;

beforeAll(() => {
  sanitized = buildSanitizedShim(directory);
}, 60_000);
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  await endAll();
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

async function listen(host: string, ipv6Only = false): Promise<number> {
  const server = createServer();
  servers.push(server);
  await new Promise<void>((resolve) => server.listen({ host, port: 0, ipv6Only }, resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : expect.fail('no port');
}

function supervisor({ handle }: Pick<Started, 'handle'>): ShimHandle {
  return handle instanceof ShimHandle ? handle : expect.fail('no supervisor');
}

/** On a busy machine the time for an answer can pass. */
async function ask(handle: ShimHandle): Promise<readonly ListeningSocket[]> {
  for (let attempt = 0; attempt < 20; attempt++) {
    const answer = await handle.listeningSockets();
    if (answer !== undefined) return answer;
  }
  return expect.fail('no answer');
}

function withInode({ inode }: { inode: number }, sockets: readonly ListeningSocket[]): ListeningSocket[] {
  return sockets.filter((socket) => socket.inode === inode);
}

describe('the supervisor tells who listens', () => {
  it.each([
    ['127.0.0.1', false, true, false],
    ['0.0.0.0', false, true, false],
    ['::1', false, false, true],
    ['::', false, true, true],
    ['::', true, false, true],
  ])('on %s (ipv6Only %s), another process: IPv4 %s, IPv6 %s', async (host, ipv6Only, overIpv4, overIpv6) => {
    const port = await listen(host, ipv6Only);
    const handle = supervisor(await start('/bin/sleep', ['60']));
    const [socket, ...others] = (await ask(handle)).filter((each) => each.port === port);
    expect(others).toEqual([]);
    expect(socket).toMatchObject({ address: host });
    expect(socket && acceptsFor(socket, '127.0.0.1')).toBe(overIpv4);
    expect(socket && acceptsFor(socket, '::1')).toBe(overIpv6);
    const owner = await portOwner(port, '127.0.0.1', () => ask(handle));
    expect(owner?.pid).toBe(overIpv4 ? process.pid : undefined);
  });

  it('where the tree itself listens', async () => {
    const { handle, seen } = await start(process.execPath, [join(FIXTURES, 'listen-late.mjs')]);
    const port = Number((await seen(/listening on (\d+)/))[1]);
    expect(await handle.listeners()).toContainEqual(expect.objectContaining({ port }));
  });

  it('as /proc does, however many they are', async () => {
    // A datagram of the kernel holds some hundred.
    const ports: number[] = [];
    for (let i = 0; i < 400; i++) ports.push(await listen(i % 2 === 0 ? '127.0.0.1' : '::1'));
    const programs = [shim, ...(sanitized === undefined ? [] : [sanitized])];
    for (const program of programs) {
      const handle = supervisor(await start('/bin/sleep', ['60'], { shim: program }));
      const told = await ask(handle);
      const ours = listeningSockets().filter(({ port }) => ports.includes(port));
      expect(ours.length).toBeGreaterThanOrEqual(ports.length);
      for (const socket of ours) {
        // /proc does not tell who refuses IPv4.
        expect(withInode(socket, told)).toEqual([expect.objectContaining(socket)]);
      }
    }
  });

  it('to each who asks at the same time, and when it was stopped', async () => {
    const port = await listen('127.0.0.1');
    const handle = supervisor(await start('/bin/sleep', ['60']));
    const stat = execFileSync('cat', [`/proc/${handle.pid}/stat`], { encoding: 'utf8' });
    process.kill(Number(stat.split(' ')[3]), 'SIGSTOP');
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(handle)));
    for (const answer of answers) expect(answer.filter((socket) => socket.port === port)).toHaveLength(1);
  });

  it('not once it is gone', async () => {
    const handle = supervisor(await start('/bin/true'));
    await handle.empty;
    expect(await handle.listeningSockets()).toBeUndefined();
  });

  it('not where netlink is denied: /proc serves then', async () => {
    const denied = join(directory, 'denied-shim');
    execFileSync('cc', ['-o', denied, `-DPROGRAM="${shim}"`, join(FIXTURES, 'deny-netlink.c')]);
    const { handle, seen } = await start(process.execPath, [join(FIXTURES, 'listen-late.mjs')], {
      shim: denied,
    });
    const port = Number((await seen(/listening on (\d+)/))[1]);
    expect(await supervisor({ handle }).listeningSockets()).toBeUndefined();
    expect(await handle.listeners()).toContainEqual(expect.objectContaining({ port }));
  });
});

describe('the table of sockets', () => {
  it('asks once for all that look in the same turn, and again in the next', async () => {
    const table = new ProcessTable();
    let asked = 0;
    let leave: (value: undefined) => void = () => undefined;
    const gone = new Promise((resolve) => {
      leave = resolve;
    });
    table.addSource(() => {
      asked++;
      return Promise.resolve([{ port: 1, address: '::', inode: 2 }]);
    }, gone);
    const looks = await Promise.all([table.listening(), table.listening()]);
    expect(looks[0]).toBe(looks[1]);
    expect(asked).toBe(1);
    await new Promise((resolve) => setImmediate(resolve));
    await table.listening();
    expect(asked).toBe(2);
    leave(undefined);
    await new Promise((resolve) => setImmediate(resolve));
    const port = await listen('127.0.0.1');
    expect((await table.listening()).map((socket) => socket.port)).toContain(port);
    expect(asked).toBe(2);
  });
});

describe('questions to a supervisor', () => {
  const socket = { port: 1, address: '::', inode: 2 };

  it('are answered in turn, though one was not answered in time', async () => {
    let sent = 0;
    const questions = new ListeningQuestions(() => sent++);
    expect(await questions.ask()).toBeUndefined();
    const second = questions.ask();
    questions.take([{ ...socket, inode: 3 }]);
    questions.answered(0);
    questions.take([socket]);
    questions.answered(0);
    expect(await second).toEqual([socket]);
    expect(sent).toBe(2);
  });

  it('have no answer after an errno, or when it goes', async () => {
    const questions = new ListeningQuestions(() => undefined);
    const [refused, open] = [questions.ask(), questions.ask()];
    questions.take([socket]);
    questions.answered(13);
    questions.close();
    expect(await Promise.all([refused, open, questions.ask()])).toEqual([undefined, undefined, undefined]);
    questions.answered(0);
  });
});
