import { RpcClient } from '../rpc-client.ts';
import type { Figure } from '../report.ts';
import { PROCTOR } from '../servers.ts';

/** What every conversation pays before its first word, in bytes of JSON. */
const LIMITS = { inputs: 9000, all: 16_000, instructions: 2048 };

function bytes(value: unknown): number {
  return Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value));
}

function figure(what: string, size: number, limit: number): Figure {
  return { what, ours: `${size} B`, target: `< ${limit} B`, holds: size < limit };
}

export const catalogSize = {
  name: 'catalog-size',
  title: 'What the tools cost a model to know',
  async run(): Promise<Figure[]> {
    const client = new RpcClient(PROCTOR);
    const { instructions } = (await client.initialize()).result;
    const { tools } = (await client.request('tools/list')).result as { tools: Record<string, unknown>[] };
    await client.close();
    const inputs = tools.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }));
    return [
      figure('names, descriptions, input schemas', bytes(inputs), LIMITS.inputs),
      figure('tools/list, all of it', bytes(tools), LIMITS.all),
      figure('instructions', bytes(instructions ?? ''), LIMITS.instructions),
    ];
  },
};
