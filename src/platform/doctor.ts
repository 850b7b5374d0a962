import { execFile } from 'node:child_process';
import { accessSync, closeSync, constants, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { errorCode, findExecutable } from './launch/find-executable.ts';
import { LocalRunner } from './local-runner.ts';
import { portOwner } from './proc/port-owner.ts';
import { findShim, probeShim } from './shim/shim.ts';
import { openTerminal } from './shim/shim-streams.ts';

/** What was found out about one thing, by trying it. */
export interface Finding {
  name: string;
  /** `missing` and `weaker` break a promise; `extra` is good to know, and nothing depends on it. */
  verdict: 'good' | 'weaker' | 'missing' | 'extra';
  detail: string;
  /** The command, or what else, that would mend it. */
  fix?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const NODE_FLOOR = 20;
/** Longest a single probe may take, in milliseconds. */
const PROBE_MS = 5000;

/** Tries everything that Proctor relies on. Starts two short-lived processes and one listener, all of them gone after. */
export async function examine(env: Environment): Promise<Finding[]> {
  return [
    nodeVersion(),
    shell(env),
    await supervisor(env),
    await treeEnd(env),
    terminal(env),
    await portLookup(),
    cgroupKill(),
    await pidNamespaces(env),
  ];
}

function nodeVersion(): Finding {
  const { node } = process.versions;
  const recent = Number(node.split('.')[0]) >= NODE_FLOOR;
  return {
    ...{
      name: 'node',
      verdict: recent ? 'good' : 'missing',
      detail: `${node}, at least ${NODE_FLOOR} is needed`,
    },
    ...(!recent && { fix: `Install Node ${NODE_FLOOR} or newer: https://nodejs.org` }),
  };
}

function shell(env: Environment): Finding {
  const name = 'shell';
  const [bash, sh] = ['bash', 'sh'].map((file) => findExecutable(file, '/', env.PATH).found);
  if (bash !== undefined) return { name, verdict: 'good', detail: bash };
  if (sh === undefined)
    return {
      name,
      verdict: 'missing',
      detail: 'neither bash nor sh is on PATH',
      fix: 'apt-get install bash',
    };
  return { name, verdict: 'good', detail: `${sh}; command lines written for bash may fail in it` };
}

async function supervisor(env: Environment): Promise<Finding> {
  const name = 'supervisor';
  if (process.platform !== 'linux') {
    const detail = `is for Linux; on ${process.platform} process groups serve, from which a daemon can escape`;
    return { name, verdict: 'weaker', detail };
  }
  const path = findShim(env);
  const trouble = path === undefined ? 'is not there' : await probeShim(path);
  if (trouble === undefined) return { name, verdict: 'good', detail: path ?? '' };
  return {
    ...{
      name,
      verdict: 'weaker',
      detail: `${trouble}; process groups serve, from which a daemon can escape`,
    },
    fix: compilerFix(env),
  };
}

function compilerFix(env: Environment): string {
  const compiler = findExecutable('cc', '/', env.PATH).found;
  // Published packages carry the binary for x64 and arm64; no install script compiles it elsewhere.
  const build = 'npm run build (in a checkout; PROCTOR_SHIM=path names the result to an installed package)';
  return compiler === undefined ? `apt-get install gcc libc6-dev && ${build}` : build;
}

/** The promise itself, on a process that lets go of its parent. */
async function treeEnd(env: Environment): Promise<Finding> {
  const name = 'whole tree';
  const runner = new LocalRunner({ env });
  try {
    const handle = await runner.spawn(
      {
        launch: { kind: 'shell', line: '(sleep 30 & sleep 30 & echo started); exec sleep 30' },
        ...{ cwd: tmpdir(), env: {}, stdin: 'closed' },
      },
      () => undefined,
    );
    await orphansOf(handle);
    const { killed, survivors } = await handle.terminate('SIGTERM', 1000);
    if (survivors.length > 0)
      return { name, verdict: 'missing', detail: `pid ${survivors.join(', ')} could not be ended` };
    return { name, verdict: 'good', detail: `a tree of ${killed.length} with orphans was ended to the last` };
  } catch (error) {
    return { name, verdict: 'missing', detail: error instanceof Error ? error.message : String(error) };
  } finally {
    await runner.close();
  }
}

/** Waits until the tree has its two orphans, or long enough. */
async function orphansOf(handle: Awaited<ReturnType<LocalRunner['spawn']>>): Promise<void> {
  const deadline = performance.now() + PROBE_MS;
  while (performance.now() < deadline) {
    const { descendants } = await handle.inspect();
    if (descendants.length >= 2) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function terminal(env: Environment): Finding {
  const name = 'terminals';
  try {
    closeSync(openTerminal());
  } catch (error) {
    const detail = `/dev/ptmx cannot be opened: ${errorCode(error)}`;
    return { name, verdict: 'weaker', detail, fix: 'mount -t devpts devpts /dev/pts -o ptmxmode=0666' };
  }
  if (findShim(env) === undefined)
    return { name, verdict: 'weaker', detail: 'need the supervisor', fix: compilerFix(env) };
  return { name, verdict: 'good', detail: 'pty: true works' };
}

/** Whether the owner of a port can be told, shown on one of ours. */
async function portLookup(): Promise<Finding> {
  const name = 'port owners';
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  try {
    const owner = await portOwner(port, '127.0.0.1');
    if (owner?.pid === process.pid)
      return { name, verdict: 'good', detail: 'who listens on a port is known' };
    const fix = process.platform === 'linux' ? 'mount -t proc proc /proc' : 'Install lsof.';
    return { name, verdict: 'weaker', detail: 'who listens on a port cannot be seen', fix };
  } finally {
    server.close();
  }
}

const CGROUP_ROOTS = ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'];

function cgroupKill(): Finding {
  const name = 'cgroup.kill';
  const verdict = 'extra';
  const root = CGROUP_ROOTS.find((path) => existsSync(join(path, 'cgroup.procs')));
  const own = ownCgroup();
  if (root === undefined || own === undefined) return { name, verdict, detail: 'no cgroup v2 here' };
  try {
    accessSync(join(root, own), constants.W_OK);
    accessSync(join(root, own, 'cgroup.procs'), constants.W_OK);
  } catch (error) {
    return { name, verdict, detail: `${join(root, own)} is not ours to write: ${errorCode(error)}` };
  }
  return { name, verdict, detail: `cgroup v2, groups can be made in ${join(root, own)}` };
}

function ownCgroup(): string | undefined {
  try {
    return /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

async function pidNamespaces(env: Environment): Promise<Finding> {
  const name = 'pid namespaces';
  const verdict = 'extra';
  const unshare = findExecutable('unshare', '/', env.PATH).found;
  if (unshare === undefined)
    return { name, verdict, detail: 'unknown: there is no unshare to try them with' };
  const args = ['--user', '--map-root-user', '--pid', '--fork', 'true'];
  const allowed = await new Promise<boolean>((resolve) => {
    execFile(unshare, args, { timeout: PROBE_MS }, (error) => {
      resolve(error === null);
    });
  });
  return { name, verdict, detail: allowed ? 'can be made' : 'may not be made here' };
}
