import { Client } from '@modelcontextprotocol/client';
import { afterEach, describe, expect, it } from 'vitest';
import { isAlive } from '../helpers/alive.ts';
import { listen } from '../helpers/listen.ts';
import { RawServer } from '../helpers/raw-server.ts';
import { TestServer, useServer, type ClientKind } from '../helpers/start-server.ts';
import { until } from '../helpers/until.ts';

const TOOLS = [
  'run_background',
  'list_processes',
  'get_output',
  'wait_for_log',
  'wait_for_port',
  'wait_for_exit',
  'send_stdin',
  'kill_process',
  'restart_process',
  'remove_process',
];
const ERAS: ClientKind[] = ['2026', '2025', 'v1'];

let raw: RawServer | undefined;
afterEach(async () => {
  if (raw && isAlive(raw.pid)) {
    raw.child.stdin.end();
    await raw.ended;
  }
  raw = undefined;
});

describe('protocol revisions', () => {
  it.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])(
    'serves a client of %s',
    async (revision) => {
      raw = new RawServer();
      const { result } = await raw.initialize(revision);
      expect(result).toMatchObject({
        protocolVersion: revision,
        capabilities: { tools: { listChanged: false }, resources: { subscribe: true, listChanged: true } },
      });
      const instructions = String(result?.instructions);
      expect(instructions.length).toBeLessThan(2048);
      for (const tool of ['run_background', 'wait_for_', 'get_output', 'kill_process'])
        expect(instructions).toContain(tool);
      const { result: list } = await raw.request('tools/list');
      expect((list?.tools as { name: string }[]).map(({ name }) => name).sort()).toEqual([...TOOLS].sort());
      const { id, pid } = await raw.run('sleep 300');
      await raw.call('kill_process', { id });
      expect(isAlive(pid)).toBe(false);
      expect(raw.stray).toBe('');
    },
  );

  it('counter-offers a revision it knows to a client that asks for another', async () => {
    raw = new RawServer();
    const { result } = await raw.initialize('1999-01-01');
    expect(result?.protocolVersion).toMatch(/^202\d-/);
  });

  it('serves 2026-07-28 without a handshake', async () => {
    const server = await TestServer.start({ client: '2026' });
    const { client } = server;
    expect(client instanceof Client && client.getNegotiatedProtocolVersion()).toBe('2026-07-28');
    expect((await server.run('sleep 300')).status).toBe('running');
    await server.close();
  });

  it('lists its tools the same way every time, within the size a model should have to read', async () => {
    const lists: string[] = [];
    for (let start = 0; start < 2; start++) {
      raw = new RawServer();
      await raw.initialize();
      lists.push(JSON.stringify((await raw.request('tools/list')).result?.tools));
      lists.push(JSON.stringify((await raw.request('tools/list')).result?.tools));
      raw.child.stdin.end();
      await raw.ended;
    }
    expect(new Set(lists).size).toBe(1);
    const tools = JSON.parse(lists[0] ?? '[]') as Record<string, unknown>[];
    expect(Buffer.byteLength(lists[0] ?? '')).toBeLessThan(16_384);
    const inputs = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
    expect(Buffer.byteLength(JSON.stringify(inputs))).toBeLessThan(9216);
    expect(Object.fromEntries(tools.map(({ name, annotations }) => [name, annotations]))).toMatchObject({
      run_background: { openWorldHint: true },
      list_processes: { readOnlyHint: true },
      get_output: { readOnlyHint: true },
      wait_for_log: { readOnlyHint: true },
      wait_for_port: { readOnlyHint: true },
      wait_for_exit: { readOnlyHint: true },
      kill_process: { destructiveHint: true },
      remove_process: { destructiveHint: true },
      restart_process: { destructiveHint: true },
    });
    for (const { title } of tools) expect(title).toBeTypeOf('string');
    expect(tools.filter(({ outputSchema }) => outputSchema === undefined).map(({ name }) => name)).toEqual([
      'get_output',
    ]);
  });

  it('outlives lines that are no JSON-RPC', async () => {
    raw = new RawServer();
    await raw.initialize();
    const { id } = await raw.run('sleep 300');
    raw.child.stdin.write(
      'this is not JSON\n{"jsonrpc":"2.0"}\n[]\n\n{"jsonrpc":"2.0","id":"x","method":5}\n',
    );
    const { error } = await raw.request('no/such/method');
    expect(error?.code).toBe(-32601);
    const { result } = await raw.call('list_processes');
    expect(result?.structuredContent).toMatchObject({ processes: [{ id, status: 'running' }] });
  });
});

describe.each(ERAS)('a message that is too long, client %s', (client) => {
  const server = useServer({ client });

  it('is refused, and nothing else happens', async () => {
    const { id, pid } = await server().run('sleep 300');
    const sending = server().call('send_stdin', { id, text: 'x'.repeat(11_000_000) });
    await expect(sending).rejects.toThrow(/at most 10485760 bytes/);
    expect(await server().snapshot(id)).toMatchObject({ pid, status: 'running' });
  });
});

describe('progress and cancellation', () => {
  it('reports progress every few seconds and stops when cancelled, for clients of every era at once', async () => {
    await Promise.all(
      ERAS.map(async (client) => {
        const server = await TestServer.start({ client });
        const { id, pid } = await server.run('sleep 300');
        const controller = new AbortController();
        let heard = 0;
        const waiting = server.call(
          'wait_for_log',
          { id, pattern: 'never', timeout_ms: 20_000 },
          {
            signal: controller.signal,
            onprogress: () => {
              heard++;
              controller.abort();
            },
          },
        );
        await expect(waiting).rejects.toThrow();
        expect(heard).toBe(1);
        expect(await server.snapshot(id)).toMatchObject({ pid, status: 'running' });
        await server.close();
      }),
    );
  });
});

describe.each(ERAS)('resources, client %s', (client) => {
  const server = useServer({ client });

  async function textOf(uri: string): Promise<string> {
    const { contents } = await server().client.readResource({ uri });
    const [first] = contents;
    return first && 'text' in first ? first.text : '';
  }

  it('lists and reads status and output of each process', async () => {
    const { pid } = await server().run(`printf '\\033[31mred\\033[0m\\n'; sleep 300`, { name: 'web' });
    await server().ok('wait_for_log', { id: 'web', pattern: 'red' });
    const { resources } = await server().client.listResources();
    expect(resources.map(({ uri }) => uri).sort()).toEqual(['process://web', 'process://web/output']);
    const { resourceTemplates } = await server().client.listResourceTemplates();
    expect(resourceTemplates.map(({ uriTemplate }) => uriTemplate).sort()).toEqual([
      'process://{id}',
      'process://{id}/output',
    ]);
    expect(JSON.parse(await textOf('process://web'))).toMatchObject({ id: 'web', pid, status: 'running' });
    expect((await textOf('process://web/output')).trim()).toBe('red');
    await expect(server().client.readResource({ uri: 'process://nobody' })).rejects.toThrow(/nobody/);
    await expect(server().client.readResource({ uri: 'file:///etc/passwd' })).rejects.toThrow();
  });

  it('tells subscribers of output and of the end', async () => {
    await server().run('cat', { name: 'cat' });
    await server().run('cat', { name: 'other' });
    const heard = await listen(server().client, ['process://cat', 'process://cat/output']);
    await server().ok('send_stdin', { id: 'other', text: 'x' });
    await server().ok('send_stdin', { id: 'cat', text: 'hello' });
    await until('the output is told', () => heard.includes('process://cat/output'));
    const before = heard.length;
    await server().ok('send_stdin', { id: 'cat', eof: true });
    await until('the end is told', () => heard.slice(before).includes('process://cat'));
    expect(heard.filter((uri) => uri.includes('other'))).toEqual([]);
    expect(JSON.parse(await textOf('process://cat'))).toMatchObject({ status: 'completed', exit_code: 0 });
  });
});
