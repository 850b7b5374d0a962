import { countNewlines } from './count-newlines.ts';
import { SegmentIndex } from './segment-index.ts';
import type { StreamName } from '../types.ts';

/** A stretch of one stream. */
export interface Segment {
  stream: StreamName;
  /** Absolute offset of the first byte. */
  from: number;
  /** Arrival of the first byte, milliseconds since the epoch. */
  at: number;
  /** A view, valid until the next append. */
  bytes: Uint8Array;
}

/** Where a run began in the output. */
export interface RunBorder {
  run: number;
  offset: number;
  at: number;
}

const INITIAL_BYTES = 16 * 1024;
/** Arrivals on one stream this close together (milliseconds) share an index entry, and with it their time. */
const COALESCE_MS = 5;
/** One index entry for each so many bytes of capacity: below this mean length, entries rather than bytes run out. */
const BYTES_PER_ENTRY = 64;
const MIN_ENTRIES = 64;
/** A process restarted for ever keeps only this many borders. */
const MAX_BORDERS = 1000;

/**
 * The merged output of one process over all its runs: a ring of raw bytes addressed by absolute offsets, the first
 * byte ever printed being 0. Appending costs a copy and a newline count; lines and text are made by readers.
 */
export class OutputBuffer {
  #capacity: number;
  #ring: Buffer;
  #start = 0;
  #end = 0;
  #lines = 0;
  #lastStream: StreamName | undefined;
  #lastAt = 0;
  readonly #index: SegmentIndex;
  #borders: RunBorder[] = [];

  /** @param capacityBytes Bytes retained at most (at least 1); the ring starts small and grows to this. */
  constructor(capacityBytes: number) {
    this.#capacity = Math.max(1, Math.floor(capacityBytes));
    this.#ring = Buffer.allocUnsafeSlow(Math.min(this.#capacity, INITIAL_BYTES));
    this.#index = new SegmentIndex(entriesFor(this.#capacity));
  }

  /** Offset of the first retained byte. */
  get start(): number {
    return this.#start;
  }

  /** Offset just after the last byte: the number of bytes ever appended. */
  get end(): number {
    return this.#end;
  }

  get retainedBytes(): number {
    return this.#end - this.#start;
  }

  get droppedBytes(): number {
    return this.#start;
  }

  /** Newline bytes ever appended. */
  get lines(): number {
    return this.#lines;
  }

  /**
   * Copies the chunk in and evicts the oldest bytes where there is no room.
   * @param at Arrival, milliseconds since the epoch.
   */
  append(stream: StreamName, chunk: Uint8Array, at: number = Date.now()): void {
    if (chunk.length === 0) return;
    this.#lines += countNewlines(chunk);
    const kept = chunk.length > this.#capacity ? chunk.subarray(chunk.length - this.#capacity) : chunk;
    const end = this.#end + chunk.length;
    const start = Math.max(this.#start, end - this.#capacity);
    if (end - start > this.#ring.length) this.#moveTo(this.#sizeFor(end - start), start);
    this.#write(end - kept.length, kept);
    if (stream !== this.#lastStream || at - this.#lastAt >= COALESCE_MS || at < this.#lastAt) {
      this.#index.add(stream, this.#end, at);
      this.#lastStream = stream;
      this.#lastAt = at;
    }
    this.#end = end;
    this.#evictTo(Math.max(start, this.#index.from(0)));
  }

  /**
   * Marks the current end as the beginning of a run.
   * @param at Start of the run, milliseconds since the epoch.
   */
  beginRun(run: number, at: number = Date.now()): void {
    this.#borders.push({ run, offset: this.#end, at });
    if (this.#borders.length > MAX_BORDERS) this.#borders.shift();
    // What comes next must not share an entry, and so a time, with the run before.
    this.#lastStream = undefined;
  }

  /** Offset where a run began; the end for one that is still to begin, the start for one long forgotten. */
  runStart(run: number): number {
    const border = this.#borders.find((candidate) => candidate.run >= run);
    if (border === undefined) return this.#end;
    return border.run === run ? border.offset : this.#start;
  }

  /**
   * Where a reader with this cursor begins. One from beyond the end is of an earlier record of the name: it begins where
   * one without a cursor does, at `runFrom`.
   */
  beginning(since: number | undefined, runFrom: number): number {
    return since === undefined || since > this.#end ? runFrom : since;
  }

  /** Runs that began in the range, `from` inclusive and `to` exclusive. */
  borders(from: number, to: number): RunBorder[] {
    return this.#borders.filter(({ offset }) => offset >= from && offset < to);
  }

  /** The retained bytes of the range in order of arrival, as views. */
  *segments(from: number, to: number): Iterable<Segment> {
    const stop = Math.min(to, this.#end);
    let offset = Math.max(from, this.#start);
    for (let entry = this.#index.find(offset); offset < stop; entry++) {
      const next = entry + 1 < this.#index.count ? this.#index.from(entry + 1) : this.#end;
      const stream = this.#index.stream(entry);
      const at = this.#index.at(entry);
      while (offset < Math.min(next, stop)) {
        const position = offset % this.#ring.length;
        const length = Math.min(Math.min(next, stop) - offset, this.#ring.length - position);
        yield { stream, from: offset, at, bytes: this.#ring.subarray(position, position + length) };
        offset += length;
      }
    }
  }

  /** The same, of each stream from where it is to start. */
  *segmentsFrom(starts: Record<StreamName, number>, from: number, to: number): Iterable<Segment> {
    for (const segment of this.segments(from, to)) {
      const skip = Math.max(0, starts[segment.stream] - segment.from);
      if (skip >= segment.bytes.length) continue;
      yield { ...segment, from: segment.from + skip, bytes: segment.bytes.subarray(skip) };
    }
  }

  /** Changes how much is retained, and gives memory back at once when that is less. */
  setCapacity(bytes: number): void {
    this.#capacity = Math.max(1, Math.floor(bytes));
    this.#index.setMaxEntries(entriesFor(this.#capacity));
    const first = this.#index.count === 0 ? this.#start : this.#index.from(0);
    this.#evictTo(Math.max(this.#start, this.#end - this.#capacity, first));
    if (this.#ring.length > this.#capacity) this.#moveTo(this.#sizeFor(this.retainedBytes), this.#start);
  }

  #write(offset: number, bytes: Uint8Array): void {
    const position = offset % this.#ring.length;
    const room = this.#ring.length - position;
    if (bytes.length <= room) {
      this.#ring.set(bytes, position);
    } else {
      this.#ring.set(bytes.subarray(0, room), position);
      this.#ring.set(bytes.subarray(room), 0);
    }
  }

  #sizeFor(bytes: number): number {
    let size = INITIAL_BYTES;
    while (size < bytes) size *= 2;
    return Math.min(size, this.#capacity);
  }

  /** Changes the ring's size, keeping what lies between `from` and the end. */
  #moveTo(size: number, from: number): void {
    const segments = [...this.segments(from, this.#end)];
    this.#ring = Buffer.allocUnsafeSlow(size);
    for (const { from: offset, bytes } of segments) this.#write(offset, bytes);
  }

  #evictTo(start: number): void {
    if (start <= this.#start) return;
    this.#start = start;
    this.#index.dropBefore(start);
    // The newest of the forgotten borders stays: the current run must be found.
    const second = this.#borders[1];
    if (second !== undefined && second.offset <= start) {
      const keep = this.#borders.findLastIndex(({ offset }) => offset <= start);
      this.#borders = this.#borders.slice(keep);
    }
  }
}

function entriesFor(capacity: number): number {
  return Math.max(MIN_ENTRIES, Math.ceil(capacity / BYTES_PER_ENTRY));
}
