/*
 * Writes the tool reference into README.md, between its markers, from the schemas that clients see. With --check it
 * writes nothing and fails when the reference is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { TOOLS } from '../src/tools/catalog.ts';
import type { Tool } from '../src/tools/define-tool.ts';
import { toJsonSchema } from '../src/tools/json-schema.ts';

const README = resolve(import.meta.dirname, '../README.md');
const BEGIN = '<!-- tools:begin -->';
const END = '<!-- tools:end -->';

/** The JSON Schema keywords that tools use. */
interface Property {
  type?: string | string[] | undefined;
  description?: string | undefined;
  enum?: unknown[] | undefined;
  const?: unknown;
  minimum?: number | undefined;
  maximum?: number | undefined;
  anyOf?: Property[] | undefined;
  items?: Property | undefined;
  properties?: Record<string, Property> | undefined;
  required?: string[] | undefined;
}

const property: z.ZodType<Property> = z.object({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  description: z.string().optional(),
  enum: z.array(z.unknown()).optional(),
  const: z.unknown().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  anyOf: z.lazy(() => z.array(property)).optional(),
  items: z.lazy(() => property).optional(),
  properties: z.lazy(() => z.record(z.string(), property)).optional(),
  required: z.array(z.string()).optional(),
});

function typeOf(schema: Property): string {
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  if (schema.items) return `array of ${typeOf(schema.items)}`;
  return `${String(schema.type)}${rangeOf(schema)}`;
}

function rangeOf({ minimum, maximum }: Property): string {
  if (minimum !== undefined && maximum !== undefined) return ` ${minimum}–${maximum}`;
  return minimum === undefined ? '' : ` ≥ ${minimum}`;
}

function argumentRows(schema: Property, prefix = ''): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const required = schema.required?.includes(name) === true ? ' (required)' : '';
    const cells = [`\`${prefix}${name}\`${required}`, typeOf(field), field.description ?? ''];
    const row = `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
    return [row, ...argumentRows(field, `${prefix}${name}.`)];
  });
}

function answerLine(tool: Tool): string {
  if (!tool.output) return 'Answers with text.';
  const { properties = {}, required = [] } = property.parse(toJsonSchema(tool.output));
  const names = Object.keys(properties).map((name) => `\`${name}${required.includes(name) ? '' : '?'}\``);
  return `Answers with ${names.join(', ')}, as structured content and as text.`;
}

function section(tool: Tool): string {
  const rows = argumentRows(property.parse(toJsonSchema(tool.input)));
  const hints = Object.keys(tool.annotations).map((hint) => `\`${hint}\``);
  return [
    `### ${tool.name}`,
    tool.description,
    ['| argument | type | |', '| --- | --- | --- |', ...rows].join('\n'),
    `${answerLine(tool)}${hints.length > 0 ? ` Hints: ${hints.join(', ')}.` : ''}`,
  ].join('\n\n');
}

function withReference(readme: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin === -1 || end < begin) throw new Error(`README.md lacks the markers ${BEGIN} and ${END}`);
  const sections = TOOLS.map(section).join('\n\n');
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${sections}\n\n${readme.slice(end)}`;
}

const current = readFileSync(README, 'utf8');
const wanted = withReference(current);
if (!process.argv.includes('--check')) {
  writeFileSync(README, wanted);
} else if (wanted !== current) {
  process.stderr.write(
    'The tool reference in README.md is stale. Run "npm run docs" and commit the result.\n',
  );
  process.exitCode = 1;
}
