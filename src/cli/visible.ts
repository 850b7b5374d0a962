/** Controls but tab and newline (C0, DEL, C1), and what breaks or reorders a line (Unicode UAX #14 and #9). */
const UNSEEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g;
/** "␀", the first of the pictures of C0. */
const PICTURES = 0x2400;
const DELETE = '\u2421';
const OTHER = '\ufffd';

/** Text that agents chose, made fit for a person's terminal: what would drive it is shown, one character for each. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (unseen) => {
    const code = unseen.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(PICTURES + code);
    return code === 0x7f ? DELETE : OTHER;
  });
}

/** As `visible`, on one line. */
export function visibleLine(text: string): string {
  return visible(text.replace(/\s+/g, ' '));
}

/** JSON says the same where these are escaped; JSON.stringify does so for C0 alone. */
export function visibleJson(value: unknown, indent: number): string {
  return JSON.stringify(value, undefined, indent).replace(
    UNSEEN,
    (unseen) => `\\u${unseen.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
