import { setTimeout as sleep } from 'node:timers/promises';
import {
  MissingRequiredClientCapabilityError,
  ProtocolError,
  ProtocolErrorCode,
  type CallToolResult,
  type GetPromptResult,
  type McpServer,
  type ReadResourceResult,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { ProcessService } from '../../src/core/service.ts';
import { listResources, readResource, RESOURCE_TEMPLATES } from '../../src/mcp/resources.ts';
import { createMcpServer } from '../../src/mcp/server.ts';
import { takesTasks, TASKS_EXTENSION } from '../../src/mcp/task-methods.ts';
import { callTool } from '../../src/mcp/tool-adapter.ts';
import { TOOL_LISTING } from '../../src/mcp/tool-listing.ts';
import { TOOLS } from '../../src/tools/catalog.ts';

/** The smallest PNG (one red pixel) and WAV (no sample) there are. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
const WAV = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=';

const image = { type: 'image' as const, data: PNG, mimeType: 'image/png' };
const say = (text: string): CallToolResult => ({ content: [{ type: 'text', text }] });
const embed = (uri: string, mimeType: string, text: string) => ({
  type: 'resource' as const,
  resource: { uri, mimeType, text },
});

type FixtureTool = (
  args: Record<string, unknown>,
  request: ServerContext,
) => CallToolResult | Promise<CallToolResult>;

/* eslint-disable @typescript-eslint/no-deprecated -- sessions up to 2025-11-25 are asked in this way, and in no other */

/** Asks the client's user for the values of a form, and says what came back. */
function elicits(message: string, properties: Record<string, object>): FixtureTool {
  return async (_, { mcpReq }) => {
    const requestedSchema = { type: 'object' as const, properties, required: [] };
    const { action, content } = await mcpReq.elicitInput({ message, requestedSchema } as never, {
      relatedRequestId: mcpReq.id,
    });
    return say(`Elicitation completed: action=${action}, content=${JSON.stringify(content ?? {})}`);
  };
}

const options = (name: string) => [1, 2, 3].map((n) => ({ const: `value${n}`, title: `${name} ${n}` }));

/** The tools that the suite calls by name; what they answer is the suite's to say. */
const FIXTURE_TOOLS: Readonly<Record<string, FixtureTool>> = {
  test_simple_text: () => say('This is a simple text response for testing.'),
  test_image_content: () => ({ content: [image] }),
  test_audio_content: () => ({ content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] }),
  test_embedded_resource: () => ({
    content: [embed('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')],
  }),
  test_multiple_content_types: () => ({
    content: [
      { type: 'text', text: 'Multiple content types test:' },
      image,
      embed('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
    ],
  }),
  test_error_handling: () => ({
    ...say('This tool intentionally returns an error for testing'),
    isError: true,
  }),
  test_tool_with_progress: async (_, { mcpReq: { _meta, notify } }) => {
    const progressToken = _meta?.progressToken ?? 0;
    for (const progress of [0, 50, 100])
      await notify({ method: 'notifications/progress', params: { progressToken, progress, total: 100 } });
    return say('done');
  },
  test_tool_with_logging: async (_, { mcpReq: { notify } }) => {
    for (const data of ['started', 'working', 'completed'])
      await notify({ method: 'notifications/message', params: { level: 'info', data } });
    return say('logged');
  },
  test_logging_tool: async (_, { mcpReq }) => {
    await mcpReq.log('info', 'a message for who asked for one');
    return say('logged where it was asked for');
  },
  test_missing_capability: () => {
    throw new MissingRequiredClientCapabilityError({ requiredCapabilities: { sampling: {} } });
  },
  test_streaming_elicitation: async (_, { mcpReq: { notify } }) => {
    await notify({ method: 'notifications/progress', params: { progressToken: 0, progress: 1 } });
    return say('nothing was asked of the client');
  },
  test_sampling: async ({ prompt }, { mcpReq }) => {
    const { content } = await mcpReq.requestSampling(
      { messages: [{ role: 'user', content: { type: 'text', text: String(prompt) } }], maxTokens: 100 },
      // On the call's own stream: the one for all else may not be open yet.
      { relatedRequestId: mcpReq.id },
    );
    return say(`LLM response: ${JSON.stringify(content)}`);
  },
  greet: ({ name }) => say(`Hello, ${String(name)}!`),
  confirm_delete: () => say('Nothing was asked of the client.'),
  test_elicitation: elicits('Please answer', { response: { type: 'string', description: 'Your response' } }),
  test_elicitation_sep1034_defaults: elicits('Please review', {
    name: { type: 'string', default: 'John Doe' },
    age: { type: 'integer', default: 30 },
    score: { type: 'number', default: 95.5 },
    status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
    verified: { type: 'boolean', default: true },
  }),
  test_elicitation_sep1330_enums: elicits('Please choose', {
    untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
    titledSingle: { type: 'string', oneOf: options('Option') },
    legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['One', 'Two', 'Three'] },
    untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
    titledMulti: { type: 'array', items: { anyOf: options('Choice') } },
  }),
};

/** Those that take their time, and become tasks for a client that can do with one. */
const SLOW_TOOLS: Readonly<
  Record<string, (args: Record<string, unknown>, signal: AbortSignal) => Promise<CallToolResult>>
> = {
  slow_compute: async ({ seconds }, signal) => {
    await sleep(Number(seconds) * 1000, undefined, { signal });
    return say('computed');
  },
  failing_job: async (_, signal) => {
    await sleep(1000, undefined, { signal });
    return { ...say('The job has failed.'), isError: true };
  },
  protocol_error_job: async (_, signal) => {
    await sleep(1000, undefined, { signal });
    throw new ProtocolError(ProtocolErrorCode.InternalError, 'The job has broken down.');
  },
};

const text = (value: string) => ({ role: 'user' as const, content: { type: 'text' as const, text: value } });

const FIXTURE_PROMPTS: Readonly<
  Record<string, { arguments: readonly string[]; get: (args: Record<string, string>) => GetPromptResult }>
> = {
  test_simple_prompt: {
    arguments: [],
    get: () => ({ messages: [text('This is a simple prompt for testing.')] }),
  },
  test_prompt_with_arguments: {
    arguments: ['arg1', 'arg2'],
    get: ({ arg1, arg2 }) => ({ messages: [text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)] }),
  },
  test_prompt_with_embedded_resource: {
    arguments: ['resourceUri'],
    get: ({ resourceUri = '' }) => ({
      messages: [
        { role: 'user', content: embed(resourceUri, 'text/plain', 'Embedded.') },
        text('Process it.'),
      ],
    }),
  },
  test_prompt_with_image: {
    arguments: [],
    get: () => ({ messages: [{ role: 'user', content: image }, text('Look at it.')] }),
  },
};

const FIXTURE_RESOURCES: Readonly<Record<string, { mimeType: string; text?: string; blob?: string }>> = {
  'test://static-text': { mimeType: 'text/plain', text: 'This is the content of the static text resource.' },
  'test://static-binary': { mimeType: 'image/png', blob: PNG },
  'test://watched-resource': { mimeType: 'text/plain', text: 'Watched.' },
};

async function readFixture(service: ProcessService, uri: string): Promise<ReadResourceResult> {
  const fixed = FIXTURE_RESOURCES[uri];
  if (fixed !== undefined) return { contents: [{ uri, ...fixed } as ReadResourceResult['contents'][number]] };
  const [, id] = /^test:\/\/template\/([^/]+)\/data$/.exec(uri) ?? [];
  if (id === undefined) return readResource(service, uri);
  return {
    contents: [{ uri, mimeType: 'application/json', text: JSON.stringify({ id, templateTest: true }) }],
  };
}

/** The real server, with what the suite needs beside it. */
export const createFixtureServer: typeof createMcpServer = (service, info, changes, tasks): McpServer => {
  const mcp = createMcpServer(service, info, changes, tasks);
  const { server } = mcp;
  server.registerCapabilities({ prompts: {}, completions: {}, logging: {} });
  const fixtures = Object.keys({ ...FIXTURE_TOOLS, ...SLOW_TOOLS }).map((name) => ({
    name,
    description: 'A fixture of the conformance suite.',
    inputSchema: { type: 'object' as const },
  }));
  server.setRequestHandler('tools/list', () => ({ tools: [...TOOL_LISTING, ...fixtures] }));
  server.setRequestHandler('tools/call', ({ params: { name, arguments: args = {} } }, context) => {
    const fixture = FIXTURE_TOOLS[name];
    if (fixture !== undefined) return fixture(args, context);
    const slow = SLOW_TOOLS[name];
    if (slow !== undefined) {
      const { mcpReq } = context;
      if (tasks && takesTasks(mcpReq)) return tasks.run(name, mcpReq.signal, (signal) => slow(args, signal));
      // The suite wants one tool that insists on a task.
      if (name !== 'failing_job') return slow(args, mcpReq.signal);
      const requiredCapabilities = { extensions: { [TASKS_EXTENSION]: {} } };
      throw new MissingRequiredClientCapabilityError({ requiredCapabilities });
    }
    const tool = TOOLS.find((candidate) => candidate.name === name);
    if (tool === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown tool ${name}`);
    return callTool({ tool, args, request: context.mcpReq, client: undefined }, service, info.logger);
  });
  server.setRequestHandler('resources/list', async () => ({
    resources: [
      ...(await listResources(service)),
      ...Object.entries(FIXTURE_RESOURCES).map(([uri, { mimeType }]) => ({ uri, name: uri, mimeType })),
    ],
  }));
  server.setRequestHandler('resources/templates/list', () => ({
    resourceTemplates: [
      ...RESOURCE_TEMPLATES,
      { uriTemplate: 'test://template/{id}/data', name: 'template' },
    ],
  }));
  server.setRequestHandler('resources/read', ({ params: { uri } }) => readFixture(service, uri));
  server.setRequestHandler('resources/subscribe', () => ({}));
  server.setRequestHandler('prompts/list', () => ({
    prompts: Object.entries(FIXTURE_PROMPTS).map(([name, prompt]) => ({
      name,
      description: 'A fixture of the conformance suite.',
      arguments: prompt.arguments.map((argument) => ({ name: argument, required: true })),
    })),
  }));
  server.setRequestHandler('prompts/get', ({ params: { name, arguments: args = {} } }) => {
    const prompt = FIXTURE_PROMPTS[name];
    if (prompt === undefined)
      throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Unknown prompt ${name}`);
    return prompt.get(args);
  });
  server.setRequestHandler('completion/complete', () => ({
    completion: { values: [], total: 0, hasMore: false },
  }));
  server.setRequestHandler('logging/setLevel', () => ({}));
  return mcp;
};
