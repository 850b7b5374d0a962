import { request as httpRequest, Agent } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SharedServer } from '../helpers/http-server.ts';
import { until } from '../helpers/until.ts';

const CLIENTS = 50;
const PROCESSES_EACH = 4;
const CALLS_EACH = 200;
const MEGABYTE = 1024 * 1024;

let server: SharedServer;

beforeAll(async () => {
  server = await SharedServer.start({ flags: ['--max-processes', '250', '--keep-ended', '250'] });
});
afterAll(async () => {
  await server.close();
});

/**
 * A client of either era, as small as can be: with the SDKs' own the test would measure these, since fifty of them
 * share one processor with all they do.
 */
class LoadClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #headers: Record<string, string>;
  readonly #modern: boolean;
  #id = 0;

  constructor(token: string, modern: boolean) {
    this.#modern = modern;
    this.#headers = {
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': modern ? '2026-07-28' : '2025-11-25',
    };
  }

  async open(): Promise<void> {
    if (this.#modern) return;
    const capabilities = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'load', version: '1' },
    };
    await this.#post('initialize', capabilities);
    await this.#send('POST', JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }));
  }

  /** A tool call that must succeed: its structured content, or its text where there is none. */
  async call(name: string, args: Record<string, unknown>): Promise<unknown> {
    const envelope = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'load', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const params = { name, arguments: args, ...(this.#modern && { _meta: envelope }) };
    const { result } = await this.#post(
      'tools/call',
      params,
      this.#modern ? { 'mcp-method': 'tools/call', 'mcp-name': name } : {},
    );
    expect(result.isError, JSON.stringify(result.content)).not.toBe(true);
    return result.structuredContent ?? result.content[0]?.text;
  }

  async close(): Promise<void> {
    if (!this.#modern) await this.#send('DELETE', '');
    this.#agent.destroy();
  }

  async #post(method: string, params: object, headers = {}): Promise<Answer> {
    const id = ++this.#id;
    const text = await this.#send('POST', JSON.stringify({ jsonrpc: '2.0', id, method, params }), headers);
    // A stream's last message is the answer.
    const [, data] = /^data: (\{.*\})\n\n$/ms.exec(text.slice(text.lastIndexOf('\ndata: ') + 1)) ?? [];
    const answer = JSON.parse(data ?? text) as Answer;
    expect(answer.id).toBe(id);
    return answer;
  }

  #send(method: string, body: string, headers = {}): Promise<string> {
    return new Promise((resolve, reject) => {
      const { port } = server;
      const options = { host: '127.0.0.1', port, path: '/mcp', method, agent: this.#agent };
      const request = httpRequest({ ...options, headers: { ...this.#headers, ...headers } }, (response) => {
        const session = response.headers['mcp-session-id'];
        if (typeof session === 'string') this.#headers['mcp-session-id'] = session;
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          if ((response.statusCode ?? 500) < 300) resolve(text);
          else reject(new Error(`${response.statusCode}: ${text}`));
        });
      });
      request.on('error', reject).end(body);
    });
  }
}

interface Answer {
  id: number;
  result: { isError?: boolean; structuredContent?: unknown; content: { text: string }[] };
}

/** One agent's day: start, talk, wait, read, look around; each answer is checked. Returns the calls' durations. */
async function work(client: LoadClient, who: string, calls: number): Promise<number[]> {
  const durations: number[] = [];
  const call = async (tool: string, args: Record<string, unknown>): Promise<unknown> => {
    const begun = performance.now();
    const answer = await client.call(tool, args);
    durations.push(performance.now() - begun);
    return answer;
  };
  const ids = Array.from({ length: PROCESSES_EACH }, (_, index) => `${who}-${index}`);
  for (const id of ids)
    expect(await call('run_background', { command: 'cat', name: id })).toMatchObject({ status: 'running' });
  for (let turn = 0; durations.length < calls; turn++) {
    const id = ids[turn % ids.length];
    const word = `${who} says ${turn}.`;
    expect(await call('send_stdin', { id, text: word })).toMatchObject({ accepted_bytes: word.length + 1 });
    expect(await call('wait_for_log', { id, pattern: word, stop_at_prompt: false })).toMatchObject({
      outcome: 'matched',
      line: word,
    });
    expect(await call('get_output', { id, tail: 1 })).toContain(word);
    expect(await call('list_processes', { ids: [id] })).toMatchObject({
      processes: [{ id, status: 'running' }],
    });
  }
  return durations;
}

async function round(calls: number): Promise<{ durations: number[]; seconds: number }> {
  const clients = Array.from(
    { length: CLIENTS },
    (_, index) => new LoadClient(server.token, index % 2 === 0),
  );
  await Promise.all(clients.map((client) => client.open()));
  const begun = performance.now();
  const durations = (
    await Promise.all(clients.map((client, index) => work(client, `c${index}`, calls)))
  ).flat();
  const seconds = (performance.now() - begun) / 1000;
  const janitor = new LoadClient(server.token, true);
  const { processes } = (await janitor.call('list_processes', { status: 'live' })) as {
    processes: unknown[];
  };
  expect(processes).toHaveLength(CLIENTS * PROCESSES_EACH);
  const killed = (await janitor.call('kill_process', { all: true, grace_ms: 0 })) as {
    processes: { survivors: number[] }[];
  };
  expect(killed.processes.flatMap(({ survivors }) => survivors)).toEqual([]);
  await janitor.call('remove_process', { all_ended: true });
  await Promise.all([...clients, janitor].map((client) => client.close()));
  return { durations, seconds };
}

describe('fifty clients with two hundred processes', () => {
  it(
    'make ten thousand calls without an error, and leave memory and descriptors as they were',
    { timeout: 300_000 },
    async () => {
      const idle = server.openFiles;
      // A first round brings the server to the size it works at.
      await round(CALLS_EACH);
      await until('descriptors are back', () => server.openFiles <= idle + 2, 20_000);
      const before = server.memory;
      const { durations, seconds } = await round(CALLS_EACH);
      expect(durations.length).toBeGreaterThanOrEqual(CLIENTS * CALLS_EACH);
      await until('descriptors are back', () => server.openFiles <= idle + 2, 20_000);
      const after = server.memory;
      expect(server.leftovers()).toEqual([]);

      durations.sort((a, b) => a - b);
      const quantile = (share: number) => Math.round(durations[Math.floor(durations.length * share)] ?? 0);
      const figures = {
        calls: durations.length,
        seconds: Math.round(seconds * 10) / 10,
        callsPerSecond: Math.round(durations.length / seconds),
        medianMs: quantile(0.5),
        p99Ms: quantile(0.99),
        memoryMegabytes: [before, after].map((bytes) => Math.round(bytes / MEGABYTE)),
        openFiles: [idle, server.openFiles],
      };
      console.info(`load: ${JSON.stringify(figures)}`);
      expect(after).toBeLessThan(before * 1.25 + 20 * MEGABYTE);
    },
  );
});
