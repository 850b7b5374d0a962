import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { atLeast, atMost, mebibytes, type Figure, type Scale } from '../report.ts';
import { memoryField } from '../proc.ts';
import { facts, type RpcClient } from '../rpc-client.ts';
import { program, withDirectory, withProctor } from '../servers.ts';
import { interleave, median, pairedRatio } from '../stats.ts';

const MIB = 1024 * 1024;
const LIMIT_RATIO = 0.6;
/** The default ring of one process, and what the garbage collector may let lie about. */
const LIMIT_MEMORY_MIB = 4 + 40;

/** Megabytes a second as the producer saw it: it can only write as fast as it is read. */
function throughput(bytes: number, path: string): number {
  return bytes / 1000 / Number(readFileSync(path, 'utf8'));
}

/** In a process of its own each time, like the server: what is read in a tenth of a second is read by cold code. */
async function throughPipe(bytes: number, path: string): Promise<number> {
  const args = [program('bare-reader.mjs'), program('flood.mjs'), String(bytes), path];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  if (Number(stdout) !== bytes) throw new Error(`${stdout.trim()} of ${bytes} bytes came through the pipe`);
  return throughput(bytes, path);
}

interface Drained {
  speed: number;
  memory: number;
}

async function throughProctor(client: RpcClient, bytes: number, path: string): Promise<Drained> {
  const idle = memoryField(client.pid, 'status', 'VmRSS');
  // 5 resets VmHWM, the peak of the resident set, to what it is now.
  writeFileSync(`/proc/${client.pid}/clear_refs`, '5');
  const args = [program('flood.mjs'), String(bytes), path];
  const { id } = facts(await client.call('run_background', { command: process.execPath, args }));
  await client.call('wait_for_exit', { ids: [id], timeout_ms: 50_000 });
  const memory = memoryField(client.pid, 'status', 'VmHWM') - idle;
  const listing = facts(await client.call('list_processes', { ids: [id] }));
  const [seen] = listing['processes'] as { output: { bytes: number } }[];
  if (seen?.output.bytes !== bytes) throw new Error(`${seen?.output.bytes ?? 0} of ${bytes} bytes arrived`);
  await client.call('remove_process', { id });
  return { speed: throughput(bytes, path), memory };
}

export const drain = {
  name: 'drain',
  title: 'Draining a flood of lines of 100 bytes',
  run: ({ short }: Scale): Promise<Figure[]> =>
    withDirectory(async (directory) => {
      const path = join(directory, 'elapsed');
      const bytes = short ? 50_000_000 : 200_000_000;
      const { ours, baseline } = await interleave(
        short ? 3 : 7,
        // A server of its own each time: memory above idle means above that of a fresh server.
        () => withProctor((client) => throughProctor(client, bytes, path)),
        () => throughPipe(bytes, path),
      );
      const speeds = ours.map(({ speed }) => speed);
      const ratio = pairedRatio(speeds, baseline);
      const peak = Math.max(...ours.map(({ memory }) => memory));
      return [
        {
          what: `${bytes / 1e6} MB drained`,
          ours: `${median(speeds).toFixed(0)} MB/s`,
          baseline: `${median(baseline).toFixed(0)} MB/s bare pipe`,
          ratio,
          ...atLeast(ratio, LIMIT_RATIO, '×'),
        },
        {
          what: 'peak memory above idle meanwhile',
          ours: mebibytes(peak),
          ...atMost(peak / MIB, LIMIT_MEMORY_MIB, 'MiB'),
        },
      ];
    }),
};
