import type * as z from 'zod';
import type { CallContext, ProcessService } from '../core/service.ts';
import { parseArguments } from './validate.ts';

/** Hints for a client's confirmation policy, as the protocol names them. */
export interface ToolAnnotations {
  readOnlyHint?: boolean;
  destructiveHint?: boolean;
  idempotentHint?: boolean;
  openWorldHint?: boolean;
}

/** One answer in two forms that carry the same facts: some clients show the model only one of them. */
export interface ToolAnswer<Value = object> {
  /** Matches the tool's output schema; absent where the tool has none. */
  value?: Value;
  text: string;
}

interface ToolFacts {
  name: string;
  title: string;
  /** Written for a language model: what it does, when to use it, what comes back. */
  description: string;
  annotations: ToolAnnotations;
}

/** A tool as its author writes it: the handler sees checked arguments and returns what the schema promises. */
export interface ToolDefinition<Input extends z.ZodObject, Output extends z.ZodObject> extends ToolFacts {
  input: Input;
  output?: Output;
  handler: (
    args: z.output<Input>,
    service: ProcessService,
    context: CallContext,
  ) => Promise<ToolAnswer<z.output<Output>>>;
}

/** A tool as faces see it, whatever its argument types. */
export interface Tool extends ToolFacts {
  input: z.ZodObject;
  output?: z.ZodObject;
  /** Checks the arguments, then runs. Rejects with a ProcessError; INVALID_ARGUMENT names what is wrong. */
  call(args: unknown, service: ProcessService, context: CallContext): Promise<ToolAnswer>;
}

/** Ties a handler to its schemas, so that neither can drift from the other. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>(
  definition: ToolDefinition<Input, Output>,
): Tool {
  const { name, title, description, annotations, input, output, handler } = definition;
  return {
    name,
    title,
    description,
    annotations,
    input,
    ...(output && { output }),
    call: async (args, service, context) => handler(parseArguments(name, input, args), service, context),
  };
}
