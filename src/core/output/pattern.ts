import type { RE2JS } from 're2js';
import { ProcessError } from '../errors.ts';

export interface PatternHit {
  /** Capture groups by position, starting with group 1; null where a group took no part. */
  groups: (string | null)[];
  named: Record<string, string | null>;
}

/** A compiled pattern, for one line at a time. */
export interface Pattern {
  readonly source: string;
  test(line: string): boolean;
  /**
   * What it captured, or null without a match. A line that only contains the source verbatim captures nothing. With
   * `beyond`, a match counts only if it ends after that index.
   */
  exec(line: string, beyond?: number): PatternHit | null;
  /** Where its first match begins and ends, or null without one. */
  find(line: string): readonly [start: number, end: number] | null;
}

/** Longer patterns are mistakes, and matching takes time in proportion to the pattern. */
const MAX_PATTERN_CHARS = 1000;
/** Instructions of a compiled pattern: nested repetition multiplies them, and the time a line takes with them. */
const MAX_PROGRAM_SIZE = 5000;
const META = /[\\^$.|?*+()[\]{}]/;

/**
 * Compiles RE2 syntax (https://github.com/google/re2/wiki/Syntax); matching takes time linear in the line. A line
 * that contains the source verbatim matches too, so `Ready (stderr)` needs no escaping.
 *
 * Rejects with ProcessError `INVALID_PATTERN`, which names the construct that is not supported.
 */
export async function compilePattern(source: string): Promise<Pattern> {
  refuseMisfits(source);
  if (!META.test(source)) return literal(source);
  const expression = await compile(source);
  if (expression.programSize() > MAX_PROGRAM_SIZE) {
    throw invalid(source, 'it repeats too much', 'Use smaller repeat counts, or + and * instead of them.');
  }
  // Verbatim first: a substring search costs next to nothing beside the automaton.
  const test = (line: string): boolean => line.includes(source) || expression.test(line);
  return {
    source,
    test,
    exec(line, beyond) {
      if (!test(line)) return null;
      const matcher = expression.matcher(line);
      do {
        if (!matcher.find()) return execVerbatim(source, line, beyond);
      } while (beyond !== undefined && matcher.end() <= beyond);
      const groups = Array.from({ length: matcher.groupCount() }, (_, group) => matcher.group(group + 1));
      return { groups, named: { ...matcher.getNamedGroups() } };
    },
    find(line) {
      const matcher = expression.matcher(line);
      return matcher.find() ? [matcher.start(), matcher.end()] : findVerbatim(source, line);
    },
  };
}

function literal(source: string): Pattern {
  return {
    source,
    test: (line) => line.includes(source),
    exec: (line, beyond) => execVerbatim(source, line, beyond),
    find: (line) => findVerbatim(source, line),
  };
}

function findVerbatim(source: string, line: string): [start: number, end: number] | null {
  const start = line.indexOf(source);
  return start === -1 ? null : [start, start + source.length];
}

function execVerbatim(source: string, line: string, beyond = 0): PatternHit | null {
  return line.includes(source, beyond - source.length + 1) ? { groups: [], named: {} } : null;
}

function refuseMisfits(source: string): void {
  if (source === '') {
    throw invalid(
      source,
      'it is empty',
      'Give the text or the RE2 expression to look for; "." matches any line but an empty one.',
    );
  }
  if (source.length > MAX_PATTERN_CHARS) {
    const length = `it has ${source.length} characters, at most ${MAX_PATTERN_CHARS} are allowed`;
    throw invalid(source, length, 'Look for a shorter part of the line.');
  }
  if (source.includes('\0')) {
    throw invalid(source, 'it contains a NUL character', 'Clean text never contains one: leave it out.');
  }
  if (/[\r\n]/.test(source)) {
    const hint =
      'Patterns are matched against one line at a time, without its line end: look for a part of one line.';
    throw invalid(source, 'it contains a line break', hint);
  }
}

/** The engine is as large as all of the server beside it: it is loaded when there is something for it to match. */
async function compile(source: string): Promise<RE2JS> {
  const { RE2JS, RE2JSException } = await import('re2js');
  try {
    return RE2JS.compile(source);
  } catch (error) {
    const { what, hint } = explain(source);
    const reason =
      error instanceof RE2JSException ? error.message.replace(/^error parsing regexp: /, '') : 'not parsable';
    throw invalid(source, what ?? reason, hint, error);
  }
}

/** Constructs of other dialects that RE2 leaves out because they cannot be matched in linear time, or at all. */
const FOREIGN: readonly (readonly [start: RegExp, what: string, hint: string])[] = [
  [/^\(\?=/, 'lookahead (?=…)', 'Match the text itself and use a capture group.'],
  [/^\(\?!/, 'negative lookahead (?!…)', 'Match what should be there instead of excluding the rest.'],
  [/^\(\?<=/, 'lookbehind (?<=…)', 'Match the text before as well and use a capture group.'],
  [/^\(\?<!/, 'negative lookbehind (?<!…)', 'Match what should be there instead of excluding the rest.'],
  [/^\(\?>/, 'atomic group (?>…)', 'Use a plain group: matching is linear without it.'],
  [/^\(\?\(/, 'conditional (?(…)…)', 'Use alternatives: a|b.'],
  [/^\(\?#/, 'comment (?#…)', 'Leave the comment out.'],
  [/^\(\?P=\w+\)/, 'back-reference (?P=…)', 'Write the repeated part out.'],
  [/^\(\?(?:R|P>|&|[0-9])/, 'recursion', 'Write the nested part out as often as it occurs.'],
  [/^\\[1-9]/, 'back-reference \\1', 'Write the repeated part out.'],
  [/^\\k[<{']/, 'back-reference \\k<…>', 'Write the repeated part out.'],
  [/^\\u[0-9A-Fa-f]{4}/, 'escape \\uXXXX', 'Write \\x{XXXX} or the character itself.'],
  [/^[*+?}]\+/, 'possessive quantifier', 'Leave the second + out: matching is linear without it.'],
];

const ESCAPE_HINT =
  'The syntax is RE2. To look for special characters themselves, put a backslash before each, as in Ready \\(stderr\\).';

/** Finds the first foreign construct outside character classes, where they would be plain characters. */
function explain(source: string): { what?: string; hint: string } {
  let inClass = false;
  for (let index = 0; index < source.length; index++) {
    const rest = source.slice(index);
    const found = inClass ? undefined : FOREIGN.find(([start]) => start.test(rest));
    if (found !== undefined) {
      const [, what, hint] = found;
      return { what: `it uses a ${what}, which RE2 does not have`, hint };
    }
    const character = source[index];
    if (character === '\\') index++;
    else if (character === '[') inClass = true;
    else if (character === ']') inClass = false;
  }
  return { hint: ESCAPE_HINT };
}

function invalid(source: string, what: string, hint: string, cause?: unknown): ProcessError {
  const shown = source.length > 80 ? `${source.slice(0, 80)}…` : source;
  const message = `The pattern ${JSON.stringify(shown)} cannot be used: ${what}.`;
  return new ProcessError('INVALID_PATTERN', message, {
    hint,
    details: { pattern: shown },
    ...(cause !== undefined && { cause }),
  });
}
