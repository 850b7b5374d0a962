import type { Socket } from 'node:net';
import { parseReport, type Report } from './shim-protocol.ts';

/** Who is told what a supervisor reports. */
export interface ShimListener {
  take(report: Report): void;
  /** Comes once, after the last report. */
  channelClosed(): void;
}

/** The control socket of one supervisor. Its end tells the supervisor that the server has gone. */
export class ShimChannel {
  readonly #socket: Socket;
  #listener: ShimListener;
  #line = '';
  #closed = false;

  constructor(socket: Socket, listener: ShimListener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      const lines = (this.#line + text).split('\n');
      this.#line = lines.pop() ?? '';
      for (const line of lines) {
        const report = parseReport(line);
        if (report) this.#listener.take(report);
      }
    });
    // A supervisor that is gone resets the connection under a command; `close` follows and is what counts.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      this.#closed = true;
      this.#listener.channelClosed();
    });
  }

  /** True once a listener has been told of the end: the next one will not be. */
  get closed(): boolean {
    return this.#closed;
  }

  /** From the next report on, another is told. */
  handTo(listener: ShimListener): void {
    this.#listener = listener;
  }

  send(command: string | Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(command);
  }

  /** While referenced, the channel keeps the event loop alive. */
  ref(): void {
    this.#socket.ref();
  }

  unref(): void {
    this.#socket.unref();
  }

  close(): void {
    this.#socket.destroy();
  }
}
