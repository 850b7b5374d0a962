import * as z from 'zod';
import { ERROR_CODES } from '../core/errors.ts';
import { PROBLEM_STATUSES } from './api/errors.ts';
import type { Route } from './api/route.ts';
import { ROUTES } from './api/routes.ts';

/** A node of the document: plain JSON. */
type Json = Record<string, unknown>;

const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe('What is wrong'),
  code: z
    .exactOptional(z.enum(ERROR_CODES))
    .describe('Absent where the request was refused before it was read'),
  hint: z.exactOptional(z.string()).describe('What to do next'),
  details: z.exactOptional(z.record(z.string(), z.unknown())),
});

/** The API in OpenAPI 3.1, made from the schemas that check requests and shape answers. */
export function openApiDocument(): Json {
  const paths: Record<string, Json> = {};
  for (const route of ROUTES)
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) };
  paths['/healthz'] = { get: HEALTH };
  return {
    openapi: '3.1.0',
    info: {
      title: 'Proctor',
      version: '1',
      description:
        'Starts, watches, drives and reliably ends processes. Times are ISO 8601, durations milliseconds, cursors byte offsets.',
    },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer' } },
      schemas: { Problem: jsonSchema(problemSchema) },
    },
  };
}

const HEALTH: Json = {
  operationId: 'health',
  summary: 'Whether a server is here; needs no token',
  security: [],
  responses: {
    200: {
      description: 'It is',
      content: jsonContent(jsonSchema(z.object({ name: z.literal('proctor'), status: z.literal('ok') }))),
    },
  },
};

function operationOf({ operation, summary, path, query, body, answer }: Route): Json {
  const parameters = [
    ...(path.includes('{id}') ? [ID] : []),
    ...Object.entries(query.shape).map(parameterOf),
  ];
  return {
    operationId: operation,
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { content: jsonContent(jsonSchema(body)) } }),
    responses: {
      [answer.status]: { description: answer.description, ...contentOf(answer) },
      default: {
        description: `A problem: ${PROBLEM_STATUSES.join(', ')} with a code, or 401, 413, 429 without`,
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}

const ID: Json = { name: 'id', in: 'path', required: true, schema: { type: 'string' } };

function parameterOf([name, field]: [string, z.core.$ZodType]): Json {
  const { description, ...schema } = jsonSchema(field);
  return { name, in: 'query', ...(description !== undefined && { description }), schema };
}

function contentOf({ schema, events }: Route['answer']): Json {
  if (schema === undefined && events === undefined) return {};
  return {
    content: {
      ...(schema && jsonContent(jsonSchema(schema))),
      ...(events && { 'text/event-stream': { schema: eventsSchema(events) } }),
    },
  };
}

/**
 * The specification has no words for events: this is the data of each, titled with the event's name. The name stands
 * beside the data, so that what some events say is valid as others, too.
 */
function eventsSchema(events: Readonly<Record<string, z.ZodType>>): Json {
  return {
    anyOf: Object.entries(events).map(([name, schema]) => ({ title: name, ...jsonSchema(schema) })),
  };
}

function jsonContent(schema: Json): Json {
  return { 'application/json': { schema } };
}

function jsonSchema(schema: z.core.$ZodType): Json {
  const { $schema, ...json } = z.toJSONSchema(schema, { io: 'input' });
  return $schema === undefined ? json : { ...json };
}
