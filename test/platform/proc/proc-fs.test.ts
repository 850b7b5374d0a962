import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterEach, describe, expect, it } from 'vitest';
import {
  childPids,
  descendantsOf,
  describeProcess,
  environmentValue,
  hasProcFs,
  listDescendants,
  isAlive,
  isSameProcessAlive,
  openDescriptors,
  parseStat,
  readProcesses,
  readStat,
  residentBytes,
  type ProcStat,
} from '../../../src/platform/proc/proc-fs.ts';
import { endAll, start } from '../support.ts';

afterEach(endAll);

function stat(pid: number): ProcStat {
  return readStat(pid) ?? expect.fail(`no process ${pid}`);
}

describe('parseStat', () => {
  it('is not fooled by parentheses, spaces and newlines in a name', () => {
    const line = `42 (a) R (b\n c) S 7 8 9 0 -1 4194304 1 2 3 4 150 50 0 0 20 0 1 0 98765 1000 200 ${'0 '.repeat(30)}`;
    expect(parseStat(line)).toEqual({
      pid: 42,
      comm: 'a) R (b\n c',
      state: 'S',
      ppid: 7,
      pgrp: 8,
      session: 9,
      cpuTicks: 200,
      startTicks: 98765,
    });
  });

  it('refuses what is no stat line', () => {
    expect(parseStat('')).toBeUndefined();
  });
});

describe('a running process', () => {
  it('is read with its parent, session, memory and command', async () => {
    const { handle } = await start('exec sleep 60', { env: { COLOUR: 'blue' } });
    await expect.poll(() => describeProcess(stat(handle.pid)).command).toBe('sleep 60');
    const found = stat(handle.pid);
    expect(found).toMatchObject({ ppid: process.pid, pgrp: handle.pid, session: handle.pid });
    expect(isAlive(found) && isSameProcessAlive(found)).toBe(true);
    expect(isSameProcessAlive({ ...found, startTicks: found.startTicks - 1 })).toBe(false);
    expect(residentBytes(handle.pid)).toBeGreaterThan(100_000);
    expect(describeProcess(found).pid).toBe(handle.pid);
    expect(environmentValue(handle.pid, 'COLOUR')).toBe('blue');
    expect(environmentValue(handle.pid, 'COLOU')).toBeUndefined();
    expect(childPids(process.pid)).toContain(handle.pid);
    expect(openDescriptors(handle.pid).map(({ fd }) => fd)).toEqual(expect.arrayContaining([0, 1, 2]));
  });

  it('is described in 200 characters, and by its name in brackets where it shows no command line', async () => {
    const { handle } = await start(`exec sleep 60 ${'0'.repeat(300)}`);
    // It takes its program's name a moment before its command line.
    await expect.poll(() => describeProcess(stat(handle.pid)).command).toMatch(/^sleep 60 0+/);
    expect(describeProcess(stat(handle.pid)).command).toHaveLength(200);
    expect(describeProcess({ ...stat(handle.pid), pid: 0x7fffffff }).command).toBe('[sleep]');
  });

  it('is found below its ancestors', async () => {
    const { handle, seen } = await start('(sleep 60 & echo "pid $!"; wait) & wait');
    const pid = Number((await seen(/pid (\d+)/))[1]);
    const below = descendantsOf([handle.pid], readProcesses()).map((found) => found.pid);
    expect(below).toContain(pid);
    expect(below).not.toContain(handle.pid);
    expect(
      listDescendants(handle.pid)
        ?.map((found) => found.pid)
        .sort(),
    ).toEqual(below.sort());
    expect(below).not.toContain(process.pid);
  });
});

describe('a process that has ended', () => {
  it('is not alive as a zombie', async () => {
    const { handle, seen } = await start('sleep 0 & echo "pid $!"; exec sleep 60');
    const pid = Number((await seen(/pid (\d+)/))[1]);
    await expect.poll(() => readStat(pid)?.state).toBe('Z');
    expect(isAlive(readStat(pid))).toBe(false);
    expect(readProcesses().has(pid)).toBe(false);
    expect((await handle.inspect()).descendants).toEqual([]);
  });

  it('reads as nothing once it is gone', async () => {
    const { handle } = await start('true');
    await handle.exited;
    expect(readStat(handle.pid)).toBeUndefined();
    expect([residentBytes(handle.pid), openDescriptors(handle.pid), childPids(handle.pid)]).toEqual([
      0,
      [],
      [],
    ]);
    expect(environmentValue(handle.pid, 'PATH')).toBeUndefined();
    expect(listDescendants(handle.pid)).toBeUndefined();
  });
});

const inNewNamespace = ['--pid', '--fork'];

describe('/proc', () => {
  it('is of use here', () => {
    expect(hasProcFs()).toBe(true);
  });

  it.skipIf(spawnSync('unshare', [...inNewNamespace, 'true']).status !== 0)(
    'of another namespace, whose pids are not ours, is of none',
    async () => {
      const source = fileURLToPath(new URL('../../../src/platform/proc/proc-fs.ts', import.meta.url));
      const { outputFiles } = await build({
        stdin: {
          contents: `import { hasProcFs } from ${JSON.stringify(source)}; console.log(hasProcFs())`,
          resolveDir: '/',
        },
        bundle: true,
        write: false,
        platform: 'node',
        format: 'cjs',
      });
      const program = outputFiles[0]?.text ?? '';
      const told = (args: string[]): string =>
        spawnSync('unshare', [...args, process.execPath, '-e', program], { encoding: 'utf8' }).stdout;
      expect(told(inNewNamespace)).toBe('false\n');
      expect(told([...inNewNamespace, '--mount-proc'])).toBe('true\n');
    },
  );
});
