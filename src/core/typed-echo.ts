/** A prompt of a line editor before a line that continues the one above it: `> `, `... `, `   ...: `. */
const CONTINUATION_PROMPT = /^.{0,40}[>.:)\]] ?$/;

/**
 * Tells the lines by which a terminal, or the program's line editor, shows what was typed from those that answer it:
 * they are the first ones, and in the order typed. A program that prints the typed line and nothing before it, with
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
    const echoed =
      before === '' ||
      before === this.#prompt ||
      (this.#at > 0 && before !== undefined && CONTINUATION_PROMPT.test(before));
    this.#at = echoed ? this.#at + 1 : this.#sent.length;
    return echoed;
  }

  /** The text without the lines of echo that it begins with. */
  static remove(text: string, typed: string, prompt: string): string {
    const echo = new TypedEcho(typed, prompt);
    const lines = text.split('\n');
    const first = lines.findIndex((line, index) => !echo.take(line, index < lines.length - 1));
    return first === -1 ? '' : lines.slice(first).join('\n');
  }
}
