import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DEFAULT_LIMITS } from '../../../src/core/limits.ts';
import { ProcessManager } from '../../../src/core/process/process-manager.ts';
import type { ProbeResult } from '../../../src/core/runner.ts';
import { FakeRunner } from '../../helpers/fake-runner.ts';

const PORT = 3000;
const REFUSED: ProbeResult = { open: false, reason: 'connection refused', accepted: false };
const RESET: ProbeResult = { open: false, reason: 'no HTTP answer: connection reset', accepted: true };
const UNREADY: ProbeResult = { open: false, reason: 'HTTP 503', accepted: true };

let runner: FakeRunner;
let manager: ProcessManager;

beforeEach(async () => {
  vi.useFakeTimers();
  runner = new FakeRunner();
  manager = new ProcessManager(runner, DEFAULT_LIMITS);
  const started = manager.run({ command: 'x', name: 'x' });
  await vi.advanceTimersByTimeAsync(100);
  await started;
});
afterEach(() => {
  vi.useRealTimers();
});

/** Has the probes of 127.0.0.1 see this, and counts them. */
function probesSee(see: () => ProbeResult): { count: number } {
  const seen = { count: 0 };
  runner.probePort = ({ host }) => {
    if (host !== '127.0.0.1') return Promise.resolve(REFUSED);
    seen.count++;
    return Promise.resolve(see());
  };
  return seen;
}

/** Has probes over HTTP on 127.0.0.1 hang until they are aborted; a bare connection is taken. */
function requestsHang(): { aborted: number } {
  const seen = { aborted: 0 };
  runner.probePort = ({ host, http }, signal) => {
    if (host !== '127.0.0.1') return Promise.resolve(REFUSED);
    if (!http) return Promise.resolve({ open: true, host });
    return new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        seen.aborted++;
        reject(new Error('aborted'));
      });
    });
  };
  return seen;
}

describe('whose port it is', () => {
  it('is not told of a server of its own that ended of the connection', async () => {
    probesSee(() => {
      runner.last.exit(1);
      return RESET;
    });
    const waiting = manager.waitForPort({ id: 'x', port: PORT, path: '/' });
    await vi.advanceTimersByTimeAsync(20);
    expect(await waiting).toMatchObject({ outcome: 'exited', exit: { code: 1 } });
  });

  it('is not told while a server of its own comes and goes', async () => {
    let looks = 0;
    probesSee(() => (looks++ % 2 === 0 ? RESET : REFUSED));
    const waiting = manager.waitForPort({ id: 'x', port: PORT, path: '/', timeoutMs: 1000 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(await waiting).toMatchObject({ outcome: 'timeout' });
  });

  it('is asked of one that came up while its listeners were looked up', async () => {
    probesSee(() => RESET);
    runner.last.descendants = [{ pid: 7, command: 'server' }];
    runner.owners.set(PORT, { pid: 7, command: 'server' });
    const waiting = manager.waitForPort({ id: 'x', port: PORT, path: '/', timeoutMs: 1000 });
    await vi.advanceTimersByTimeAsync(1000);
    expect(await waiting).toMatchObject({ outcome: 'timeout' });
  });

  it('is told at once of a stranger that can be seen, and soon of one that cannot', async () => {
    probesSee(() => UNREADY);
    const unseen = manager.waitForPort({ id: 'x', port: PORT, path: '/' });
    await vi.advanceTimersByTimeAsync(200);
    const { waitedMs, ...rest } = await unseen;
    expect(rest).toMatchObject({ outcome: 'foreign', port: PORT, host: '127.0.0.1' });
    expect(rest).not.toHaveProperty('owner');
    expect(waitedMs).toBeLessThan(200);
    runner.owners.set(PORT, { pid: 5, command: 'nginx' });
    expect(await manager.waitForPort({ id: 'x', port: PORT, path: '/' })).toMatchObject({
      outcome: 'foreign',
      owner: { pid: 5 },
      waitedMs: 0,
    });
  });

  it('is told of a stranger that leaves a request without an answer', async () => {
    requestsHang();
    runner.owners.set(PORT, { pid: 5, command: 'nginx' });
    const waiting = manager.waitForPort({ id: 'x', port: PORT, path: '/' });
    await vi.advanceTimersByTimeAsync(150);
    expect(await waiting).toMatchObject({ outcome: 'foreign', owner: { pid: 5 } });
  });
});

describe('how often it is looked at', () => {
  it.each([false, true])('seldom while a server is not ready, that it prints: %s', async (prints) => {
    runner.last.listening = [PORT];
    const probes = probesSee(() => {
      if (prints) runner.last.print('GET / 503\n');
      return UNREADY;
    });
    const waiting = manager.waitForPort({ id: 'x', port: PORT, path: '/', timeoutMs: 10_000 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await waiting).toMatchObject({ outcome: 'timeout', lastProbe: 'HTTP 503' });
    // 10 in the first tenth of a second, 18 in the rest of the second, and 4 in each of the others.
    expect(probes.count).toBeGreaterThan(40);
    expect(probes.count).toBeLessThan(70);
  });

  it('at once when a process prints that nobody listened for, but not for each line', async () => {
    let listens = false;
    const probes = probesSee(() => (listens ? { open: true, host: '127.0.0.1' } : REFUSED));
    const waiting = manager.waitForPort({ id: 'x', port: PORT, timeoutMs: 50_000 });
    await vi.advanceTimersByTimeAsync(40_005);
    const before = probes.count;
    for (let line = 0; line < 1000; line++) {
      runner.last.print('compiling\n');
      await vi.advanceTimersByTimeAsync(0);
    }
    expect(probes.count).toBe(before + 1);
    await vi.advanceTimersByTimeAsync(100);
    expect(probes.count).toBeLessThan(before + 5);
    listens = true;
    runner.last.listening = [PORT];
    runner.last.print('listening\n');
    await vi.advanceTimersByTimeAsync(0);
    expect(await waiting).toMatchObject({ outcome: 'ready', waitedMs: 40_105 });
  });
});

describe('a host', () => {
  it('given by name is judged by the address that served', async () => {
    runner.last.listening = [PORT];
    runner.owners.set(PORT, { pid: 5, command: 'nginx' });
    runner.probePort = () => Promise.resolve({ open: true, host: '192.0.2.2' });
    const waiting = manager.waitForPort({ id: 'x', port: PORT, host: 'machine.example' });
    expect(await waiting).toMatchObject({ outcome: 'foreign', host: '192.0.2.2', owner: { pid: 5 } });
  });

  it('may stand in brackets, as in a URL', async () => {
    const asked: string[] = [];
    runner.probePort = ({ host }) => {
      asked.push(host);
      return Promise.resolve({ open: true, host });
    };
    await manager.waitForPort({ port: PORT, host: '[::1]' });
    expect(asked).toEqual(['::1']);
  });
});

describe('time', () => {
  /** Has every answer of a server take so long. */
  function answersTake(ms: number): void {
    runner.last.listening = [PORT];
    runner.probePort = ({ host, http }) =>
      new Promise((resolve) => {
        const { limitMs } = http ?? { limitMs: Infinity };
        if (host !== '127.0.0.1') resolve(REFUSED);
        else if (ms <= limitMs) setTimeout(resolve, ms, { open: true, host });
        else setTimeout(resolve, limitMs, { open: false, reason: 'no answer', accepted: true, host });
      });
  }

  it('is given to a server that is slow each time', async () => {
    answersTake(3000);
    const waiting = manager.waitForPort({ id: 'x', port: PORT, path: '/', timeoutMs: 10_000 });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await waiting).toMatchObject({ outcome: 'ready' });
  });

  it('is enough for one look, however short', async () => {
    answersTake(5);
    const waiting = manager.waitForPort({ id: 'x', port: PORT, timeoutMs: 0 });
    await vi.advanceTimersByTimeAsync(5);
    expect(await waiting).toMatchObject({ outcome: 'ready', waitedMs: 5 });
  });

  it('that one port takes to answer does not hold up another, nor the looks to come', async () => {
    const looks: number[] = [];
    runner.last.listening = [PORT, PORT + 1];
    runner.probePort = ({ host, port, http }) =>
      new Promise((resolve) => {
        looks.push(port);
        if (host !== '127.0.0.1') resolve(REFUSED);
        else if (port === PORT && http)
          setTimeout(resolve, http.limitMs, { open: false, reason: 'no answer', accepted: true, host });
        else resolve(looks.length < 8 ? UNREADY : { open: true, host });
      });
    const waiting = manager.waitForPort({ id: 'x', path: '/', timeoutMs: 10_000 });
    await vi.advanceTimersByTimeAsync(5000);
    expect(await waiting).toMatchObject({ outcome: 'ready', port: PORT + 1 });
  });
});

describe('the end of the process', () => {
  it('is told as it was, though its next run has begun since', async () => {
    runner.probePort = () => new Promise((resolve) => setTimeout(resolve, 30, REFUSED));
    const waiting = manager.waitForPort({ id: 'x', port: PORT });
    await vi.advanceTimersByTimeAsync(5);
    const restarted = manager.restart('x');
    await vi.advanceTimersByTimeAsync(200);
    expect((await restarted).process).toMatchObject({ run: 2, status: 'running' });
    expect(await waiting).toMatchObject({
      outcome: 'exited',
      status: 'killed',
      exit: { cause: 'kill_process' },
    });
  });

  it('ends the wait though a request is without an answer', async () => {
    const probes = requestsHang();
    runner.last.listening = [PORT];
    runner.last.descendants = [{ pid: 7, command: 'server' }];
    const waiting = manager.waitForPort({ id: 'x', port: PORT, path: '/' });
    await vi.advanceTimersByTimeAsync(50);
    runner.last.exit(3);
    await vi.advanceTimersByTimeAsync(250);
    expect(await waiting).toMatchObject({ outcome: 'exited', exit: { code: 3 } });
    expect((await waiting).waitedMs).toBeLessThanOrEqual(250);
    expect(probes.aborted).toBe(2);
  });

  it('leaves time for a descendant that is ready', async () => {
    requestsHang();
    runner.last.descendants = [{ pid: 7, command: 'server' }];
    const waiting = manager.waitForPort({ id: 'x', port: PORT, path: '/' });
    await vi.advanceTimersByTimeAsync(50);
    runner.last.listening = [PORT];
    probesSee(() => ({ open: true, host: '127.0.0.1', httpStatus: 200 }));
    runner.last.exit(0);
    await vi.advanceTimersByTimeAsync(10);
    expect(await waiting).toMatchObject({ outcome: 'ready', httpStatus: 200, exit: { code: 0 } });
  });
});

describe('a combined wait', () => {
  it('says what kept the port from being ready', async () => {
    probesSee(() => UNREADY);
    const waitFor = { port: PORT, httpPath: '/', idleMs: 50_000, timeoutMs: 500 };
    const result = manager.run({ command: 'y', name: 'y', waitFor });
    await vi.advanceTimersByTimeAsync(0);
    runner.last.listening = [PORT];
    await vi.advanceTimersByTimeAsync(500);
    expect((await result).wait).toMatchObject({ by: 'timeout', port: PORT, lastProbe: 'HTTP 503' });
  });

  it('says which port was not ready when the process ended', async () => {
    const result = manager.run({ command: 'y', name: 'y', waitFor: { port: PORT, timeoutMs: 500 } });
    await vi.advanceTimersByTimeAsync(20);
    runner.last.exit(1);
    await vi.advanceTimersByTimeAsync(0);
    expect((await result).wait).toMatchObject({ by: 'exit', outcome: 'exited', port: PORT });
  });
});
