import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { pidsRunning } from '../../helpers/pids.ts';
import { until } from '../../helpers/until.ts';
import { buildZoo, shim } from './shim-support.ts';
import { FIXTURES } from '../support.ts';

const NOBODY = 65534;
const isRoot = process.getuid?.() === 0;
const KINDS = ['child', 'ignore-term', 'stopped', 'bare-daemon', 'close-all', 'respawner 200', 'flat 100'];

const zoo = buildZoo();
const host = join(zoo.directory, 'host.mjs');
// Where an ordinary user can run it, and under a name of its own.
const supervisor = join(zoo.directory, 'supervisor');

beforeAll(async () => {
  copyFileSync(shim, supervisor);
  await build({
    entryPoints: [join(FIXTURES, 'zoo', 'host.ts')],
    outfile: host,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
});

const servers: ChildProcess[] = [];

afterEach(() => {
  for (const server of servers.splice(0)) server.kill('SIGKILL');
});

afterAll(() => {
  rmSync(zoo.directory, { recursive: true });
});

interface Server {
  process: ChildProcess;
  output: () => string;
  program: string;
}

interface Serving {
  mode?: string;
  terminal?: object;
  kinds?: readonly string[];
  program?: string;
}

/** A server with one tree of each kind, all standing. */
async function serve(
  uid: number | undefined,
  { mode = '', terminal, kinds = KINDS, program = zoo.copy('served') }: Serving = {},
): Promise<Server> {
  const commands = kinds.map((kind) => ({ argv: [program, ...kind.split(' ')], terminal }));
  const server = spawn(process.execPath, [host, supervisor, JSON.stringify(commands), mode], {
    stdio: ['pipe', 'pipe', 'inherit'],
    ...(uid !== undefined && { uid, gid: uid }),
  });
  servers.push(server);
  let output = '';
  server.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await until('all trees stand', () => (output.match(/ready/g) ?? []).length === kinds.length, 20_000);
  expect(pidsRunning(program).length).toBeGreaterThanOrEqual(kinds.length);
  return { process: server, output: () => output, program };
}

const users: [string, number | undefined][] = isRoot
  ? [
      ['root', undefined],
      ['an ordinary user', NOBODY],
    ]
  : [['this user', undefined]];

/** Ends the server and measures what follows; once more where the machine was too busy to tell. */
async function expectNothingLeft(server: Server, signal: NodeJS.Signals): Promise<void> {
  server.process.kill(signal);
  await once(server.process, 'exit');
  const begun = performance.now();
  await until('trees gone', () => pidsRunning(server.program).length === 0);
  expect(performance.now() - begun).toBeLessThan(1000);
  await until('supervisors gone', () => pidsRunning(supervisor).length === 0);
}

const timed = { retry: 2, timeout: 60_000 };

describe.each(users)('for a server of %s', (_user, uid) => {
  it.each(['SIGKILL', 'SIGABRT', 'SIGTERM'] as const)(
    'that ends by %s, nothing is left in a second',
    timed,
    async (signal) => {
      await expectNothingLeft(await serve(uid), signal);
    },
  );

  it('that ends while its trees run in terminals, nothing is left in a second', timed, async () => {
    await expectNothingLeft(await serve(uid, { terminal: { cols: 80, rows: 24 } }), 'SIGKILL');
  });

  it('a termination ends every tree', async () => {
    const server = await serve(uid, { mode: 'terminate' });
    server.process.stdin?.write('\n');
    await once(server.process, 'exit');
    expect(server.output()).toMatch(/"survivors":\[\]/);
    expect(pidsRunning(server.program)).toEqual([]);
    await until('supervisors gone', () => pidsRunning(supervisor).length === 0);
  });
});

it.runIf(isRoot)(
  'a member that became root survives a termination by an ordinary user, and is told',
  async () => {
    const program = join(zoo.directory, 'escalate');
    copyFileSync(join(zoo.directory, 'zoo'), program);
    chmodSync(program, 0o4755);
    const server = await serve(NOBODY, { mode: 'terminate', kinds: ['escalate'], program });
    const [survivor = 0] = pidsRunning(program);
    server.process.stdin?.write('\n');
    await once(server.process, 'exit');
    expect(server.output()).toContain(JSON.stringify({ killed: [], survivors: [survivor] }));
    // The supervisor does not leave it alone, and goes when it goes.
    expect(pidsRunning(supervisor)).toHaveLength(1);
    process.kill(survivor, 'SIGKILL');
    await until('supervisor gone', () => pidsRunning(supervisor).length === 0);
  },
);
