import * as z from 'zod';

/** A JSON Schema whose root is an object, as the protocol asks of tools. */
export interface ObjectSchema {
  [key: string]: unknown;
  type: 'object';
}

/** Larger bounds than any sensible value, such as the safe integers that zod states for every number. */
const UNSTATED_MAXIMUM = 2 ** 31 - 1;

/**
 * The JSON Schema of a tool's arguments or answer, without what says nothing: every byte is read by a model. It may
 * admit more than the schema does, never less.
 */
export function toJsonSchema(schema: z.ZodObject): ObjectSchema {
  const json = z.toJSONSchema(schema, {
    io: 'input',
    override: ({ jsonSchema }) => {
      // These only guard against abuse: whoever meets one is told so, the others need not read about it.
      delete jsonSchema.minLength;
      delete jsonSchema.maxLength;
      delete jsonSchema.pattern;
      delete jsonSchema.propertyNames;
      if (jsonSchema.minItems !== jsonSchema.maxItems) {
        delete jsonSchema.minItems;
        delete jsonSchema.maxItems;
      }
      if ((jsonSchema.maximum ?? 0) >= UNSTATED_MAXIMUM) delete jsonSchema.maximum;
      if ((jsonSchema.minimum ?? 0) <= -UNSTATED_MAXIMUM) delete jsonSchema.minimum;
    },
  });
  delete json.$schema;
  return { ...json, type: 'object' };
}
