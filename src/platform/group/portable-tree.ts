import { portsOf } from '../../core/listeners.ts';
import { setTimeout as delay } from 'node:timers/promises';
import type { Listener, Termination, TreeInspection } from '../../core/runner.ts';
import type { ProcessBrief } from '../../core/types.ts';
import { findExecutable } from '../launch/find-executable.ts';
import type { Tree } from './group-handle.ts';

const LOOK_EVERY_MS = 20;
/** Time SIGKILL is given before a group that is still there is reported as surviving. */
const KILL_PHASE_MS = 3000;

interface PsLine {
  pid: number;
  ppid: number;
  pgid: number;
  residentKilobytes: number;
  cpuPercent: number;
  command: string;
}

/** A tree on a machine without /proc: ended by process group and tree-kill, seen through ps and lsof. */
export class PortableTree implements Tree {
  readonly #leader: number;
  #deadline = Infinity;
  #result: Promise<Termination> | undefined;

  constructor(leader: number) {
    this.#leader = leader;
  }

  isEmpty(): boolean {
    try {
      // Windows has no groups: there the leader stands for the tree.
      return !process.kill(process.platform === 'win32' ? this.#leader : -this.#leader, 0);
    } catch (error) {
      return error instanceof Error && 'code' in error && error.code === 'ESRCH';
    }
  }

  signal(name: string): void {
    try {
      process.kill(process.platform === 'win32' ? this.#leader : -this.#leader, name);
    } catch {
      // Nobody is left to take it.
    }
  }

  async terminate(signal: string, graceMs: number): Promise<Termination> {
    this.#deadline = Math.min(this.#deadline, performance.now() + (signal === 'SIGKILL' ? 0 : graceMs));
    this.#result ??= this.#terminate(signal).finally(() => {
      this.#deadline = Infinity;
      this.#result = undefined;
    });
    return this.#result;
  }

  async inspect(): Promise<TreeInspection> {
    const members = this.#membersOf(await this.#ps());
    return {
      descendants: members
        .filter(({ pid }) => pid !== this.#leader)
        .map(({ pid, command }) => ({ pid, command: command.slice(0, 200) })),
      memoryBytes: members.reduce((sum, { residentKilobytes }) => sum + residentKilobytes * 1024, 0),
      cpuPercent: Math.round(members.reduce((sum, { cpuPercent }) => sum + cpuPercent, 0) * 10) / 10,
      ports: portsOf(await this.listeners()),
      awaitingInput: await this.awaitingInput(),
    };
  }

  async listeners(): Promise<Listener[]> {
    const text = await output('lsof', ['-nP', '-iTCP', '-sTCP:LISTEN', '-a', '-g', `${this.#leader}`, '-Fn']);
    const listeners = [...text.matchAll(/^n(.*):(\d+)$/gm)].map(([, name = '', port]) => ({
      port: Number(port),
      address: name === '*' ? '::' : name.replace(/^\[|\]$/g, ''),
    }));
    return listeners.sort((a, b) => a.port - b.port);
  }

  /** Neither ps nor lsof tells what a process is blocked on. */
  awaitingInput(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async #terminate(signal: string): Promise<Termination> {
    const seen = new Set([this.#leader, ...this.#membersOf(await this.#ps()).map(({ pid }) => pid)]);
    await this.#killTree(signal);
    while (!this.isEmpty() && performance.now() < this.#deadline) await delay(LOOK_EVERY_MS);
    if (!this.isEmpty()) await this.#killTree('SIGKILL');
    while (!this.isEmpty() && performance.now() < this.#deadline + KILL_PHASE_MS) {
      this.signal('SIGKILL');
      await delay(LOOK_EVERY_MS);
    }
    const left = this.isEmpty()
      ? []
      : [this.#leader, ...this.#membersOf(await this.#ps()).map(({ pid }) => pid)];
    const survivors = [...new Set(left)];
    return { killed: [...seen].filter((pid) => !survivors.includes(pid)), survivors };
  }

  /** Parent links first, while they are whole; then the group, which also holds those whose parent has died. */
  async #killTree(signal: string): Promise<void> {
    const lister = process.platform === 'win32' ? undefined : process.platform === 'darwin' ? 'pgrep' : 'ps';
    // tree-kill does not handle that its lister is missing: that error would end the server.
    if (lister === undefined || findExecutable(lister, '/', process.env.PATH).found !== undefined) {
      const { default: treeKill } = await import('tree-kill');
      await new Promise<void>((resolve) => {
        treeKill(this.#leader, signal, () => {
          resolve();
        });
      });
    }
    this.signal(signal);
  }

  #membersOf(lines: readonly PsLine[]): PsLine[] {
    const members = new Map(
      lines.filter(({ pgid }) => pgid === this.#leader).map((line) => [line.pid, line]),
    );
    for (let grown = true; grown;) {
      grown = false;
      for (const line of lines) {
        if (members.has(line.pid) || !members.has(line.ppid)) continue;
        members.set(line.pid, line);
        grown = true;
      }
    }
    return [...members.values()];
  }

  async #ps(): Promise<PsLine[]> {
    const text = await output('ps', ['-axo', 'pid=,ppid=,pgid=,rss=,pcpu=,stat=,command=']);
    const lines: PsLine[] = [];
    for (const line of text.split('\n')) {
      const [pid, ppid, pgid, rss, cpu, state, ...command] = line.trim().split(/\s+/);
      if (state === undefined || state.startsWith('Z')) continue;
      lines.push({
        pid: Number(pid),
        ppid: Number(ppid),
        pgid: Number(pgid),
        residentKilobytes: Number(rss),
        cpuPercent: Number(cpu?.replace(',', '.')),
        command: command.join(' '),
      });
    }
    return lines;
  }
}

/** Who listens on a port, by lsof. */
export async function lsofPortOwner(port: number): Promise<ProcessBrief | undefined> {
  const pid = /^p(\d+)$/m.exec(await output('lsof', ['-nP', `-iTCP:${port}`, '-sTCP:LISTEN', '-Fp']))?.[1];
  if (pid === undefined) return undefined;
  const command = (await output('ps', ['-o', 'command=', '-p', pid])).trim();
  return { pid: Number(pid), command: command.slice(0, 200) };
}

/** What a helper program prints; nothing where it is missing or fails. */
async function output(name: string, args: readonly string[]): Promise<string> {
  const { found } = findExecutable(name, '/', process.env.PATH);
  if (found === undefined) return '';
  const { execa } = await import('execa');
  const { stdout } = await execa(found, args, { reject: false, stdin: 'ignore', timeout: 5000 });
  return stdout;
}
