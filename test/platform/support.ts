import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import type { ProcessHandle } from '../../src/core/runner.ts';
import type { Launch, StreamName } from '../../src/core/types.ts';
import { resolveLaunch } from '../../src/platform/launch/launch.ts';
import { spawnInGroup, type GroupOptions } from '../../src/platform/group/process-group.ts';
import { ProcessTable } from '../../src/platform/proc/process-table.ts';
import { isAlive } from '../helpers/alive.ts';

export const FIXTURES = fileURLToPath(new URL('../fixtures/', import.meta.url));

export interface Started {
  handle: ProcessHandle;
  /** Everything printed so far. */
  text: (stream?: StreamName) => string;
  /** Resolves with the match once the output has one. */
  seen: (pattern: RegExp) => Promise<RegExpExecArray>;
}

export interface StartOptions extends Partial<GroupOptions> {
  stdin?: 'open' | 'closed';
  env?: Readonly<Record<string, string | null>>;
}

const started = new Set<ProcessHandle>();
const table = new ProcessTable();

export function start(launch: Launch | string, options: StartOptions = {}): Promise<Started> {
  const { stdin = 'open', env = {}, ...group } = options;
  const spec = {
    launch: typeof launch === 'string' ? { kind: 'shell' as const, line: launch } : launch,
    cwd: FIXTURES,
    env,
    stdin,
  };
  return record(async (sink) =>
    spawnInGroup(await resolveLaunch(spec, { baseEnv: process.env }), sink, { table, ...group }),
  );
}

/** Collects the output of a start, and remembers the handle for endAll. */
export async function record(
  spawn: (sink: (stream: StreamName, chunk: Uint8Array) => void) => Promise<ProcessHandle>,
): Promise<Started> {
  const chunks: { stream: StreamName; bytes: Buffer }[] = [];
  const handle = await spawn((stream, chunk) => {
    chunks.push({ stream, bytes: Buffer.from(chunk) });
  });
  started.add(handle);
  const text = (stream?: StreamName): string =>
    Buffer.concat(
      chunks.filter((chunk) => stream === undefined || chunk.stream === stream).map(({ bytes }) => bytes),
    ).toString();
  const seen = async (pattern: RegExp): Promise<RegExpExecArray> => {
    await expect.poll(text, { timeout: 10_000, interval: 10 }).toMatch(pattern);
    return pattern.exec(text()) ?? expect.fail('the output changed');
  };
  return { handle, text, seen };
}

/** After each test: ends what it started, and proves that nothing of it is alive. */
export async function endAll(): Promise<void> {
  for (const handle of started) {
    const { survivors } = await handle.terminate('SIGKILL', 0);
    expect(survivors).toEqual([]);
    await handle.exited;
    await handle.empty;
    expect(isAlive(handle.pid)).toBe(false);
  }
  started.clear();
}
