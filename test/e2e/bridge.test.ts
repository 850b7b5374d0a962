import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioClientTransport1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterEach, describe, expect, it } from 'vitest';
import { isAlive } from '../helpers/alive.ts';
import { SharedServer } from '../helpers/http-server.ts';
import { listen } from '../helpers/listen.ts';
import { RawServer } from '../helpers/raw-server.ts';
import { cli, CLIENTS, type Answers, type CallOptions } from '../helpers/start-server.ts';
import { until } from '../helpers/until.ts';

const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

function temporaryDirectory(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'proctor-bridge-')));
  ends.push(() => Promise.resolve(rmSync(path, { recursive: true })));
  return path;
}

async function startShared(stateDirectory: string, flags: readonly string[] = []): Promise<SharedServer> {
  const server = await SharedServer.start({ stateDirectory, flags });
  ends.push(() => (isAlive(server.pid) ? server.close() : Promise.resolve()));
  return server;
}

interface Bridge {
  client: Client | Client1;
  call: (
    tool: string,
    args?: Record<string, unknown>,
    options?: CallOptions,
  ) => Promise<{ isError: boolean; text: string; structured: unknown }>;
  ok: <T extends keyof Answers>(
    tool: T,
    args?: Record<string, unknown>,
    options?: CallOptions,
  ) => Promise<Answers[T]>;
  close: () => Promise<void>;
}

interface BridgeOptions {
  flags?: readonly string[];
  cwd?: string;
  env?: Readonly<Record<string, string>>;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function startBridge(
  kind: (typeof CLIENTS)[number],
  stateDirectory: string,
  { flags = [], cwd = process.cwd(), env = {} }: BridgeOptions = {},
): Promise<Bridge> {
  const parameters = {
    command: process.execPath,
    args: [cli, '--connect', ...flags],
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      PROCTOR_STATE_DIR: stateDirectory,
      ...env,
    },
    stderr: 'ignore' as const,
    cwd,
  };
  const information = { name: 'my-ide', version: '3.0' };
  let client: Client | Client1;
  if (kind === 'v1') {
    client = new Client1(information);
    await client.connect(new StdioClientTransport1(parameters));
  } else {
    client = new Client(information, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
    await client.connect(new StdioClientTransport(parameters));
  }
  const bridge: Bridge = {
    client,
    close: () => client.close(),
    call: async (tool, args = {}, options = {}) => {
      const parameters = { name: tool, arguments: args };
      const { content, structuredContent, isError } =
        client instanceof Client
          ? await client.callTool(parameters, options)
          : await client.callTool(parameters, undefined, options);
      const text = (content as { text?: string }[]).map((part) => part.text ?? '').join('\n');
      return { isError: isError === true, text, structured: structuredContent };
    },
    ok: async <T extends keyof Answers>(tool: T, args = {}, options = {}) => {
      const answer = await bridge.call(tool, args, options);
      expect(answer.isError, answer.text).toBe(false);
      return answer.structured as Answers[T];
    },
  };
  ends.push(() => bridge.close());
  return bridge;
}

describe.each(CLIENTS)('the bridge, for a client of %s', (kind) => {
  it('serves the tools and resources of the shared server', async () => {
    const state = temporaryDirectory();
    await startShared(state);
    const { client, ok } = await startBridge(kind, state);
    expect(client.getServerCapabilities()).toMatchObject({
      tools: { listChanged: false },
      resources: { subscribe: true, listChanged: true },
    });
    expect((await client.listTools()).tools).toHaveLength(10);
    await ok('run_background', { command: 'echo hello', name: 'greeting', wait_for: { exit: true } });
    expect((await client.listResources()).resources.map(({ uri }) => uri)).toContain(
      'process://greeting/output',
    );
    const { contents } = await client.readResource({ uri: 'process://greeting/output' });
    expect(JSON.stringify(contents)).toContain('hello');
    await expect(client.readResource({ uri: 'process://nobody' })).rejects.toThrow(/nobody/);
    const refused = await startBridge(kind, state);
    expect((await refused.call('kill_process', { id: 'nobody' })).text).toMatch(/^PROCESS_NOT_FOUND: /);
  });

  it('lets processes outlive it, and says which client started them', async () => {
    const state = temporaryDirectory();
    await startShared(state);
    const first = await startBridge(kind, state);
    const { pid } = await first.ok('run_background', { command: 'sleep 600', name: 'kept' });
    await first.close();
    const second = await startBridge(kind, state);
    const { processes } = await second.ok('list_processes');
    expect(processes).toMatchObject([{ id: 'kept', pid, status: 'running', client: 'my-ide 3.0' }]);
  });

  it('runs commands where the client started it', async () => {
    const state = temporaryDirectory();
    await startShared(state);
    const here = temporaryDirectory();
    const { ok } = await startBridge(kind, state, { cwd: here });
    expect((await ok('run_background', { command: 'pwd', wait_for: { exit: true } })).cwd).toBe(here);
    const relative = await ok('run_background', { command: 'pwd', cwd: '..', wait_for: { exit: true } });
    expect(relative.cwd).toBe(realpathSync(tmpdir()));
  });

  it('passes on cancellation and progress', async () => {
    const state = temporaryDirectory();
    const server = await startShared(state);
    const { ok, call } = await startBridge(kind, state);
    await ok('run_background', { command: 'sleep 600', name: 'silent' });
    const before = server.openFiles;
    const aborter = new AbortController();
    const progress: number[] = [];
    const wait = { id: 'silent', timeout_ms: 40_000 };
    const options = {
      signal: aborter.signal,
      onprogress: (told: { progress: number }) => progress.push(told.progress),
    };
    const failed = expect(call('wait_for_exit', wait, options)).rejects.toThrow();
    await until('progress is told', () => progress.length > 0, 8000);
    aborter.abort('enough');
    await failed;
    await until('the server gave the wait up', () => server.openFiles <= before);
    expect((await ok('list_processes')).processes[0]?.status).toBe('running');
  });

  it('tells subscribers of changes, those of a server that was started again elsewhere too', async () => {
    const state = temporaryDirectory();
    const shared = await startShared(state);
    const { client, ok } = await startBridge(kind, state);
    await ok('run_background', { command: 'cat', name: 'cat' });
    await ok('run_background', { command: 'cat', name: 'other' });
    // From 2026-07-28 on a listener names what it wants to hear of, whether it is there yet or not.
    if (!(client instanceof Client))
      await expect(client.subscribeResource({ uri: 'process://nobody' })).rejects.toThrow(/nobody/);
    const heard = await listen(client, ['process://cat', 'process://cat/output']);
    const said = (text: string) => async () => {
      await ok('send_stdin', { id: 'other', text });
      await ok('send_stdin', { id: 'cat', text });
      return heard.includes('process://cat/output');
    };
    await until('output is told', said('first'));
    expect(heard.filter((uri) => uri.includes('other'))).toEqual([]);
    await shared.close();

    await startShared(state);
    await ok('run_background', { command: 'cat', name: 'cat' });
    await ok('run_background', { command: 'cat', name: 'other' });
    heard.length = 0;
    await until('output is told again', said('second'));
  });

  it('says what to start where no server runs, and uses it once it does', async () => {
    const state = temporaryDirectory();
    const { client, call, ok } = await startBridge(kind, state);
    expect((await client.listTools()).tools).toHaveLength(10);
    const { isError, text } = await call('list_processes');
    expect(isError).toBe(true);
    expect(text).toMatch(/^SERVER_UNREACHABLE: .*proctor serve/);
    await startShared(state);
    expect((await ok('list_processes')).processes).toEqual([]);
  });

  it('goes on with a server that was started again elsewhere', async () => {
    const state = temporaryDirectory();
    const before = await startShared(state);
    const { call, ok } = await startBridge(kind, state);
    await ok('list_processes');
    await before.close();
    expect((await call('list_processes')).text).toMatch(/^SERVER_UNREACHABLE: /);
    await startShared(state);
    expect((await ok('list_processes')).processes).toEqual([]);
  });
});

describe('the bridge', () => {
  it('starts the shared server where it was asked to, once, and leaves it running', async () => {
    const state = temporaryDirectory();
    const options = { flags: ['--spawn'], env: { PROCTOR_PORT: String(await freePort()) } };
    const [first, second] = await Promise.all([
      startBridge('2026', state, options),
      startBridge('v1', state, options),
    ]);
    await Promise.all([first.ok('list_processes'), second.ok('list_processes')]);
    await first.ok('run_background', { command: 'sleep 600', name: 'kept' });
    const { pid } = JSON.parse(readFileSync(join(state, 'server.json'), 'utf8')) as { pid: number };
    await first.close();
    expect((await second.ok('list_processes')).processes).toMatchObject([{ id: 'kept' }]);
    await second.close();
    expect(isAlive(pid)).toBe(true);
    process.kill(pid, 'SIGTERM');
    await until('it has ended', () => !isAlive(pid), 8000);
    expect(existsSync(join(state, 'server.json'))).toBe(false);
  });

  it('sends the token of the state directory to no other server', async () => {
    const [mine, other] = [temporaryDirectory(), temporaryDirectory()];
    await startShared(mine);
    const stranger = await startShared(other, ['--log-level', 'debug']);
    const { call } = await startBridge('2026', mine, { flags: [stranger.url] });
    expect((await call('list_processes')).text).toMatch(/^SERVER_UNREACHABLE: .*refuses the token/);
  });

  it('ends with its client, also where the server takes connections and never answers', async () => {
    const silent = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    ends.push(() => new Promise((resolve) => silent.close(() => resolve())));
    const { port } = silent.address() as AddressInfo;
    const connected = new Promise((resolve) => silent.once('connection', resolve));
    const flags = ['--connect', `http://127.0.0.1:${port}`];
    const bridge = new RawServer({ flags, env: { PROCTOR_STATE_DIR: temporaryDirectory() } });
    ends.push(() => Promise.resolve(void bridge.child.kill('SIGKILL')));
    await bridge.initialize();
    void bridge.call('list_processes');
    await connected;
    bridge.child.stdin.end();
    await until('the bridge has ended', () => !isAlive(bridge.pid));
    expect(await bridge.ended).toEqual({ code: 0, signal: null });
  });
});
