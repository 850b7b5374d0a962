import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

/** Any revision that both servers speak. */
const PROTOCOL_VERSION = '2025-06-18';

interface Waiting {
  resolve: (answer: Answer) => void;
  reject: (error: Error) => void;
}

export interface Answer {
  result: Record<string, unknown>;
  /** `process.hrtime` in nanoseconds when the bytes arrived, before anything was parsed. */
  arrivedNs: bigint;
}

/**
 * The least that is a stdio MCP client. A full client costs more than a small answer does, and would make any two
 * servers look alike.
 */
export class RpcClient {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #gone: Promise<void>;
  #partial: Buffer[] = [];
  #lastId = 0;

  constructor(script: string, args: readonly string[] = []) {
    this.#child = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout.on('data', (chunk: Buffer) => this.#receive(chunk, process.hrtime.bigint()));
    this.#gone = new Promise((resolve) => {
      this.#child.once('exit', () => {
        for (const { reject } of this.#waiting.values()) reject(new Error(`${script} has ended`));
        this.#waiting.clear();
        resolve();
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  #receive(chunk: Buffer, arrivedNs: bigint): void {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const line = Buffer.concat([...this.#partial, chunk.subarray(from, end)]).toString();
      this.#partial = [];
      from = end + 1;
      const message = JSON.parse(line) as { id?: number; result?: Record<string, unknown>; error?: unknown };
      const waiting = message.id === undefined ? undefined : this.#waiting.get(message.id);
      if (message.id === undefined || !waiting) continue;
      this.#waiting.delete(message.id);
      if (message.result) waiting.resolve({ result: message.result, arrivedNs });
      else waiting.reject(new Error(line));
    }
    if (from < chunk.length) this.#partial.push(chunk.subarray(from));
  }

  #send(message: Record<string, unknown>): void {
    this.#child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  request(method: string, params: Record<string, unknown> = {}): Promise<Answer> {
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ id, method, params });
    });
  }

  async initialize(): Promise<Answer> {
    const answer = await this.request('initialize', {
      protocolVersion: PROTOCOL_VERSION,
      capabilities: {},
      clientInfo: { name: 'bench', version: '1.0.0' },
    });
    this.#send({ method: 'notifications/initialized' });
    return answer;
  }

  /** Calls a tool; an answer that is an error is one here too, so that no benchmark times failures. */
  async call(name: string, args: Record<string, unknown> = {}): Promise<Answer> {
    const answer = await this.request('tools/call', { name, arguments: args });
    if (answer.result['isError'] === true) throw new Error(JSON.stringify(answer.result['content']));
    return answer;
  }

  /** Milliseconds from the request to its answer. */
  async time(name: string, args: Record<string, unknown> = {}): Promise<number> {
    const begunNs = process.hrtime.bigint();
    const { arrivedNs } = await this.call(name, args);
    return Number(arrivedNs - begunNs) / 1e6;
  }

  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#gone;
  }
}

/** The structured facts of an answer to a tool call. */
export function facts(answer: Answer): Record<string, unknown> {
  return (answer.result['structuredContent'] ?? {}) as Record<string, unknown>;
}
