import type { ModeState } from './terminal-modes.ts';

/** Longer text is marked as pasted, so that the program takes it as one piece: no completion, no indenting. */
const PASTE_CHARACTERS = 256;
const PASTE_BEGIN = '\x1b[200~';
const PASTE_END = '\x1b[201~';

/** Text for a pipe: as it is, with a newline unless it ends in one. */
export function pipedText(text: string, newline: boolean): string {
  return newline && !text.endsWith('\n') ? `${text}\n` : text;
}

/**
 * Text as a terminal sends it when typed or pasted: each line end is the Enter key, `\r`. Text of several lines, or a
 * long one, is marked as pasted where the program understands that.
 */
export function typedText(text: string, newline: boolean, modes: Readonly<ModeState>): string {
  const keys = text.replace(/\r?\n/g, '\r');
  const enter = keys.endsWith('\r') ? '\r' : '';
  const body = enter === '' ? keys : keys.slice(0, -1);
  const end = enter !== '' || newline ? '\r' : '';
  const pasted = modes.bracketedPaste && (body.includes('\r') || body.length > PASTE_CHARACTERS);
  // The end mark inside the text would let the rest of it be taken for typed keys.
  return (pasted ? PASTE_BEGIN + body.replaceAll(PASTE_END, '') + PASTE_END : body) + end;
}
