/** What a program has set of its terminal, as far as it changes what is to be sent to it. */
export interface ModeState {
  /** DECCKM: arrow keys are to be sent in their other form. */
  applicationCursor: boolean;
  /** Pasted text is to be marked as such. */
  bracketedPaste: boolean;
  /** A full-screen program shows its own screen. */
  alternateScreen: boolean;
}

const INITIAL: Readonly<ModeState> = {
  applicationCursor: false,
  bracketedPaste: false,
  alternateScreen: false,
};

/** Private modes of xterm ("DEC Private Mode Set") by what they mean here. */
const MEANINGS: Readonly<Record<string, keyof ModeState>> = {
  1: 'applicationCursor',
  47: 'alternateScreen',
  1047: 'alternateScreen',
  1049: 'alternateScreen',
  2004: 'bracketedPaste',
};

const ESC = 0x1b;
/** Set and reset of private modes, and the full reset. */
const MODE_CHANGE = /\x1b(?:\[\?([\d;]+)([hl])|c)/g;
const UNFINISHED = /\x1b(?:\[(?:\?[\d;]*)?)?$/;
/** A sequence longer than this is none of ours. */
const MAX_SEQUENCE = 64;

/**
 * Follows the mode changes in a terminal's output. Output without escape sequences costs one search for that byte; the
 * modes must be followed as they are set, since what set them may be evicted by the time they are asked for.
 */
export class TerminalModes {
  #state: ModeState = { ...INITIAL };
  /** The beginning of a sequence that a chunk ended in. */
  #held = '';
  #seen = 0;
  #backAt = 0;

  get current(): Readonly<ModeState> {
    return this.#state;
  }

  /** How many bytes had been printed when the alternate screen was last left; 0 before that. */
  get backAt(): number {
    return this.#backAt;
  }

  push(chunk: Uint8Array): void {
    const from = this.#seen - this.#held.length;
    this.#seen += chunk.length;
    if (this.#held === '' && !chunk.includes(ESC)) return;
    const text = this.#held + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length).toString('latin1');
    for (const change of text.matchAll(MODE_CHANGE)) {
      const [whole, numbers, final] = change;
      if (numbers === undefined) {
        this.#state = { ...INITIAL };
        continue;
      }
      for (const number of numbers.split(';')) {
        const meaning = MEANINGS[number];
        if (meaning !== undefined) this.#state[meaning] = final === 'h';
        if (meaning === 'alternateScreen' && final === 'l') this.#backAt = from + change.index + whole.length;
      }
    }
    this.#held = UNFINISHED.exec(text.slice(-MAX_SEQUENCE))?.[0] ?? '';
  }
}
