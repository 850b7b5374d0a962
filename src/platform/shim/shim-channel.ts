import type { Socket } from 'node:net';
import { parseReport, type Report } from './shim-protocol.ts';

/** The control socket of one supervisor. Its end tells the supervisor that the server has gone. */
export class ShimChannel {
  readonly #socket: Socket;
  #line = '';

  /** `onClosed` comes once, after the last report. */
  constructor(socket: Socket, onReport: (report: Report) => void, onClosed: () => void) {
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      const lines = (this.#line + text).split('\n');
      this.#line = lines.pop() ?? '';
      for (const line of lines) {
        const report = parseReport(line);
        if (report) onReport(report);
      }
    });
    // A supervisor that is gone resets the connection under a command; `close` follows and is what counts.
    socket.on('error', () => undefined);
    socket.once('close', onClosed);
  }

  send(command: string): void {
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
