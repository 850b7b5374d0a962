const NEWLINE = 0x0a;

interface Piece {
  bytes: Uint8Array;
  /** False for the beginning of a line, and for what stands before one. */
  endsLine: boolean;
}

/** Holds what is written to it, and of that only the last lines. */
export class LastLines {
  readonly #count: number;
  #pieces: Piece[] = [];
  /** Pieces before this one are dropped already. */
  #first = 0;
  #lines = 0;

  constructor(count: number) {
    this.#count = count;
  }

  push(data: string | Uint8Array): void {
    const bytes = typeof data === 'string' ? Buffer.from(data) : data;
    for (let from = 0; from < bytes.length;) {
      const newline = bytes.indexOf(NEWLINE, from);
      const to = newline === -1 ? bytes.length : newline + 1;
      this.#add({ bytes: bytes.subarray(from, to), endsLine: newline !== -1 });
      from = to;
    }
  }

  /** Takes what is no line by itself: it is kept as long as the line that follows. */
  pushBorder(text: string): void {
    this.#add({ bytes: Buffer.from(text), endsLine: false });
  }

  /** What is left, an unfinished line at its end counted as one. */
  take(): Uint8Array {
    const unfinished = this.#pieces.at(-1)?.endsLine === false ? 1 : 0;
    while (this.#lines + unfinished > this.#count && this.#first < this.#pieces.length) this.#dropLine();
    return Buffer.concat(this.#pieces.slice(this.#first).map(({ bytes }) => bytes));
  }

  #add(piece: Piece): void {
    this.#pieces.push(piece);
    if (!piece.endsLine) return;
    this.#lines++;
    if (this.#lines > this.#count) this.#dropLine();
  }

  #dropLine(): void {
    while (this.#first < this.#pieces.length && this.#pieces[this.#first]?.endsLine !== true) this.#first++;
    this.#first++;
    this.#lines--;
    // To shift one piece at a time would move all of them each time.
    if (this.#first < 1000 || this.#first * 2 < this.#pieces.length) return;
    this.#pieces = this.#pieces.slice(this.#first);
    this.#first = 0;
  }
}
