import type { LineStore, LogLine } from './line-store.ts';

/** What of the log is shown, and how. */
export interface RowOptions {
  stdout: boolean;
  stderr: boolean;
  /** Columns of one row, for long lines to go on in the next; absent: one row a line. */
  columns?: number;
  /** What is searched for. */
  search?: RegExp;
  /** Only lines that match. */
  onlyMatches: boolean;
}

/** A stretch of a line on a row of its own. */
export interface Row {
  /** Index in the store. */
  line: number;
  /** First character. */
  from: number;
}

/**
 * The rows on the screen, kept up with the store by looking only at what changed. All have the same height, so that
 * any of tens of thousands is found by arithmetic.
 */
export class Rows {
  rows: Row[] = [];
  /** Indices of matching lines, ascending. */
  matches: number[] = [];
  #options: RowOptions = { stdout: true, stderr: true, onlyMatches: false };
  #dropped = 0;

  /** Returns how many rows went at the top since the last call, for a reader to keep their place. */
  update(store: LineStore, options: RowOptions): number {
    const changed = store.takeChanged();
    const fresh = options !== this.#options;
    const from = fresh ? 0 : changed;
    const before = store.dropped - this.#dropped;
    const gone = fresh || before <= 0 ? 0 : this.rows.findIndex(({ line }) => line >= before);
    this.#options = options;
    this.#dropped = store.dropped;
    this.rows.length = lowerBound(this.rows, from, (row) => row.line);
    this.matches.length = lowerBound(this.matches, from, (line) => line);
    for (let index = from; index < store.lines.length; index++) {
      const line = store.lines[index];
      if (line !== undefined) this.#append(line, index);
    }
    return gone === -1 ? this.rows.length : gone;
  }

  /** The first row of a line, or of the next one shown. */
  rowOf(line: number): number {
    return lowerBound(this.rows, line, (row) => row.line);
  }

  #append(line: LogLine, index: number): void {
    const { columns, search, onlyMatches, ...shown } = this.#options;
    if (line.kind !== 'mark' && !shown[line.kind]) return;
    if (search !== undefined) {
      const matches = line.kind !== 'mark' && search.test(line.text);
      if (matches) this.matches.push(index);
      else if (onlyMatches) return;
    }
    const width = columns ?? Infinity;
    for (let from = 0; from === 0 || from < line.text.length; from += width)
      this.rows.push({ line: index, from });
  }
}

/** The first index whose key is not below the given one; keys ascend. */
function lowerBound<T>(items: readonly T[], key: number, keyOf: (item: T) => number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && keyOf(item) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A pattern from what a person types: plain text whatever its case, or a regular expression. Undefined if it is none. */
export function toSearch(text: string, regex: boolean): RegExp | undefined {
  if (text === '') return undefined;
  try {
    return new RegExp(regex ? text : text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i');
  } catch {
    return undefined;
  }
}
