import type { StreamName } from '../types.ts';

const INITIAL_ENTRIES = 64;

/**
 * Where each stretch of one stream begins in the merged output, and when it arrived: a circular queue in typed arrays
 * (17 bytes an entry), so that a child that alternates one-byte writes on two streams costs a bounded amount.
 */
export class SegmentIndex {
  #maxEntries: number;
  #froms = new Float64Array(INITIAL_ENTRIES);
  #ats = new Float64Array(INITIAL_ENTRIES);
  #streams = new Uint8Array(INITIAL_ENTRIES);
  #head = 0;
  #count = 0;

  constructor(maxEntries: number) {
    this.#maxEntries = Math.max(1, maxEntries);
  }

  get count(): number {
    return this.#count;
  }

  from(entry: number): number {
    return this.#froms[this.#slot(entry)] ?? 0;
  }

  at(entry: number): number {
    return this.#ats[this.#slot(entry)] ?? 0;
  }

  stream(entry: number): StreamName {
    return this.#streams[this.#slot(entry)] === 1 ? 'stderr' : 'stdout';
  }

  /** Adds the next entry; a full index forgets its oldest. */
  add(stream: StreamName, from: number, at: number): void {
    if (this.#count === this.#maxEntries) this.#dropOldest(1);
    else if (this.#count === this.#froms.length) this.#resize(Math.min(this.#maxEntries, this.#count * 2));
    const slot = this.#slot(this.#count++);
    this.#froms[slot] = from;
    this.#ats[slot] = at;
    this.#streams[slot] = stream === 'stderr' ? 1 : 0;
  }

  /** Forgets entries that end at or before the offset. */
  dropBefore(offset: number): void {
    let drop = 0;
    while (drop + 1 < this.#count && this.from(drop + 1) <= offset) drop++;
    this.#dropOldest(drop);
  }

  /** The entry that contains the offset, or the first one when it lies before all. */
  find(offset: number): number {
    let low = 0;
    let high = this.#count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.from(middle) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Changes the bound; the oldest entries go where it is now too low. */
  setMaxEntries(maxEntries: number): void {
    this.#maxEntries = Math.max(1, maxEntries);
    if (this.#count > this.#maxEntries) this.#dropOldest(this.#count - this.#maxEntries);
    if (this.#froms.length > this.#maxEntries) this.#resize(this.#maxEntries);
  }

  #slot(entry: number): number {
    const slot = this.#head + entry;
    return slot < this.#froms.length ? slot : slot - this.#froms.length;
  }

  #dropOldest(entries: number): void {
    this.#head = this.#slot(entries);
    this.#count -= entries;
  }

  #resize(entries: number): void {
    const froms = new Float64Array(entries);
    const ats = new Float64Array(entries);
    const streams = new Uint8Array(entries);
    for (let entry = 0; entry < this.#count; entry++) {
      const slot = this.#slot(entry);
      froms[entry] = this.#froms[slot] ?? 0;
      ats[entry] = this.#ats[slot] ?? 0;
      streams[entry] = this.#streams[slot] ?? 0;
    }
    this.#froms = froms;
    this.#ats = ats;
    this.#streams = streams;
    this.#head = 0;
  }
}
