import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { pidsWithEnvironment } from './alive.ts';
import { cli, type ServerOptions } from './start-server.ts';

interface Message {
  id?: number;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { code: number; message: string };
}

/** The answer to one request, as it came over the wire. */
export type Reply = Pick<Message, 'result' | 'error'>;

/**
 * The built command with its pipes in our hands: speaks JSON-RPC line by line, of any protocol revision, and can be
 * ended in every way a server can be ended.
 */
export class RawServer {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Resolves with how the server ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  readonly notifications: Message[] = [];
  /** All that came on stdout and is not JSON-RPC: must stay empty. */
  stray = '';
  stdout = '';
  stderr = '';
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #mark = `E2E_MARK=${randomUUID()}`;
  #nextId = 1;

  constructor(options: Omit<ServerOptions, 'client'> = {}) {
    const [name = '', mark] = this.#mark.split('=');
    this.child = spawn(process.execPath, [cli, ...(options.flags ?? [])], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, [name]: mark, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(options.cwd !== undefined && { cwd: options.cwd }),
    });
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        resolve({ code, signal });
      });
    });
    this.child.stdin.on('error', () => undefined);
    let rest = '';
    this.child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      this.stdout += chunk;
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#receive(line);
    });
    this.child.stderr.setEncoding('utf8').on('data', (chunk: string) => (this.stderr += chunk));
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  #receive(line: string): void {
    let message: Message;
    try {
      message = JSON.parse(line) as Message;
    } catch {
      this.stray += `${line}\n`;
      return;
    }
    if (message.id === undefined || message.method !== undefined) this.notifications.push(message);
    else this.#waiting.get(message.id)?.(message);
  }

  send(message: Record<string, unknown>): void {
    this.child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  }

  request(method: string, params: Record<string, unknown> = {}): Promise<Reply> {
    const id = this.#nextId++;
    const reply = new Promise<Reply>((resolve) => this.#waiting.set(id, resolve));
    this.send({ id, method, params });
    return reply;
  }

  /** The handshake of the revisions up to 2025-11-25; gives the server's answer to `initialize`. */
  async initialize(protocolVersion = '2025-06-18'): Promise<Reply> {
    const clientInfo = { name: 'raw', version: '1' };
    const reply = await this.request('initialize', { protocolVersion, capabilities: {}, clientInfo });
    this.send({ method: 'notifications/initialized' });
    return reply;
  }

  async call(name: string, args: Record<string, unknown> = {}): Promise<Reply> {
    return this.request('tools/call', { name, arguments: args });
  }

  /** Starts a shell line and gives its structured content. */
  async run(command: string, more: Record<string, unknown> = {}): Promise<{ id: string; pid: number }> {
    const { result, error } = await this.call('run_background', { command, ...more });
    const structured = result?.structuredContent as { id: string; pid: number } | undefined;
    if (structured === undefined) throw new Error(JSON.stringify(result ?? error));
    return structured;
  }

  /** Whatever the server's children have started and that is still alive. */
  leftovers(): number[] {
    return pidsWithEnvironment(this.#mark).filter((pid) => pid !== this.pid);
  }
}
