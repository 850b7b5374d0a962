import type { InputRequest } from '../api.ts';

export interface Size {
  cols: number;
  rows: number;
}

/** Sends what is typed in order, one request at a time; what is typed meanwhile goes together in the next. */
export class TerminalInput {
  readonly #send: (request: InputRequest) => Promise<void>;
  #typed = '';
  #size: Size | undefined;
  #busy = false;

  constructor(send: (request: InputRequest) => Promise<void>) {
    this.#send = send;
  }

  type(text: string): void {
    this.#typed += text;
    void this.#flush();
  }

  resize(size: Size): void {
    this.#size = size;
    void this.#flush();
  }

  async #flush(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    while (this.#typed !== '' || this.#size !== undefined) {
      const [text, size] = [this.#typed, this.#size];
      this.#typed = '';
      this.#size = undefined;
      // A process that has just ended takes no more: its terminal says so already.
      await this.#send({ ...(text !== '' && { text, newline: false }), ...size }).catch(() => undefined);
    }
    this.#busy = false;
  }
}
