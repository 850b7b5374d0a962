import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import treeKill from 'tree-kill';
import { endAllWithWord, isAlive, pidsWithWord, until } from '../proc.ts';
import { ms, type Figure, type Scale } from '../report.ts';
import { facts } from '../rpc-client.ts';
import { program, withProctor } from '../servers.ts';
import { median, percentile } from '../stats.ts';

const LIMIT_MS = 150;
const BRANCHES = 20;
const LEAVES = 49;
const DESCENDANTS = BRANCHES * (LEAVES + 1);
/** A smaller tree for tree-kill, which starts one `ps` per process: the large one takes it minutes. */
const SMALL = { branches: 4, leaves: 24 };
/** A survivor that is between two pids when it is counted shows itself a moment later. */
const SETTLE_MS = 500;

type Way = 'proctor SIGKILL' | 'proctor SIGTERM' | 'group kill' | 'tree-kill';

interface Load {
  file: string;
  args: (token: string) => string[];
  /** Members with the token on their command line, once all are there; undefined: until it says "grown". */
  size?: number;
}

interface End {
  elapsed: number;
  survivors: number;
}

function tree(branches: number, leaves: number): Load {
  return {
    file: program('tree.sh'),
    args: (token) => [String(branches), String(leaves), token],
    size: 1 + branches * (leaves + 1),
  };
}

const zoo: Load = { file: program('zoo.sh'), args: (token) => ['zoo', token] };

/** A number of seconds that nobody else sleeps for. */
function newToken(): string {
  return `${100_000 + Math.floor(Math.random() * 800_000)}.${process.pid}`;
}

async function grown({ size }: Load, token: string): Promise<void> {
  if (size !== undefined) await until(() => pidsWithWord(token).length >= size, 'the tree has grown');
}

async function endByProctor(load: Load, token: string, signal: string): Promise<number> {
  return withProctor(async (client) => {
    const { id } = facts(
      await client.call('run_background', {
        command: load.file,
        args: load.args(token),
        wait_for: { log: 'grown' },
      }),
    );
    await grown(load, token);
    return client.time('kill_process', { id, signal, grace_ms: 300 });
  });
}

async function endByHand(load: Load, token: string, way: 'group kill' | 'tree-kill'): Promise<number> {
  const child = spawn(load.file, load.args(token), { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const { pid = 0 } = child;
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  if (load.size === undefined) await sleep(SETTLE_MS);
  await grown(load, token);
  const members = pidsWithWord(token);
  const begun = performance.now();
  if (way === 'group kill') {
    process.kill(-pid, 'SIGKILL');
    // Proof where there can be one: only members of the zoo outlive this, and they are counted afterwards.
    if (load.size !== undefined) await until(() => !members.some(isAlive), 'the group is gone');
  } else {
    await new Promise<void>((resolve, reject) => {
      treeKill(pid, 'SIGKILL', (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }
  const elapsed = performance.now() - begun;
  await exited;
  child.stdout.destroy();
  return elapsed;
}

async function end(load: Load, way: Way): Promise<End> {
  const token = newToken();
  // A respawner left alone by an interrupted run would go on for ever.
  const onSignal = (): void => {
    endAllWithWord(token);
    process.exit(1);
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    const elapsed =
      way === 'proctor SIGKILL' || way === 'proctor SIGTERM'
        ? await endByProctor(load, token, way.slice('proctor '.length))
        : await endByHand(load, token, way);
    // Proctor answers with proof, so nothing is waited for.
    if (!way.startsWith('proctor')) await sleep(SETTLE_MS);
    return { elapsed, survivors: pidsWithWord(token).length };
  } finally {
    endAllWithWord(token);
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

async function large(short: boolean): Promise<Figure[]> {
  const load = tree(BRANCHES, LEAVES);
  const ways = ['proctor SIGKILL', 'proctor SIGTERM', 'group kill'] as const;
  const ends: Record<(typeof ways)[number], End[]> = {
    'proctor SIGKILL': [],
    'proctor SIGTERM': [],
    'group kill': [],
  };
  for (let round = 0; round < (short ? 2 : 7); round++) {
    for (const way of ways) ends[way].push(await end(load, way));
  }
  const times = (way: (typeof ways)[number]): number[] => ends[way].map(({ elapsed }) => elapsed);
  const show = (way: (typeof ways)[number]): string =>
    `${ms(median(times(way)))} (worst ${ms(percentile(times(way), 1))})`;
  return (['proctor SIGKILL', 'proctor SIGTERM'] as const).map((way) => ({
    what: `${DESCENDANTS} descendants dead and proven, ${way.slice('proctor '.length)}`,
    ours: show(way),
    baseline: `${show('group kill')} group kill`,
    target: `≤ ${LIMIT_MS} ms, none left`,
    holds: median(times(way)) <= LIMIT_MS && ends[way].every(({ survivors }) => survivors === 0),
  }));
}

async function besideTreeKill(): Promise<Figure> {
  const { branches, leaves } = SMALL;
  const load = tree(branches, leaves);
  const ours = await end(load, 'proctor SIGKILL');
  const theirs = await end(load, 'tree-kill');
  return {
    what: `${branches * (leaves + 1)} descendants, one run`,
    ours: `${ms(ours.elapsed)}, ${ours.survivors} left`,
    baseline: `${ms(theirs.elapsed)}, ${theirs.survivors} left: tree-kill`,
    ratio: ours.elapsed / theirs.elapsed,
  };
}

async function survivors(): Promise<Figure> {
  const ours = await end(zoo, 'proctor SIGTERM');
  const group = await end(zoo, 'group kill');
  const walk = await end(zoo, 'tree-kill');
  return {
    what: 'setsid, daemons, deaf to TERM, respawner: left alive',
    ours: String(ours.survivors),
    baseline: `${group.survivors} group kill, ${walk.survivors} tree-kill`,
    target: 'none',
    holds: ours.survivors === 0,
  };
}

export const treeEnd = {
  name: 'tree-end',
  title: 'Ending a tree of processes',
  run: async ({ short }: Scale): Promise<Figure[]> => [
    ...(await large(short)),
    await besideTreeKill(),
    await survivors(),
  ],
};
