import { ProcessError } from '../errors.ts';

/** The keys by name, as an error lists them; modifiers go before any of them. */
const KEY_HELP =
  'enter, tab, esc, space, backspace, up, down, left, right, home, end, page-up, page-down, insert, delete, f1 to ' +
  'f12, or a single character; with ctrl-, alt- or shift- before it, as in ctrl-c, alt-x, shift-tab';

/** Keys that send one byte whatever mode the terminal is in. */
const PLAIN: Readonly<Record<string, string>> = {
  enter: '\r',
  tab: '\t',
  esc: '\x1b',
  space: ' ',
  backspace: '\x7f',
};

/** Final letters of the sequences (xterm, "PC-Style Function Keys"). */
const CURSOR: Readonly<Record<string, string>> = {
  up: 'A',
  down: 'B',
  right: 'C',
  left: 'D',
  home: 'H',
  end: 'F',
};
const FUNCTION_LETTER: Readonly<Record<string, string>> = { f1: 'P', f2: 'Q', f3: 'R', f4: 'S' };
/** Numbers before the final tilde of the others; 16 and 22 were keys of the VT220 that nobody has. */
const NUMBERED: Readonly<Record<string, number>> = {
  insert: 2,
  delete: 3,
  'page-up': 5,
  'page-down': 6,
  f5: 15,
  f6: 17,
  f7: 18,
  f8: 19,
  f9: 20,
  f10: 21,
  f11: 23,
  f12: 24,
};
const ALIASES: Readonly<Record<string, string>> = {
  return: 'enter',
  escape: 'esc',
  'arrow-up': 'up',
  'arrow-down': 'down',
  'arrow-left': 'left',
  'arrow-right': 'right',
  pageup: 'page-up',
  pagedown: 'page-down',
  pgup: 'page-up',
  pgdn: 'page-down',
  del: 'delete',
  ins: 'insert',
};

const ONE_CHARACTER = /^.$/su;

interface Modifiers {
  shift: boolean;
  alt: boolean;
  ctrl: boolean;
}

/**
 * What a terminal sends for these keys. `applicationCursor`: the program has asked for the other form of the arrow
 * keys, home and end (DECCKM). Throws INVALID_ARGUMENT, with the list, for a name that is no key.
 */
export function encodeKeys(names: readonly string[], applicationCursor: boolean): string {
  return names.map((name, index) => encodeKey(name, applicationCursor) ?? refuse(name, index)).join('');
}

function encodeKey(name: string, applicationCursor: boolean): string | undefined {
  // A character by itself is that key, "-" too.
  if (ONE_CHARACTER.test(name)) return name;
  const modifiers: Modifiers = { shift: false, alt: false, ctrl: false };
  let rest = name;
  for (;;) {
    const [whole, word = ''] = /^(ctrl|alt|shift)[-+](?=.)/i.exec(rest) ?? [];
    if (whole === undefined) break;
    rest = rest.slice(whole.length);
    const modifier = word.toLowerCase();
    if (modifier === 'ctrl') modifiers.ctrl = true;
    else if (modifier === 'alt') modifiers.alt = true;
    else modifiers.shift = true;
  }
  if (ONE_CHARACTER.test(rest)) return encodeCharacter(rest, modifiers);
  const key = rest.toLowerCase();
  return encodeNamed(ALIASES[key] ?? key, modifiers, applicationCursor);
}

function encodeCharacter(character: string, { shift, alt, ctrl }: Modifiers): string | undefined {
  const shifted = shift ? character.toUpperCase() : character;
  const code = ctrl ? controlCode(character) : shifted;
  return code === undefined ? undefined : alt ? `\x1b${code}` : code;
}

/** The control character of `a` to `z` and `@ [ \ ] ^ _`: its code with the upper bits cleared; `?` is DEL. */
function controlCode(character: string): string | undefined {
  const code = character.toUpperCase().charCodeAt(0);
  if (character === '?') return '\x7f';
  return code >= 0x40 && code <= 0x5f ? String.fromCharCode(code & 0x1f) : undefined;
}

function encodeNamed(key: string, modifiers: Modifiers, applicationCursor: boolean): string | undefined {
  const { shift, alt, ctrl } = modifiers;
  const plain = PLAIN[key];
  if (plain !== undefined) {
    if (key === 'tab' && shift) return '\x1b[Z';
    const code = ctrl && key === 'space' ? '\0' : ctrl && key === 'backspace' ? '\b' : plain;
    return alt ? `\x1b${code}` : code;
  }
  const modifier = 1 + (shift ? 1 : 0) + (alt ? 2 : 0) + (ctrl ? 4 : 0);
  const cursor = CURSOR[key];
  const letter = cursor ?? FUNCTION_LETTER[key];
  if (letter !== undefined) {
    if (modifier > 1) return `\x1b[1;${modifier}${letter}`;
    return cursor !== undefined && !applicationCursor ? `\x1b[${letter}` : `\x1bO${letter}`;
  }
  const number = NUMBERED[key];
  if (number === undefined) return undefined;
  return modifier > 1 ? `\x1b[${number};${modifier}~` : `\x1b[${number}~`;
}

function refuse(name: string, index: number): never {
  throw new ProcessError('INVALID_ARGUMENT', `keys[${index}]: ${JSON.stringify(name)} is no key.`, {
    hint: `Known are: ${KEY_HELP}. Text that is to be typed goes into text.`,
  });
}
