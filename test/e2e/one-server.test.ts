import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { command, type Finished } from '../helpers/command.ts';
import { SharedServer } from '../helpers/http-server.ts';
import { RawServer } from '../helpers/raw-server.ts';
import { until } from '../helpers/until.ts';

const TOKEN = 'a-token-of-the-test';

let state: string;
const ends: (() => Promise<void>)[] = [];

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'proctor-one-'));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  rmSync(state, { recursive: true });
});

async function startShared(flags: readonly string[] = []): Promise<SharedServer> {
  const server = await SharedServer.start({ stateDirectory: state, flags });
  ends.push(() => server.close());
  return server;
}

async function run(server: SharedServer, name: string): Promise<void> {
  const client = await server.connect();
  await client.ok('run_background', { command: 'sleep 600', name });
  await client.close();
}

/** A bridge that may start a server, which ends with the test. */
function startBridge(flags: readonly string[] = []): RawServer {
  const bridge = new RawServer({
    flags: ['--connect', '--spawn', ...flags],
    env: { PROCTOR_STATE_DIR: state, PROCTOR_PORT: '0' },
  });
  ends.push(async () => {
    bridge.child.stdin.end();
    await bridge.ended;
    for (const pid of serversOf(bridge)) process.kill(pid, 'SIGTERM');
    await until('what was started has ended', () => bridge.leftovers().length === 0, 8000);
  });
  return bridge;
}

/** The servers it started, without the processes that they supervise. */
function serversOf(bridge: RawServer): number[] {
  return bridge.leftovers().filter((pid) => commandLineOf(pid).includes('\0serve\0'));
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}

async function textOf(bridge: RawServer, tool: string): Promise<string> {
  const { result } = await bridge.call(tool);
  return JSON.stringify(result);
}

function proctor(...args: string[]): Promise<Finished> {
  return command(args, { env: { PROCTOR_STATE_DIR: state } });
}

function published(): { url: string; pid: number } {
  return JSON.parse(readFileSync(join(state, 'server.json'), 'utf8')) as { url: string; pid: number };
}

/** What a server that was killed has left, whose pid another process has now. */
function leaveStale(url: string): void {
  const [version, startedAt] = ['0.1.0', new Date().toISOString()];
  const stale = { url, pid: process.pid, startTicks: 1, version, startedAt, token: 'file' };
  writeFileSync(join(state, 'server.json'), JSON.stringify(stale));
  writeFileSync(join(state, 'token'), `${TOKEN}\n`, { mode: 0o600 });
}

describe('a second server', () => {
  it('in the same state directory is the one that is found, until it ends', async () => {
    const first = await startShared();
    await run(first, 'first');
    const second = await startShared();
    await run(second, 'second');
    const third = await startShared();
    expect(await proctor('ps', '-q')).toMatchObject({ status: 0, stdout: '' });
    await second.close();
    await third.close();
    expect(published()).toMatchObject({ url: first.url, pid: first.pid });
    expect(await proctor('ps', '-q')).toMatchObject({ status: 0, stdout: 'first\n' });
  });

  it('does not hide the first for good where it is killed', async () => {
    const first = await startShared();
    const second = await startShared();
    second.child.kill('SIGKILL');
    await until('it is gone', () => second.child.signalCode !== null);
    await run(first, 'first');
    expect(await proctor('ps', '-q')).toMatchObject({ status: 0, stdout: 'first\n' });
  });

  it('does not start where it is asked not to', async () => {
    const first = await startShared();
    const { status, stderr } = await proctor('serve', '--unless-running', '--port', '0');
    expect(status).toBe(1);
    expect(stderr).toContain(`${first.url} (pid ${first.pid})`);
    expect(published()).toMatchObject({ url: first.url, pid: first.pid });
  });

  it('does not even where it is started at the same moment', async () => {
    const env = { PROCTOR_STATE_DIR: state, PROCTOR_PORT: '0' };
    const servers = [0, 1, 2].map(() => new RawServer({ flags: ['serve', '--unless-running'], env }));
    for (const { child, ended } of servers)
      ends.push(async () => {
        child.kill('SIGTERM');
        await ended;
      });
    const running = (): RawServer[] => servers.filter(({ child }) => child.exitCode === null);
    await until('two have ended', () => running().length === 1, 15_000);
    expect(running().map(({ pid }) => pid)).toEqual([published().pid]);
  });

  it('on the same port is told who has it', async () => {
    const first = await startShared();
    const other = mkdtempSync(join(tmpdir(), 'proctor-other-'));
    ends.push(() => Promise.resolve(rmSync(other, { recursive: true })));
    const refused = await proctor('serve', '--port', String(first.port), '--state-dir', other);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/is taken by a Proctor server .*--port/);

    const stranger = createServer((_, response) => response.end('hello'));
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    ends.push(() => new Promise((resolve) => stranger.close(() => resolve())));
    const { port } = stranger.address() as AddressInfo;
    const alsoRefused = await proctor('serve', '--port', String(port), '--state-dir', other);
    expect(alsoRefused.stderr).toMatch(/is taken by another program\. /);
  });
});

describe('a server that was killed', () => {
  it('is taken for none: one is started where that was asked for', async () => {
    leaveStale('http://127.0.0.1:9');
    const bridge = startBridge();
    await bridge.initialize();
    expect(await textOf(bridge, 'list_processes')).toContain('"processes":[]');
    expect(published().url).not.toBe('http://127.0.0.1:9');
  });

  it('leaves its token to nobody who holds its port now', async () => {
    const heard: IncomingHttpHeaders[] = [];
    const stranger = createServer(({ headers }, response) => {
      heard.push(headers);
      response.end('{}');
    });
    await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
    ends.push(() => new Promise((resolve) => stranger.close(() => resolve())));
    leaveStale(`http://127.0.0.1:${(stranger.address() as AddressInfo).port}`);
    expect(await proctor('ps')).toMatchObject({ status: 69 });
    expect(heard).toEqual([]);
  });
});

describe('bridges that may start a server', () => {
  it('end up at one, when they start at once', async () => {
    const bridges = [startBridge(), startBridge(), startBridge()];
    await Promise.all(bridges.map((bridge) => bridge.initialize()));
    const [first, ...others] = bridges;
    await Promise.all(bridges.map((bridge) => textOf(bridge, 'list_processes')));
    await first?.run('sleep 600', { name: 'shared' });
    for (const bridge of others) expect(await textOf(bridge, 'list_processes')).toContain('"id":"shared"');
    await until('one server is left', () => bridges.flatMap(serversOf).length === 1);
  });

  it('hand their token to the server they start, where no other user can see it', async () => {
    const bridge = startBridge(['--token', TOKEN]);
    await bridge.initialize();
    expect(await textOf(bridge, 'list_processes')).toContain('"processes":[]');
    expect(commandLineOf(published().pid)).not.toContain(TOKEN);
  });

  it('say where to look when it does not start', async () => {
    writeFileSync(join(state, 'token'), 'readable-by-everybody\n', { mode: 0o644 });
    const bridge = startBridge();
    await bridge.initialize();
    expect(await textOf(bridge, 'list_processes')).toMatch(/SERVER_UNREACHABLE: .*server\.log/);
    expect(readFileSync(join(state, 'server.log'), 'utf8')).toContain('can be read by others');
  });
});
