import type * as z from 'zod';

/**
 * The parameters of a query as values that a schema can check: each is read as the first of text, number and flag that
 * its field accepts. A bare `?raw` is true; one given several times is a list. What no reading fits stays as it came,
 * for the schema to refuse.
 */
export function readQuery(schema: z.ZodObject, query: URLSearchParams): Record<string, unknown> {
  const names = [...new Set(query.keys())];
  return Object.fromEntries(names.map((name) => [name, valueOf(schema.shape[name], query.getAll(name))]));
}

function valueOf(field: unknown, given: readonly string[]): unknown {
  const [first = ''] = given;
  const asCame = given.length === 1 ? first : given;
  const readings = given.length === 1 ? [...scalarReadings(first), given] : [given];
  return readings.find((value) => accepts(field, value)) ?? asCame;
}

function scalarReadings(text: string): unknown[] {
  const number = /^-?\d+$/.test(text) ? [Number(text)] : [];
  const flags: Readonly<Record<string, boolean>> = { '': true, true: true, 1: true, false: false, 0: false };
  const flag = Object.hasOwn(flags, text) ? [flags[text]] : [];
  return [text, ...number, ...flag];
}

function accepts(field: unknown, value: unknown): boolean {
  return isSchema(field) && field.safeParse(value).success;
}

function isSchema(field: unknown): field is z.ZodType {
  return typeof field === 'object' && field !== null && 'safeParse' in field;
}
