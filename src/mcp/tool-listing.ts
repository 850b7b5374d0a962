import type { Tool as WireTool } from '@modelcontextprotocol/server';
import { TOOLS } from '../tools/catalog.ts';
import type { Tool } from '../tools/define-tool.ts';
import { toJsonSchema } from '../tools/json-schema.ts';

/**
 * The tools as the protocol lists them, always in the same order. It is plain data that follows from the sources: the
 * build works it out and puts it in the place of this module, so that no start of a server has to.
 */
export const TOOL_LISTING: readonly WireTool[] = TOOLS.map(describeTool);

function describeTool({ name, title, description, input, output, annotations }: Tool): WireTool {
  return {
    name,
    title,
    description,
    inputSchema: toJsonSchema(input),
    ...(output && { outputSchema: toJsonSchema(output) }),
    annotations: { title, ...annotations },
  };
}
