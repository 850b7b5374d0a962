import { randomUUID } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as StdioClientTransport1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import type { z } from 'zod';
import type { listShape, removeShape } from '../../src/tools/shapes.ts';
import type {
  WireExitWait,
  WireKill,
  WireLogWait,
  WirePortWait,
  WireRun,
  WireSend,
} from '../../src/tools/wire.ts';
import { pidsWithEnvironment, startTime } from './alive.ts';
import './matchers.ts';
import { until } from './until.ts';

export const projectRoot = resolve(import.meta.dirname, '../..');
export const fixtures = join(projectRoot, 'test/fixtures');
/** The built command; PROCTOR_TEST_CLI lets the same tests run against an installed package. */
export const cli = process.env.PROCTOR_TEST_CLI ?? join(projectRoot, 'dist/cli.js');

/** What each tool with structured content answers. */
export interface Answers {
  run_background: WireRun;
  restart_process: WireRun;
  list_processes: z.output<typeof listShape>;
  wait_for_log: WireLogWait;
  wait_for_port: WirePortWait;
  wait_for_exit: WireExitWait;
  send_stdin: WireSend;
  kill_process: WireKill;
  remove_process: z.output<typeof removeShape>;
}

export interface Answer {
  isError: boolean;
  text: string;
  structured: unknown;
}

export interface CallOptions {
  signal?: AbortSignal;
  onprogress?: (progress: { progress: number; message?: string | undefined }) => void;
}

/** `2026`: the v2 client at the 2026-07-28 revision; `2025`: the same after `initialize`; `v1`: the 1.x client. */
export type ClientKind = '2026' | '2025' | 'v1';
/** The two SDK generations, for scenarios that must hold in both. */
export const CLIENTS = ['2026', 'v1'] as const;

export interface ServerOptions {
  client?: ClientKind;
  flags?: readonly string[];
  env?: Readonly<Record<string, string>>;
  cwd?: string;
}

interface Connection {
  client: Client | Client1;
  pid: number;
  stderr: () => string;
}

async function connect(options: ServerOptions, mark: string): Promise<Connection> {
  const parameters = {
    command: process.execPath,
    args: [cli, ...(options.flags ?? [])],
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',

      E2E_MARK: mark,
      ...options.env,
    },
    stderr: 'pipe' as const,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  };
  const information = { name: 'e2e', version: '1.0.0' };
  let heard = '';
  const listen = (stream: { on(event: 'data', listener: (chunk: Buffer) => void): unknown } | null): void => {
    stream?.on('data', (chunk) => (heard += chunk.toString()));
  };
  if (options.client === 'v1') {
    const transport = new StdioClientTransport1(parameters);
    listen(transport.stderr);
    const client = new Client1(information);
    await client.connect(transport);
    // Having listed the tools, the client checks every answer against its tool's output schema.
    await client.listTools();
    return { client, pid: transport.pid ?? 0, stderr: () => heard };
  }
  const transport = new StdioClientTransport(parameters);
  listen(transport.stderr);
  const client = new Client(information, {
    versionNegotiation: { mode: options.client === '2025' ? 'legacy' : { pin: '2026-07-28' } },
  });
  await client.connect(transport);
  await client.listTools();
  return { client, pid: transport.pid ?? 0, stderr: () => heard };
}

/** A running server, seen through a real client, that remembers every process it ever told of. */
export class TestServer {
  readonly #connection: Connection;
  readonly #mark: string;
  /** Start time of every pid seen in an answer, so that a pid used again is not mistaken for the process. */
  readonly #seen = new Map<number, string>();

  private constructor(connection: Connection, mark: string) {
    this.#connection = connection;
    this.#mark = mark;
  }

  static async start(options: ServerOptions = {}): Promise<TestServer> {
    warnIfStale();
    const mark = randomUUID();
    return new TestServer(await connect(options, mark), mark);
  }

  get client(): Client | Client1 {
    return this.#connection.client;
  }

  get pid(): number {
    return this.#connection.pid;
  }

  get stderr(): string {
    return this.#connection.stderr();
  }

  async call(tool: string, args: Record<string, unknown> = {}, options: CallOptions = {}): Promise<Answer> {
    const { client } = this.#connection;
    const parameters = { name: tool, arguments: args };
    const result =
      client instanceof Client
        ? await client.callTool(parameters, options)
        : await client.callTool(parameters, undefined, options);
    const { content, structuredContent, isError } = result;
    const parts = Array.isArray(content) ? (content as { type: string; text?: string }[]) : [];
    this.#remember(structuredContent);
    return {
      isError: isError === true,
      text: parts.map((part) => part.text ?? '').join('\n'),
      structured: structuredContent,
    };
  }

  /** A call that must succeed: its structured content. */
  async ok<T extends keyof Answers>(
    tool: T,
    args: Record<string, unknown> = {},
    options: CallOptions = {},
  ): Promise<Answers[T]> {
    const answer = await this.call(tool, args, options);
    expect(answer.isError, answer.text).toBe(false);
    expect(answer.structured).toBeTypeOf('object');
    return answer.structured as Answers[T];
  }

  async run(command: string, more: Record<string, unknown> = {}): Promise<WireRun> {
    return this.ok('run_background', { command, ...more });
  }

  /** `get_output`, taken apart: the header line, the cursor it names, and the text without notes on omissions. */
  async output(
    id: string,
    args: Record<string, unknown> = {},
  ): Promise<{ header: string; next: number; text: string; whole: string }> {
    const answer = await this.call('get_output', { id, ...args });
    expect(answer.isError, answer.text).toBe(false);
    expect(answer.structured).toBeUndefined();
    const [header = '', ...lines] = answer.text.split('\n');
    const text = lines.filter((line) => !/^\[\d+ lines? left out/.test(line)).join('\n');
    const next = Number(/next: since=(\d+)/.exec(header)?.[1]);
    return { header, next, text: text === '(no output in this range)' ? '' : text, whole: answer.text };
  }

  async exited(id: string): Promise<WireExitWait['processes'][number]> {
    const { outcome, processes } = await this.ok('wait_for_exit', { id, timeout_ms: 15_000 });
    expect(outcome).toBe('exited');
    const [first] = processes;
    if (first === undefined) throw new Error(`wait_for_exit told of no process for ${id}`);
    return first;
  }

  async snapshot(id: string): Promise<Answers['list_processes']['processes'][number]> {
    const { processes } = await this.ok('list_processes', { ids: [id] });
    const [first] = processes;
    if (first === undefined) throw new Error(`list_processes told of no process for ${id}`);
    return first;
  }

  /** Ends and forgets everything, and proves that nothing of it is left. */
  async reset(): Promise<void> {
    await this.call('kill_process', { all: true, grace_ms: 0 });
    await this.call('remove_process', { all_ended: true });
    await this.proveEmpty();
  }

  /** Every process ever told of is gone, and so is whatever else the server's children have started. */
  async proveEmpty(): Promise<void> {
    await until('every process told of is gone', () => this.leftovers().length === 0, 3000).catch(() => {
      expect(this.leftovers(), 'processes left behind').toEqual([]);
    });
  }

  leftovers(): number[] {
    const told = [...this.#seen].filter(([pid, since]) => startTime(pid) === since).map(([pid]) => pid);
    const marked = pidsWithEnvironment(`E2E_MARK=${this.#mark}`).filter((pid) => pid !== this.pid);
    return [...new Set([...told, ...marked])];
  }

  /** Disconnects as a client does: the end of stdin first, signals only when that does not help. */
  async close(): Promise<void> {
    await this.client.close();
    await this.proveEmpty();
    await until('the server has ended', () => startTime(this.pid) === undefined, 3000);
  }

  /** Collects pids of our processes in an answer: every `pid` field, except of a port's foreign owner. */
  #remember(value: unknown): void {
    if (Array.isArray(value)) for (const item of value) this.#remember(item);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
    for (const [key, field] of Object.entries(value)) {
      if (key === 'owner') continue;
      if (key !== 'pid' || typeof field !== 'number') this.#remember(field);
      else {
        const since = startTime(field);
        if (since !== undefined) this.#seen.set(field, since);
      }
    }
  }
}

/** One server for the tests of a block: each test begins with an empty one and must leave nothing alive. */
export function useServer(options: ServerOptions = {}): () => TestServer {
  let server: TestServer | undefined;
  beforeAll(async () => {
    server = await TestServer.start(options);
  });
  afterEach(async () => {
    await server?.reset();
  });
  afterAll(async () => {
    await server?.close();
  });
  return () => {
    if (server === undefined) throw new Error('the server runs only during tests');
    return server;
  };
}

let checked = false;

/** Tests of a build that is older than the sources would prove nothing about them. */
function warnIfStale(): void {
  if (checked || process.env.PROCTOR_TEST_CLI !== undefined) return;
  checked = true;
  const built = statSync(cli).mtimeMs;
  const newer = ['src', 'native'].flatMap((folder) =>
    readdirSync(join(projectRoot, folder), { recursive: true, encoding: 'utf8' })
      .map((name) => join(folder, name))
      .filter((name) => /\.(?:ts|c)$/.test(name) && statSync(join(projectRoot, name)).mtimeMs > built),
  );
  if (newer.length > 0) console.warn(`dist/ is older than ${newer.join(', ')}: run "npm run build" first`);
}
