import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { atMost, ms, type Figure, type Scale } from '../report.ts';
import { facts, type RpcClient } from '../rpc-client.ts';
import { program, withProctor } from '../servers.ts';
import { interleave, median, percentile } from '../stats.ts';

const LIMIT_MS = 3;
/** Long enough for the wait to be there before the line is. */
const DELAY_MS = 250;

const args = [program('print-late.mjs'), String(DELAY_MS)];

/** Milliseconds from the child's own time-stamp in a line to an arrival here; both clocks are CLOCK_MONOTONIC. */
function lag(line: string, arrivedNs: bigint): number {
  const stamp = /READY (\d+)/.exec(line)?.[1];
  if (stamp === undefined) throw new Error(`no stamp in: ${line}`);
  return Number(arrivedNs - BigInt(stamp)) / 1e6;
}

async function throughProctor(client: RpcClient): Promise<number> {
  const { id } = facts(await client.call('run_background', { command: process.execPath, args }));
  const answer = await client.call('wait_for_log', { id, pattern: 'READY \\d+' });
  await client.call('kill_process', { id, signal: 'SIGKILL' });
  return lag(String(facts(answer)['line']), answer.arrivedNs);
}

async function throughPipe(): Promise<number> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  const arrivedNs = process.hrtime.bigint();
  child.kill('SIGKILL');
  await once(child, 'exit');
  return lag(chunk.toString(), arrivedNs);
}

export const readyLag = {
  name: 'ready-lag',
  title: 'From a line being printed to the answer of wait_for_log',
  async run({ short }: Scale): Promise<Figure[]> {
    const { ours, baseline } = await withProctor((client) =>
      interleave(short ? 7 : 40, () => throughProctor(client), throughPipe),
    );
    const show = (samples: number[]): string =>
      `${ms(median(samples))} (p99 ${ms(percentile(samples, 0.99))})`;
    return [
      {
        what: 'line printed → wait_for_log answers',
        ours: show(ours),
        baseline: `${show(baseline)} bare pipe`,
        ...atMost(median(ours), LIMIT_MS, 'ms median'),
      },
    ];
  },
};
