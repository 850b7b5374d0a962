import { atMost, ms, type Figure, type Scale } from '../report.ts';
import type { RpcClient } from '../rpc-client.ts';
import { EMPTY, program, withProctor, withServer } from '../servers.ts';
import { median, percentile } from '../stats.ts';

const LIMIT_MS = 20;
const FLOODS = 4;
/** Pause between calls, so that each meets the flood at another moment. */
const PAUSE_MS = 5;

async function measure(proctor: RpcClient, empty: RpcClient, rounds: number): Promise<Figure[]> {
  for (let i = 0; i < FLOODS; i++) {
    const args = [program('flood.mjs'), '0'];
    await proctor.call('run_background', { command: process.execPath, args, name: `flood-${i}` });
  }
  const calls = {
    list_processes: () => proctor.time('list_processes'),
    get_output: () => proctor.time('get_output', { id: 'flood-0', tail: 20 }),
    nothing: () => empty.time('nothing'),
  };
  const times = { list_processes: [] as number[], get_output: [] as number[], nothing: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (const name of ['list_processes', 'get_output', 'nothing'] as const) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      times[name].push(await calls[name]());
    }
  }
  await proctor.call('kill_process', { all: true, signal: 'SIGKILL' });
  const show = (samples: number[]): string => `p99 ${ms(percentile(samples, 0.99))} (${ms(median(samples))})`;
  return (['list_processes', 'get_output'] as const).map((name) => ({
    what: `${name} while ${FLOODS} children flood`,
    ours: show(times[name]),
    baseline: `${show(times.nothing)} idle empty server`,
    ...atMost(percentile(times[name], 0.99), LIMIT_MS, 'ms p99'),
  }));
}

export const flooded = {
  name: 'flooded',
  title: 'Tool calls during a flood',
  run: ({ short }: Scale): Promise<Figure[]> =>
    withProctor((proctor) => withServer(EMPTY, (empty) => measure(proctor, empty, short ? 100 : 500))),
};
