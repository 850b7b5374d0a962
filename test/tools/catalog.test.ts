import { describe, expect, it } from 'vitest';
import { INSTRUCTIONS } from '../../src/mcp/instructions.ts';
import { TOOL_LISTING } from '../../src/mcp/tool-listing.ts';
import { connect, connectV1, REVISIONS } from './connect.ts';

const NAMES = [
  'run_background',
  'list_processes',
  'get_output',
  'wait_for_log',
  'wait_for_port',
  'wait_for_exit',
  'send_stdin',
  'kill_process',
  'restart_process',
  'remove_process',
];

function bytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

describe('tools/list', () => {
  it.each(REVISIONS)('lists the same ten tools to a client of %s', async (revision) => {
    const { client } = await connect(revision);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(NAMES);
    expect(client.getNegotiatedProtocolVersion()).toBe(revision);
    expect(client.getServerVersion()).toMatchObject({ name: 'proctor', version: '9.9.9' });
  });

  it('lists them to a client of the 1.x SDK, byte for byte the same each time', async () => {
    const { client } = await connectV1();
    const first = JSON.stringify(await client.listTools());
    expect(JSON.stringify(await client.listTools())).toBe(first);
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(NAMES);
  });

  it('stays small: names, descriptions and input schemas under 9 kB, everything under 16 kB', () => {
    const tools = TOOL_LISTING;
    const small = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
    expect(bytes(small)).toBeLessThan(9000);
    expect(bytes(tools)).toBeLessThan(16_000);
  });

  it('carries no schema noise and refuses unknown arguments in every object', () => {
    const text = JSON.stringify(TOOL_LISTING);
    expect(text).not.toMatch(/\$schema|9007199254740991|\$ref|\$defs/);
    for (const { inputSchema } of TOOL_LISTING)
      expect(inputSchema).toMatchObject({ additionalProperties: false });
  });

  it('gives every tool a title, a description and its hints', () => {
    const readOnly = ['list_processes', 'get_output', 'wait_for_log', 'wait_for_port', 'wait_for_exit'];
    const destructive = ['kill_process', 'restart_process', 'remove_process'];
    for (const { name, title, description, annotations } of TOOL_LISTING) {
      expect(title, name).toBeTruthy();
      expect(description?.length ?? 0, name).toBeGreaterThan(40);
      expect(annotations?.title, name).toBe(title);
      expect(annotations?.readOnlyHint === true, name).toBe(readOnly.includes(name));
      expect(annotations?.destructiveHint === true, name).toBe(destructive.includes(name));
      expect(annotations?.openWorldHint === true, name).toBe(name === 'run_background');
    }
  });

  it('promises structured content from every tool but get_output', () => {
    const without = TOOL_LISTING.filter(({ outputSchema }) => outputSchema === undefined);
    expect(without.map(({ name }) => name)).toEqual(['get_output']);
  });
});

describe('the server as a whole', () => {
  it('explains itself in less than 2 kB, naming only tools that exist', async () => {
    expect(Buffer.byteLength(INSTRUCTIONS)).toBeLessThan(2048);
    const mentioned = INSTRUCTIONS.match(/\b[a-z]+_[a-z]+(?:_[a-z]+)?\b/g) ?? [];
    expect(mentioned.filter((name) => !NAMES.includes(name) && name !== 'wait_for')).toEqual([]);
    const { client } = await connect('2025-11-25');
    expect(client.getInstructions()).toBe(INSTRUCTIONS);
  });

  it('answers an unknown tool with a protocol error that names the tools', async () => {
    const { client } = await connect();
    await expect(client.callTool({ name: 'start_process', arguments: {} })).rejects.toThrow(
      /Unknown tool "start_process"; expected: run_background, .*remove_process/,
    );
  });

  it('lets a client of 2026-07-28 keep the lists that never change', async () => {
    const { client } = await connect();
    expect(await client.listTools()).toMatchObject({ ttlMs: 3_600_000, cacheScope: 'public' });
  });
});
