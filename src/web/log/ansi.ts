/** How a stretch of text looks. Colours are a palette index, or `#rrggbb`; absent where the default holds. */
export interface Style {
  fg?: number | string;
  bg?: number | string;
  bold?: true;
  dim?: true;
  italic?: true;
  underline?: true;
  inverse?: true;
  strike?: true;
}

export interface Span {
  text: string;
  style: Style;
}

export const PLAIN: Style = {};

/** Control sequences (ECMA-48), operating system commands, other escapes, control characters; the rest is text. */
const TOKENS =
  /\x1b\[([\d;:?<=>!]*)[ -/]*([@-~])|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?|[\x00-\x1f\x7f\x9b]|[^\x00-\x1f\x7f\x9b]+/g;

/** True where text is not simply what it shows. */
export function hasControls(raw: string): boolean {
  return /[\x00-\x08\x0a-\x1f\x7f\x9b]/.test(raw);
}

/** The style in force after this text, if it began with the given one. */
export function styleAfter(raw: string, start: Style): Style {
  let style = start;
  for (const [, codes = ''] of raw.matchAll(/\x1b\[([\d;:]*)m/g)) style = applySgr(style, codes);
  return style;
}

/** What one line shows once all of it has been drawn: colours become spans, redraws keep their final state. */
export function drawLine(raw: string, start: Style): Span[] {
  if (!hasControls(raw)) return raw === '' ? [] : [{ text: raw, style: start }];
  const chars: string[] = [];
  const styles: Style[] = [];
  let at = 0;
  let style = start;
  for (const [token, parameters = '', final] of raw.matchAll(TOKENS)) {
    if (final === 'm') style = applySgr(style, parameters);
    else if (final !== undefined) at = moved(at, Number.parseInt(parameters, 10), final, chars, styles);
    else if (token === '\r') at = 0;
    else if (token === '\b') at = Math.max(0, at - 1);
    else if (token === '\t' || token >= ' ') {
      for (const char of token) {
        while (chars.length < at) {
          chars.push(' ');
          styles.push(PLAIN);
        }
        chars[at] = char;
        styles[at++] = style;
      }
    }
  }
  return toSpans(chars, styles);
}

/** Cursor movements and erasures within the line; returns the new column. */
function moved(at: number, count: number, final: string, chars: string[], styles: Style[]): number {
  const steps = Number.isNaN(count) ? 1 : Math.min(count, 10_000);
  switch (final) {
    case 'K':
      if (count === 1) {
        chars.fill(' ', 0, at);
        styles.fill(PLAIN, 0, at);
      } else {
        const from = count === 2 ? 0 : at;
        chars.length = Math.min(chars.length, from);
        styles.length = chars.length;
      }
      return at;
    case 'C':
      return at + steps;
    case 'D':
      return Math.max(0, at - steps);
    case 'G':
      return Math.max(0, steps - 1);
    default:
      return at;
  }
}

function toSpans(chars: readonly string[], styles: readonly Style[]): Span[] {
  const spans: Span[] = [];
  chars.forEach((char, index) => {
    const style = styles[index] ?? PLAIN;
    const last = spans.at(-1);
    if (last?.style === style) last.text += char;
    else spans.push({ text: char, style });
  });
  return spans;
}

/** Select Graphic Rendition: the parameters of `ESC [ … m`. */
function applySgr(before: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map((code) => Number(code));
  let style: Style = { ...before };
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 0) style = {};
    else if (code === 38 || code === 48) {
      const [colour, taken] = extendedColour(codes.slice(i + 1));
      i += taken;
      if (colour !== undefined) style = { ...style, ...(code === 38 ? { fg: colour } : { bg: colour }) };
    } else style = simpleSgr(style, code);
  }
  return Object.keys(style).length === 0 ? PLAIN : style;
}

function simpleSgr(style: Style, code: number): Style {
  if (code >= 30 && code <= 37) return { ...style, fg: code - 30 };
  if (code >= 90 && code <= 97) return { ...style, fg: code - 82 };
  if (code >= 40 && code <= 47) return { ...style, bg: code - 40 };
  if (code >= 100 && code <= 107) return { ...style, bg: code - 92 };
  const set: Readonly<Record<number, Style>> = {
    1: { bold: true },
    2: { dim: true },
    3: { italic: true },
    4: { underline: true },
    7: { inverse: true },
    9: { strike: true },
  };
  const unset: Readonly<Record<number, readonly (keyof Style)[]>> = {
    22: ['bold', 'dim'],
    23: ['italic'],
    24: ['underline'],
    27: ['inverse'],
    29: ['strike'],
    39: ['fg'],
    49: ['bg'],
  };
  const without = unset[code];
  if (without === undefined) return { ...style, ...set[code] };
  const rest = { ...style };
  for (const key of without) Reflect.deleteProperty(rest, key);
  return rest;
}

/** `5;n` is one of 256, `2;r;g;b` a colour of its own. Returns it and how many parameters it took. */
function extendedColour([kind, ...rest]: readonly number[]): [number | string | undefined, number] {
  const [a = 0, b = 0, c = 0] = rest;
  if (kind === 5) return [a < 16 ? a : paletteColour(a), 2];
  if (kind === 2) return [hex(a, b, c), 4];
  return [undefined, 0];
}

/** xterm's palette: a 6×6×6 cube from 16, then 24 greys. */
function paletteColour(index: number): string {
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return hex(grey, grey, grey);
  }
  const level = (step: number): number => (step === 0 ? 0 : 55 + step * 40);
  const cube = index - 16;
  return hex(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

function hex(...parts: number[]): string {
  return `#${parts.map((part) => Math.min(255, part).toString(16).padStart(2, '0')).join('')}`;
}
