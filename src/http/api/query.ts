import type * as z from 'zod';

/**
 * The parameters of a query as values that a schema can check: each is read as the first of text, number and flag that
 * its field accepts. A bare `?raw` is true. What no reading fits stays text, for the schema to refuse.
 */
export function readQuery(schema: z.ZodObject, query: URLSearchParams): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const name of new Set(query.keys())) {
    const field: unknown = schema.shape[name];
    const given = query.getAll(name);
    const [first = ''] = given;
    const readings = [...(given.length === 1 ? scalarReadings(first) : []), given];
    values[name] = readings.find((value) => accepts(field, value)) ?? first;
  }
  return values;
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
