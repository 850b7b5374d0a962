import { LineCells } from './line-cells.ts';

const ESC = 0x1b;
/** An unfinished sequence longer than this is taken for text that happens to begin like one. */
const MAX_HELD_BYTES = 4096;

/** Anything but plain characters and tabs: C0, DEL and C1 controls, which include every escape sequence. */
const SPECIAL = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/;

/**
 * One alternative for each kind of special (ECMA-48, section 5.4 and 5.6), sticky. Each class excludes what begins the
 * next part, so a match never backtracks: linear in the line, whatever it holds.
 */
const CSI = /(?:\x1b\[|\x9b)([0-?]*)[ -/]*([@-~]?)/y;
/** OSC, DCS, SOS, PM, APC with their payload, up to BEL, ST or the end of the line. */
const STRING_SEQUENCE = /(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|)/y;
const SHORT_ESCAPE = /\x1b[ -/]*[0-~]?/y;
const COLOURS = /\x1b\[[0-9;:]*m/g;
const PLAIN = /[^\x00-\x08\x0a-\x1f\x7f-\x9f]+/y;

/**
 * The clean text of one line, given without its newline: UTF-8 decoded (U+FFFD where it is invalid), escape sequences
 * and control characters other than tab removed, and redraws (`\r`, backspace, cursor moves and erasures in the line)
 * folded to what a terminal would show in the end. One code point counts as one column.
 */
export function cleanLine(bytes: Uint8Array): string {
  return cleanString(decode(bytes));
}

/** As `cleanLine`, for text that is decoded already. */
export function cleanString(line: string): string {
  if (!SPECIAL.test(line)) return line;
  let end = line.length;
  while (end > 0 && line.charCodeAt(end - 1) === 0x0d) end--;
  // Most lines that are not plain are plain but for colours and a line end.
  const colourless = line.slice(0, end).replace(COLOURS, '');
  if (!SPECIAL.test(colourless)) return colourless;
  const cells = new LineCells();
  for (let index = 0; index < end;) {
    const plain = matchAt(PLAIN, line, index);
    if (plain !== null) {
      cells.write(plain[0]);
      index += plain[0].length;
    } else {
      index += applySpecial(line, index, cells);
    }
  }
  return cells.toString();
}

/** Carries out what stands at the index and returns its length. */
function applySpecial(line: string, index: number, cells: LineCells): number {
  const csi = matchAt(CSI, line, index);
  if (csi !== null) {
    cells.control(csi[2] ?? '', csi[1] ?? '');
    return csi[0].length;
  }
  const sequence = matchAt(STRING_SEQUENCE, line, index) ?? matchAt(SHORT_ESCAPE, line, index);
  if (sequence !== null) return sequence[0].length;
  const code = line.charCodeAt(index);
  if (code === 0x0d) cells.moveTo(0);
  else if (code === 0x08) cells.moveBy(-1);
  return 1;
}

function matchAt(pattern: RegExp, text: string, index: number): RegExpExecArray | null {
  pattern.lastIndex = index;
  return pattern.exec(text);
}

/** Bytes as UTF-8, with U+FFFD for what is invalid. */
export function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
}

/**
 * Where an unfinished UTF-8 character or escape sequence at the end begins, or the length where there is none: what
 * lies before it can be shown now, the rest only together with what follows.
 */
export function splitPoint(bytes: Uint8Array): number {
  return Math.min(splitCharacter(bytes), splitEscape(bytes));
}

/** Where an unfinished UTF-8 character at the end begins, or the length where there is none. */
export function splitCharacter(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : byte < 0xf8 ? 4 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

const UNFINISHED_ESCAPE = /^\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*|[ -/]*)$/;

function splitEscape(bytes: Uint8Array): number {
  const escape = bytes.lastIndexOf(ESC);
  if (escape === -1 || bytes.length - escape > MAX_HELD_BYTES) return bytes.length;
  const tail = Buffer.from(bytes.buffer, bytes.byteOffset + escape, bytes.length - escape).toString('latin1');
  return UNFINISHED_ESCAPE.test(tail) ? escape : bytes.length;
}
