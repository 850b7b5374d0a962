import * as z from 'zod';
import { ProcessError } from '../core/errors.ts';

type Issue = z.core.$ZodIssue;

/** A refused value is quoted up to this many characters: enough to recognise it. */
const QUOTE_LENGTH = 80;
const MAX_ISSUES = 5;

/** The arguments as the schema types them. Throws INVALID_ARGUMENT naming each wrong argument and what is expected. */
export function parseArguments<Input extends z.ZodObject>(
  tool: string,
  schema: Input,
  args: unknown,
): z.output<Input> {
  const parsed = schema.safeParse(args ?? {}, { reportInput: true });
  if (parsed.success) return parsed.data;
  const isUnknown = ({ code }: Issue): number => (code === 'unrecognized_keys' ? 0 : 1);
  const issues = strictest(parsed.error.issues).sort((a, b) => isUnknown(a) - isUnknown(b));
  const told = issues.slice(0, MAX_ISSUES).map((issue) => describeIssue(issue, schema));
  throw invalidArgument(told.join('; '), `Correct the call to ${tool} and repeat it.`);
}

/** Of several bounds that a value breaks in the same way the last: a schema adds its own to those it is made from. */
function strictest(issues: readonly Issue[]): Issue[] {
  const key = ({ code, path }: Issue): string => [code, ...path].map(String).join('\0');
  return [...new Map(issues.map((issue) => [key(issue), issue])).values()];
}

/** INVALID_ARGUMENT: what is wrong (no final stop), and a full sentence that says what to do. */
export function invalidArgument(message: string, hint: string): ProcessError {
  return new ProcessError('INVALID_ARGUMENT', `${message}.`, { hint });
}

/** Throws INVALID_ARGUMENT unless exactly one of the named arguments was given. */
export function requireOneOf(args: object, names: readonly string[]): void {
  const given = names.filter((name) => name in args);
  if (given.length === 1) return;
  const problem = given.length === 0 ? 'nothing was selected' : `${given.join(' and ')} exclude each other`;
  throw invalidArgument(`${problem}; expected: exactly one of ${names.join(', ')}`, 'Give exactly one.');
}

function describeIssue(issue: Issue, schema: z.ZodObject): string {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys')
    return describeUnknown(path, issue.keys, schemaAt(schema, issue.path));
  const found = issue.input === undefined ? 'is missing' : `is ${quote(issue.input)}`;
  return `${path === '' ? 'the arguments' : path} ${found}; expected: ${expectation(issue)}`;
}

function describeUnknown(path: string, keys: readonly string[], schema: z.ZodObject | undefined): string {
  const accepted = Object.keys(schema?.shape ?? {});
  const named = keys.slice(0, MAX_ISSUES).map((key) => {
    const guess = closest(key, [...accepted, ...(schema ? nestedNames(schema) : [])]);
    return `${quote(path === '' ? key : `${path}.${key}`)}${guess === undefined ? '' : ` (did you mean ${guess}?)`}`;
  });
  const noun = keys.length === 1 ? 'unknown argument' : 'unknown arguments';
  return `${noun} ${named.join(', ')}; expected: ${accepted.join(', ') || 'none'}`;
}

function quote(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= QUOTE_LENGTH ? text : `${text.slice(0, QUOTE_LENGTH)}… (${text.length} characters)`;
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'an integer',
  int: 'an integer',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

/** What a value must be, in words. Refinements and formats carry theirs as their message. */
function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPE_NAMES[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.length === 1
        ? quote(issue.values[0])
        : `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `at least ${Number(issue.minimum)}${unitOf(issue.origin)}`;
    case 'too_big':
      return `at most ${Number(issue.maximum)}${unitOf(issue.origin)}`;
    case 'invalid_union':
      return [...new Set(issue.errors.flatMap((branch) => branch.slice(0, 1).map(expectation)))].join(' or ');
    case 'invalid_key':
    case 'invalid_element':
      return issue.issues.slice(0, 1).map(expectation).join();
    case 'invalid_format':
    case 'not_multiple_of':
    case 'unrecognized_keys':
    case 'custom':
      return issue.message;
  }
}

function unitOf(origin: string): string {
  if (origin === 'string') return ' characters';
  return origin === 'array' ? ' items' : '';
}

function schemaAt(schema: z.ZodObject, path: readonly PropertyKey[]): z.ZodObject | undefined {
  let at: z.ZodObject | undefined = schema;
  for (const key of path) at = at && objectField(at, String(key));
  return at;
}

function objectField(schema: z.ZodObject, key: string): z.ZodObject | undefined {
  const field: unknown = schema.shape[key];
  const inner = field instanceof z.ZodExactOptional ? field.unwrap() : field;
  return inner instanceof z.ZodObject ? inner : undefined;
}

/** `wait_for.port` for a caller who wrote `port`: what an argument's own arguments are called. */
function nestedNames(schema: z.ZodObject): string[] {
  return Object.keys(schema.shape).flatMap((key) =>
    Object.keys(objectField(schema, key)?.shape ?? {}).map((inner) => `${key}.${inner}`),
  );
}

/** The accepted name that a misspelt, differently cased or misplaced one most likely stands for. */
function closest(name: string, accepted: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const wanted = plain(name).slice(0, 64);
  const ranked = accepted
    .map((candidate) => ({
      candidate,
      distance: editDistance(wanted, plain(candidate.replace(/^.*\./, ''))),
    }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best && best.distance <= Math.max(1, Math.floor(wanted.length / 3)) ? best.candidate : undefined;
}

/** Levenshtein distance, by the two-row dynamic programme of Wagner and Fischer. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const substituted = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      const edited = Math.min(previous[column] ?? 0, current[column - 1] ?? 0) + 1;
      current.push(Math.min(substituted, edited));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
