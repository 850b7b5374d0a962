import type { Readable, Writable } from 'node:stream';
import { serializeMessage, type JSONRPCMessage, type Transport } from '@modelcontextprotocol/server';
import { readMessages, refuseTooLong, type Refusal } from './json-rpc.ts';
import { LineReader } from './line-reader.ts';

/** More than any call needs: the longest text for a stdin has 1 MiB, and six times that where each sign is escaped. */
export const MAX_MESSAGE_BYTES = 10 * 1024 * 1024;

/**
 * One JSON-RPC message a line. Unlike the SDK's transport it outlives a line that is too long, whose client may have
 * processes running here, and answers what is wrong: whoever sent it waits for an answer.
 */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #stdin: Readable;
  readonly #stdout: Writable;
  readonly #lines: LineReader;
  #closed = false;

  constructor(stdin: Readable = process.stdin, stdout: Writable = process.stdout) {
    this.#stdin = stdin;
    this.#stdout = stdout;
    this.#lines = new LineReader(MAX_MESSAGE_BYTES, {
      line: (text) => {
        this.#receive(text);
      },
      tooLong: (head, tail) => {
        this.#refuse(refuseTooLong(head, tail, MAX_MESSAGE_BYTES));
      },
    });
  }

  // The interface is asynchronous for transports that have to connect.
  // eslint-disable-next-line @typescript-eslint/require-await
  async start(): Promise<void> {
    if (this.#stdin.readableEnded || this.#stdin.destroyed) setImmediate(this.#end);
    this.#stdin.on('data', this.#read).on('error', this.#report).on('end', this.#end).on('close', this.#end);
    this.#stdout.on('error', this.#end);
  }

  send(message: JSONRPCMessage): Promise<void> {
    if (this.#closed) return Promise.reject(new Error('The connection is closed.'));
    return new Promise((resolve, reject) => {
      this.#stdout.write(serializeMessage(message), (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  // eslint-disable-next-line @typescript-eslint/require-await
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#stdin.off('data', this.#read).off('end', this.#end).off('close', this.#end);
    this.#stdin.pause();
    this.onclose?.();
  }

  readonly #read = (chunk: Buffer): void => {
    this.#lines.push(chunk);
  };

  readonly #end = (error?: Error): void => {
    if (error) this.#report(error);
    void this.close();
  };

  readonly #report = (error: Error): void => {
    this.onerror?.(error);
  };

  #receive(line: string): void {
    for (const received of readMessages(line)) {
      if (this.#closed) return;
      if ('message' in received) this.onmessage?.(received.message);
      else if ('refusal' in received) this.#refuse(received.refusal);
      else this.#report(new Error(`Ignored ${received.ignored}`));
    }
  }

  #refuse(refusal: Refusal): void {
    this.#report(new Error(refusal.error.message));
    this.#stdout.write(`${JSON.stringify(refusal)}\n`);
  }
}
