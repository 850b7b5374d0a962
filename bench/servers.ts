import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { RpcClient } from './rpc-client.ts';

const root = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

export const PROCTOR = root('dist/cli.js');
export const EMPTY = root('build/bench/empty-server.mjs');

/** Absolute path of a program that the scenarios run. */
export function program(name: string): string {
  return root(`bench/programs/${name}`);
}

/** Bundles the empty server the way the real one is, so that neither pays for reading more files. */
export async function buildEmptyServer(): Promise<void> {
  await build({
    entryPoints: [root('bench/empty-server.ts')],
    outfile: EMPTY,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    logLevel: 'warning',
  });
}

/** Starts a server, lets it be used, and ends it whatever happens. */
export async function withServer<T>(script: string, use: (client: RpcClient) => Promise<T>): Promise<T> {
  const client = new RpcClient(script);
  try {
    await client.initialize();
    return await use(client);
  } finally {
    await client.close();
  }
}

export function withProctor<T>(use: (client: RpcClient) => Promise<T>): Promise<T> {
  return withServer(PROCTOR, use);
}

export interface SharedServer {
  pid: number;
  port: number;
  token: string;
}

/** `proctor serve` on a free port of loopback, with nothing of other servers' state. */
export function withSharedServer<T>(
  flags: readonly string[],
  use: (server: SharedServer) => Promise<T>,
): Promise<T> {
  return withDirectory(async (directory) => {
    const args = [PROCTOR, 'serve', '--port', '0', '--state-dir', directory, ...flags];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(child, 'exit');
    try {
      // The address is printed, and the state written, once it listens.
      await Promise.race([once(child.stdout, 'data'), exited]);
      const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
      const { url, pid } = JSON.parse(read('server.json')) as { url: string; pid: number };
      return await use({ pid, port: Number(new URL(url).port), token: read('token').trim() });
    } finally {
      child.kill('SIGTERM');
      await exited;
    }
  });
}

/** A directory for what programs report beside their output. */
export async function withDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'proctor-bench-'));
  try {
    return await use(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
