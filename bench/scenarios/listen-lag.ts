import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { until } from '../proc.ts';
import { atMost, ms, type Figure, type Scale } from '../report.ts';
import { facts, type RpcClient } from '../rpc-client.ts';
import { program, withDirectory, withProctor } from '../servers.ts';
import { median, percentile } from '../stats.ts';

const LIMIT_MS = 15;
const EARLIEST_MS = 200;
const LATEST_MS = 3000;

type How = 'print' | 'file';

/** A port that was free a moment ago. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

/** The answer may be here before the child has written when it began to listen. */
async function stampIn(path: string): Promise<string> {
  await until(
    () => existsSync(path) && readFileSync(path, 'utf8').endsWith('\n'),
    'the server tells when it listened',
  );
  return readFileSync(path, 'utf8');
}

async function once(client: RpcClient, how: How, delay: number, directory: string): Promise<number> {
  const port = await freePort();
  const path = join(directory, `${port}`);
  const { id } = facts(
    await client.call('run_background', {
      command: process.execPath,
      args: [program('listen-late.mjs'), String(delay), String(port), how, path],
    }),
  );
  const answer = await client.call('wait_for_port', { id, port });
  const { outcome } = facts(answer);
  if (outcome !== 'ready') throw new Error(`wait_for_port: ${String(outcome)}`);
  const stamp =
    how === 'file'
      ? await stampIn(path)
      : facts(await client.call('wait_for_log', { id, pattern: 'listening (\\d+)' }))['line'];
  await client.call('kill_process', { id, signal: 'SIGKILL' });
  return Number(answer.arrivedNs - BigInt(String(stamp).replace(/\D/g, ''))) / 1e6;
}

async function measure(client: RpcClient, how: How, rounds: number, directory: string): Promise<Figure> {
  const lags: number[] = [];
  for (let round = 0; round < rounds; round++) {
    // Spread evenly, with an odd part so that no delay is a multiple of a polling interval.
    const delay = EARLIEST_MS + ((LATEST_MS - EARLIEST_MS) * (round + Math.random())) / rounds;
    lags.push(await once(client, how, delay, directory));
  }
  return {
    what: `listen() → wait_for_port answers, ${how === 'file' ? 'silent server' : 'server that prints'}`,
    ours: `${ms(median(lags))} (p99 ${ms(percentile(lags, 0.99))})`,
    ...atMost(median(lags), LIMIT_MS, 'ms median'),
  };
}

export const listenLag = {
  name: 'listen-lag',
  title: 'From a server listening to the answer of wait_for_port, 0.2 to 3 s after the start',
  run: ({ short }: Scale): Promise<Figure[]> =>
    withDirectory((directory) =>
      withProctor(async (client) => [
        await measure(client, 'file', short ? 5 : 20, directory),
        await measure(client, 'print', short ? 5 : 20, directory),
      ]),
    ),
};
