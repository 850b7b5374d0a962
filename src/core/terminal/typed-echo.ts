/** A prompt of a line editor before a line that continues the one above it: `> `, `... `, `   ...: `. */
const CONTINUATION_PROMPT = /^.{0,40}[>.:)\]] ?$/;

/**
 * Tells the lines by which a terminal, or the program's line editor, shows what was typed from those that answer it:
 * they are the first ones, and in the order typed. An editor that marks pasted lines draws them all a second time,
 * going up from the last one. A program that prints the typed line and nothing before it, with
 * the terminal's echo off, looks the same.
 */
export class TypedEcho {
  readonly #sent: string[];
  readonly #prompt: string;
  #at = 0;

  /** `prompt` is the unfinished line that the first typed line was shown behind: an editor may draw it again. */
  constructor(typed: string, prompt: string) {
    this.#sent = typed
      .replace(/\r?\n$/, '')
      .split(/\r?\n/)
      .map((line) => line.trimEnd());
    this.#prompt = prompt;
  }

  /** Whether this next line is echo. An unfinished one is as long as it may become that. */
  take(line: string, complete: boolean): boolean {
    const sent = this.#sent[this.#at];
    if (sent === undefined) return false;
    const text = line.trimEnd();
    if (!complete) return [sent, this.#prompt + sent].some((echo) => echo.startsWith(text));
    const before = text.endsWith(sent) ? text.slice(0, text.length - sent.length) : undefined;
    if (before !== undefined && this.#standsBefore(before, sent)) {
      this.#at++;
      return true;
    }
    const [first = ''] = this.#sent;
    const drawnAgain = this.#at > 0 && text.startsWith(sent) && text.endsWith(first);
    this.#at = drawnAgain ? 1 : this.#sent.length;
    return drawnAgain;
  }

  /** A prompt, the blanks of one that stands further up in the output, or as much of the line itself as the prompt is long where an editor draws it twice. */
  #standsBefore(before: string, sent: string): boolean {
    if (before.trim() === '' || before === this.#prompt) return true;
    return this.#at > 0 ? CONTINUATION_PROMPT.test(before) : sent.startsWith(before);
  }

  /** The text without the lines of echo that it begins with. */
  static remove(text: string, typed: string, prompt: string): string {
    const echo = new TypedEcho(typed, prompt);
    const lines = text.split('\n');
    const first = lines.findIndex((line, index) => !echo.take(line, index < lines.length - 1));
    return first === -1 ? '' : lines.slice(first).join('\n');
  }
}
