import { afterEach, describe, expect, it } from 'vitest';
import { readStat } from '../../../src/platform/proc/proc-fs.ts';
import { isAlive } from '../../helpers/alive.ts';
import { until } from '../../helpers/until.ts';
import { endAll, type Started } from '../support.ts';
import { sh, start } from './shim-support.ts';

afterEach(endAll);

/** Runs Python that finds its supervisor as `shim`, and may call the kernel as `libc`. */
const python = (code: string): Promise<Started> =>
  start('/usr/bin/env', [
    'python3',
    '-c',
    `import ctypes, os, signal, time
libc, shim = ctypes.CDLL(None), os.getppid()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
def say(text): os.write(1, text.encode())
${code}`,
  ]);

describe('a tree that turns on its supervisor', () => {
  it('by stopping it once does not hold up its start', async () => {
    const { handle } = await sh('kill -STOP $PPID; exec sleep 60');
    expect((await handle.terminate('SIGTERM', 60_000)).survivors).toEqual([]);
  });

  it.each([
    ['stopping it again and again', 'say("up")\nwhile True: os.kill(shim, signal.SIGSTOP)'],
    [
      'tracing it',
      'libc.ptrace(0x4206, shim, 0, 0); libc.ptrace(0x4207, shim, 0, 0); say("up"); time.sleep(60)',
    ],
  ])('by %s is ended all the same', async (_how, code) => {
    const { handle, seen } = await python(code);
    await seen(/up/);
    const supervisor = readStat(handle.pid)?.ppid ?? 0;
    expect((await handle.terminate('SIGTERM', 60_000)).survivors).toEqual([]);
    await handle.exited;
    expect(isAlive(handle.pid)).toBe(false);
    await until('the supervisor is gone', () => !isAlive(supervisor));
  });

  it('by killing it with its socket in their own hands is seen to, too', async () => {
    const { handle, seen } = await python(`pidfd = libc.syscall(434, shim, 0)
say(f"socket {libc.syscall(438, pidfd, 3, 0)} ")
child = os.fork()
if child == 0:
  os.setsid()
  time.sleep(60)
say(f"child {child}.")
time.sleep(60)`);
    const [, socket, child] = await seen(/socket (-?\d+) child (\d+)\./);
    // A kernel or a sandbox may deny it.
    if (Number(socket) < 0) return;
    process.kill(readStat(handle.pid)?.ppid ?? 0, 'SIGKILL');
    expect(await handle.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await handle.empty;
    expect([handle.pid, Number(child)].map(isAlive)).toEqual([false, false]);
  });
});
