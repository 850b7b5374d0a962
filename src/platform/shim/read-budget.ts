/** Longest stretch of one turn of the event loop that goes into reading output, in milliseconds. */
const TURN_MS = 2;
/** Bytes taken from a pipe at a time. */
const CHUNK_BYTES = 64 * 1024;

/**
 * The time all readers of a server share. Without it, four flooding children fill each turn of the event loop and
 * requests wait behind megabytes of output.
 */
export class ReadBudget {
  /** Every reader reads into this: chunks are only valid while they are handed on. */
  readonly buffer = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  readonly #now: () => number;
  #turnEnds: number | undefined;
  #waiting: (() => void)[] = [];

  /** `now` is a clock in milliseconds, monotonic. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /**
   * Does the work of handing one chunk on. False when the turn's time is used up: the reader stops, and `resume` is
   * called in the next turn.
   */
  spend(work: () => void, resume: () => void): boolean {
    if (this.#turnEnds === undefined) {
      this.#turnEnds = this.#now() + TURN_MS;
      // Immediates run after all input of a turn has been looked at.
      setImmediate(() => {
        this.#nextTurn();
      });
    }
    work();
    if (this.#now() < this.#turnEnds) return true;
    this.#waiting.push(resume);
    return false;
  }

  #nextTurn(): void {
    const waiting = this.#waiting;
    this.#turnEnds = undefined;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}
