/** Furthest column a cursor move can reach; terminals are narrower, and nine bytes must not make a megabyte. */
const MAX_MOVE_COLUMN = 512;
const SPACE = 0x20;
/** Parameters of the switch to a screen that full-screen programs draw on, and back. */
const ALTERNATE_SCREEN = /^\?(?:47|1047|1049)$/;
/** String.fromCodePoint takes its characters as arguments, and the stack bounds those. */
const POINTS_PER_CALL = 4096;

/**
 * One line of a terminal of unlimited width. As long as text is only appended it is kept as a string; the first
 * write elsewhere spreads it over an array of code points.
 */
export class LineCells {
  #text = '';
  #cells: Uint32Array | undefined;
  #length = 0;
  #column = 0;
  /** Columns before the cursor that are not blank begin here at the earliest: makes repeated erasing cheap. */
  #inkFrom = 0;
  /** The line as it was before the switch to the other screen. */
  #aside: { text: string; columns: number } | undefined;
  /** What was drawn elsewhere on the screen before. */
  #rows = '';

  write(text: string): void {
    if (this.#cells === undefined && this.#column === this.#length) {
      this.#text += text;
      this.#length += codePoints(text);
      this.#column = this.#length;
      return;
    }
    const cells = this.#reserve(this.#column + text.length);
    if (this.#column > this.#length) cells.fill(SPACE, this.#length, this.#column);
    this.#inkFrom = Math.min(this.#inkFrom, this.#column);
    for (const character of text) cells[this.#column++] = character.codePointAt(0) ?? SPACE;
    this.#length = Math.max(this.#length, this.#column);
  }

  moveTo(column: number): void {
    this.#column = Math.max(0, column);
  }

  moveBy(columns: number): void {
    this.moveTo(this.#column + columns);
  }

  /** Carries out a CSI sequence if it acts within the line; the others (colours, vertical moves) leave no trace. */
  control(final: string, parameters: string): void {
    const count = Math.min(Math.max(1, firstNumber(parameters)), MAX_MOVE_COLUMN);
    switch (final) {
      case 'K':
        this.#erase(firstNumber(parameters));
        break;
      case 'J':
        // Of the display that it erases, only this line is in sight.
        if (/^[02]?$/.test(parameters)) this.#erase(firstNumber(parameters));
        if (parameters === '2') this.#rows = '';
        break;
      case 'H':
      case 'f':
      case 'd':
        this.#leaveRow();
        break;
      case 'h':
      case 'l':
        if (ALTERNATE_SCREEN.test(parameters)) this.#switchScreen(final === 'h');
        break;
      case 'G':
      case '`':
        this.moveTo(count - 1);
        break;
      case 'C':
        this.moveTo(Math.max(this.#column, Math.min(this.#column + count, MAX_MOVE_COLUMN)));
        break;
      case 'D':
        this.moveBy(-count);
        break;
    }
  }

  /** What is drawn on the other screen goes when it does: the line is then again what it was. */
  #switchScreen(alternate: boolean): void {
    const aside = alternate ? undefined : this.#aside;
    if (!alternate) this.#aside = undefined;
    else this.#aside ??= { text: this.toString(), columns: this.#length };
    this.#rows = '';
    this.#begin(aside?.text, aside?.columns);
  }

  /** What full-screen programs draw at one place after the other is told apart by a space. */
  #leaveRow(): void {
    const row = this.#row().trim();
    if (row !== '') this.#rows += `${row} `;
    this.#begin();
  }

  #begin(text = '', columns = 0): void {
    this.#text = text;
    this.#cells = undefined;
    this.#inkFrom = 0;
    this.#length = this.#column = columns;
  }

  toString(): string {
    return this.#rows + this.#row();
  }

  #row(): string {
    if (this.#cells === undefined) return this.#text;
    let text = '';
    for (let index = 0; index < this.#length; index += POINTS_PER_CALL) {
      const points = this.#cells.subarray(index, Math.min(index + POINTS_PER_CALL, this.#length));
      text += String.fromCodePoint(...points);
    }
    return text;
  }

  /** Erase in line: 0 from the cursor on, 1 up to and including the cursor, 2 all of it. */
  #erase(mode: number): void {
    if (this.#length === 0 || (mode === 0 && this.#column >= this.#length)) return;
    const cells = this.#reserve(this.#length);
    if (mode === 0) {
      this.#length = this.#column;
    } else if (mode === 2) {
      this.#length = 0;
      // The cursor stays, but not so far out that blanking up to it again and again costs more than the input.
      this.#column = Math.min(this.#column, MAX_MOVE_COLUMN);
    } else if (mode === 1) {
      const to = Math.min(this.#column + 1, this.#length);
      if (this.#inkFrom < to) cells.fill(SPACE, this.#inkFrom, to);
      this.#inkFrom = Math.max(this.#inkFrom, to);
    }
  }

  #reserve(columns: number): Uint32Array {
    const old = this.#cells;
    if (old !== undefined && columns <= old.length) return old;
    const cells = new Uint32Array(Math.max(256, columns * 2));
    if (old !== undefined) {
      cells.set(old);
    } else {
      let column = 0;
      for (const character of this.#text) cells[column++] = character.codePointAt(0) ?? SPACE;
    }
    this.#cells = cells;
    return cells;
  }
}

function firstNumber(parameters: string): number {
  return Number.parseInt(parameters, 10) || 0;
}

function codePoints(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length; index++) {
    // A high surrogate shares its column with the low one after it.
    if ((text.charCodeAt(index) & 0xfc00) === 0xd800) count--;
  }
  return count;
}
