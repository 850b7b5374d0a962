import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { LocalRunner } from '../../src/platform/local-runner.ts';
import { commOf, memoryField, parentOf } from '../proc.ts';
import { mebibytes, ms, type Figure, type Scale } from '../report.ts';
import { interleave, median, pairedRatio, percentile } from '../stats.ts';

const LIMIT = 1.5;
const SHIM_LIMIT_BYTES = 1024 * 1024;

interface Start {
  started: number;
  output: number;
}

const FILE = '/bin/echo';

async function bare(): Promise<Start> {
  const begun = performance.now();
  const child = spawn(FILE, ['x'], { stdio: ['pipe', 'pipe', 'pipe'] });
  const output = once(child.stdout, 'data').then(() => performance.now() - begun);
  const closed = once(child, 'close');
  await once(child, 'spawn');
  const started = performance.now() - begun;
  await closed;
  return { started, output: await output };
}

async function supervised(runner: LocalRunner): Promise<Start> {
  const begun = performance.now();
  let output = NaN;
  const handle = await runner.spawn(
    { launch: { kind: 'exec', file: FILE, args: ['x'] }, cwd: '/', env: {}, stdin: 'open' },
    () => {
      output = performance.now() - begun;
    },
  );
  const started = performance.now() - begun;
  await handle.empty;
  return { started, output };
}

function figure(what: string, key: keyof Start, ours: Start[], baseline: Start[]): Figure {
  const of = (starts: Start[]): number[] => starts.map((start) => start[key]);
  const show = (samples: number[]): string => `${ms(median(samples))} (p99 ${ms(percentile(samples, 0.99))})`;
  const ratio = pairedRatio(of(ours), of(baseline));
  return {
    what,
    ours: show(of(ours)),
    baseline: `${show(of(baseline))} child_process.spawn`,
    ratio,
    target: `≤ ${LIMIT} ×`,
    holds: ratio <= LIMIT,
  };
}

/** Memory of the supervisor that stands above a running process. */
async function shimMemory(runner: LocalRunner): Promise<Figure[]> {
  const handle = await runner.spawn(
    { launch: { kind: 'exec', file: 'sleep', args: ['1000'] }, cwd: '/', env: {}, stdin: 'open' },
    () => undefined,
  );
  const shim = parentOf(handle.pid);
  const resident = memoryField(shim, 'status', 'VmRSS');
  const proportional = memoryField(shim, 'smaps_rollup', 'Pss');
  const name = commOf(shim);
  await handle.terminate('SIGKILL', 0);
  await handle.empty;
  return [
    {
      what: `memory of ${name}`,
      ours: `${mebibytes(resident)} resident, ${mebibytes(proportional)} its share`,
      target: '< 1 MiB',
      holds: resident < SHIM_LIMIT_BYTES,
    },
  ];
}

export const processStart = {
  name: 'process-start',
  title: 'Starting a process',
  async run({ short }: Scale): Promise<Figure[]> {
    const runner = new LocalRunner();
    // Supervised processes keep nobody alive, this measurement neither.
    const alive = setInterval(() => undefined, 1000);
    await interleave(20, () => supervised(runner), bare);
    const { ours, baseline } = await interleave(short ? 50 : 300, () => supervised(runner), bare);
    const memory = runner.supervision().mode === 'shim' ? await shimMemory(runner) : [];
    clearInterval(alive);
    return [
      figure('spawn → started', 'started', ours, baseline),
      figure('spawn → first output', 'output', ours, baseline),
      ...memory,
    ];
  },
};
