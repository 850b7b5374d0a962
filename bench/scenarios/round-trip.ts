import { ms, type Figure, type Scale } from '../report.ts';
import type { RpcClient } from '../rpc-client.ts';
import { EMPTY, withProctor, withServer } from '../servers.ts';
import { interleave, median, pairedRatio, percentile } from '../stats.ts';

const LIMIT = 1.3;
const PROCESSES = 10;
/** Until the compiler has seen the hot paths of both servers. */
const WARM_UP = 300;

async function compare(
  what: string,
  rounds: number,
  calls: { ours: () => Promise<number>; empty: () => Promise<number> },
): Promise<Figure & { ratio: number }> {
  await interleave(WARM_UP, calls.ours, calls.empty);
  const { ours, baseline } = await interleave(rounds, calls.ours, calls.empty);
  const show = (samples: number[]): string => `${ms(median(samples))} (p99 ${ms(percentile(samples, 0.99))})`;
  return {
    what,
    ours: show(ours),
    baseline: `${show(baseline)} empty server`,
    ratio: pairedRatio(ours, baseline),
  };
}

async function measure(proctor: RpcClient, empty: RpcClient, rounds: number): Promise<Figure[]> {
  const nothing = (): Promise<number> => empty.time('nothing');
  const list = { ours: () => proctor.time('list_processes'), empty: nothing };
  const idle = await compare('list_processes, nothing running', rounds, list);
  for (let i = 0; i < PROCESSES; i++) {
    await proctor.call('run_background', { command: 'sleep', args: ['1000'], name: `sleeper-${i}` });
  }
  const read = () => proctor.time('get_output', { id: 'sleeper-0' });
  return [
    { ...idle, target: `≤ ${LIMIT} ×`, holds: idle.ratio <= LIMIT },
    await compare(`list_processes, ${PROCESSES} running`, rounds, list),
    await compare(`get_output, ${PROCESSES} running`, rounds, { ours: read, empty: nothing }),
  ];
}

export const roundTrip = {
  name: 'round-trip',
  title: 'A tool call and its answer',
  run: ({ short }: Scale): Promise<Figure[]> =>
    withProctor((proctor) => withServer(EMPTY, (empty) => measure(proctor, empty, short ? 300 : 2000))),
};
