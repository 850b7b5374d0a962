import { ms, type Figure, type Scale } from '../report.ts';
import { RpcClient } from '../rpc-client.ts';
import { EMPTY, PROCTOR } from '../servers.ts';
import { interleave, median, pairedRatio, percentile } from '../stats.ts';

/** A server that takes longer than this many times the empty one's start is felt at every start of a client. */
const LIMIT = 1.3;

interface Start {
  initialized: number;
  listed: number;
}

async function start(script: string): Promise<Start> {
  const begunNs = process.hrtime.bigint();
  const client = new RpcClient(script);
  const since = (ns: bigint): number => Number(ns - begunNs) / 1e6;
  const initialized = since((await client.initialize()).arrivedNs);
  const listed = since((await client.request('tools/list')).arrivedNs);
  await client.close();
  return { initialized, listed };
}

function figure(what: string, ours: number[], empty: number[]): Figure {
  const ratio = pairedRatio(ours, empty);
  const show = (samples: number[]): string => `${ms(median(samples))} (p99 ${ms(percentile(samples, 0.99))})`;
  return {
    what,
    ours: show(ours),
    baseline: `${show(empty)} empty server`,
    ratio,
    target: `≤ ${LIMIT} ×`,
    holds: ratio <= LIMIT,
  };
}

export const coldStart = {
  name: 'cold-start',
  title: 'From spawning the server to its first answers',
  async run({ short }: Scale): Promise<Figure[]> {
    await start(EMPTY);
    await start(PROCTOR);
    const { ours, baseline } = await interleave(
      short ? 7 : 40,
      () => start(PROCTOR),
      () => start(EMPTY),
    );
    const of = (starts: Start[], key: keyof Start): number[] => starts.map((one) => one[key]);
    return [
      figure('cold start to initialize', of(ours, 'initialized'), of(baseline, 'initialized')),
      figure('cold start to tools/list', of(ours, 'listed'), of(baseline, 'listed')),
    ];
  },
};
