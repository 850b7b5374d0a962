import type { ListeningSocket } from '../proc/listening-socket.ts';

/** An answer takes well under 1 ms; a supervisor that is kept from running is not waited for much longer. */
const PATIENCE_MS = 250;

type Answer = readonly ListeningSocket[] | undefined;

/** Asks one supervisor which sockets listen. It answers in the order of the questions. */
export class ListeningQuestions {
  readonly #send: () => void;
  readonly #open: ((answer: Answer) => void)[] = [];
  #sockets: ListeningSocket[] = [];
  #closed = false;

  constructor(send: () => void) {
    this.#send = send;
  }

  /** Resolves with undefined where the supervisor cannot tell, is gone, or does not answer in time. */
  ask(): Promise<Answer> {
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        resolve(undefined);
      }, PATIENCE_MS);
      // It keeps its place when time is up: its answer may come yet, and is not that of the next question.
      this.#open.push((answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      this.#send();
    });
  }

  /** A part of the answer to the oldest question. */
  take(sockets: readonly ListeningSocket[]): void {
    this.#sockets.push(...sockets);
  }

  /** The answer to the oldest question is complete, or, with an errno other than 0, cannot be given. */
  answered(errno: number): void {
    const sockets = this.#sockets;
    this.#sockets = [];
    this.#open.shift()?.(errno === 0 ? sockets : undefined);
  }

  /** The supervisor is gone. */
  close(): void {
    this.#closed = true;
    for (const settle of this.#open.splice(0)) settle(undefined);
  }
}
