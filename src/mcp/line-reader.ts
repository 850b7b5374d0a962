/** What is kept of either end of a line that is too long: where a request names its id. */
const EDGE_BYTES = 1024;
const NEWLINE = 0x0a;

export interface LineListener {
  line(text: string): void;
  /** Told of a line that is longer than may be, once it has ended: how it began, and how it ended. */
  tooLong(head: string, tail: string): void;
}

/** Splits bytes into lines, and keeps no more of a line than it may have. */
export class LineReader {
  readonly #maxBytes: number;
  readonly #listener: LineListener;
  /** The line that has begun, in the first `#length` bytes. */
  #held = Buffer.alloc(0);
  #length = 0;
  /** The ends of the line that has begun, once it is too long. */
  #edges: { head: Buffer; tail: Buffer } | undefined;

  constructor(maxBytes: number, listener: LineListener) {
    this.#maxBytes = maxBytes;
    this.#listener = listener;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      this.#endLine(chunk.subarray(from, end));
      from = end + 1;
    }
    if (from < chunk.length) this.#add(chunk.subarray(from));
  }

  #endLine(rest: Buffer): void {
    // Most messages come whole.
    if (this.#length === 0 && !this.#edges && rest.length <= this.#maxBytes) {
      this.#listener.line(rest.toString());
      return;
    }
    this.#add(rest);
    const edges = this.#edges;
    const held = this.#held.subarray(0, this.#length);
    this.#forget();
    if (edges) this.#listener.tooLong(edges.head.toString(), edges.tail.toString());
    else this.#listener.line(held.toString());
  }

  #add(bytes: Buffer): void {
    const held = this.#held.subarray(0, this.#length);
    if (this.#edges) {
      this.#edges.tail = lastOf(this.#edges.tail, bytes);
    } else if (this.#length + bytes.length > this.#maxBytes) {
      const edges = { head: firstOf(held, bytes), tail: lastOf(held, bytes) };
      this.#forget();
      this.#edges = edges;
    } else {
      this.#hold(bytes);
    }
  }

  #hold(bytes: Buffer): void {
    const length = this.#length + bytes.length;
    if (length > this.#held.length) {
      // Twice the room each time: a line that comes in small pieces is not copied with each of them.
      const larger = Buffer.allocUnsafe(Math.max(length, 2 * this.#held.length));
      this.#held.copy(larger, 0, 0, this.#length);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#length);
    this.#length = length;
  }

  #forget(): void {
    this.#held = Buffer.alloc(0);
    this.#length = 0;
    this.#edges = undefined;
  }
}

function firstOf(held: Buffer, bytes: Buffer): Buffer {
  return Buffer.concat([held.subarray(0, EDGE_BYTES), bytes.subarray(0, EDGE_BYTES)]).subarray(0, EDGE_BYTES);
}

function lastOf(held: Buffer, bytes: Buffer): Buffer {
  return Buffer.concat([held.subarray(-EDGE_BYTES), bytes.subarray(-EDGE_BYTES)]).subarray(-EDGE_BYTES);
}
