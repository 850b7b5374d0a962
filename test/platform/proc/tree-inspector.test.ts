import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { portsOf } from '../../../src/core/listeners.ts';
import { endAll, start } from '../support.ts';

const directory = mkdtempSync(join(tmpdir(), 'proctor-inspector-'));

afterEach(endAll);
afterAll(() => {
  rmSync(directory, { recursive: true });
});

describe('awaiting input', () => {
  it.each([
    ['cat', 'cat'],
    ['bash read', 'read line'],
    ['a prompt without newline', './prompt-no-newline.sh'],
    ['python input()', `exec python3 -c 'input("Name: ")'`],
    ['python reading lines', `exec python3 -c 'import sys; sys.stdin.readline()'`],
    ['perl', `perl -e '<STDIN>'`],
    ['a child of a child', 'sleep 60 & (echo; cat) | sleep 60'],
    ['node readline', 'exec ./prompt-readline.mjs'],
    [
      'a poll on stdin alone',
      `exec python3 -c 'import select; p = select.poll(); p.register(0, 1); p.poll()'`,
    ],
    ['a select on stdin alone', `exec python3 -c 'import select; select.select([0], [], [])'`],
    ['an interactive bash on a terminal', `python3 -c 'import pty; pty.spawn(["bash", "--norc", "-i"])'`],
  ])('is true for %s', async (_, line) => {
    const { handle } = await start(line);
    await expect.poll(() => handle.awaitingInput(), { timeout: 10_000 }).toBe(true);
    expect((await handle.inspect()).awaitingInput).toBe(true);
  });

  it('ends when the input comes', async () => {
    const { handle } = await start('read line; echo "got $line"; sleep 60');
    await expect.poll(() => handle.awaitingInput()).toBe(true);
    await handle.write(Buffer.from('x\n'), AbortSignal.timeout(1000));
    await expect.poll(() => handle.awaitingInput()).toBe(false);
  });

  it.each([
    ['sleep', 'echo up; exec sleep 60'],
    ['a reader of a pipeline of its own', 'echo up >&2; sleep 60 | cat'],
    ['a reader of another file', 'mkfifo "$FIFO"; echo up; exec cat "$FIFO" 3<>"$FIFO"'],
    ['a server', `echo up; exec python3 -u -m http.server --bind 127.0.0.1 0`],
    ['a server that reads stdin', './serve-reading-stdin.mjs | sed -u "s/^/up /"'],
    [
      'a program with a timer that reads stdin',
      `exec node -e 'process.stdin.resume(); setInterval(() => {}, 500); console.log("up")'`,
    ],
    [
      'a program that reads stdin while its child works',
      `exec node -e 'process.stdin.resume(); require("child_process").spawn("sleep", ["60"]); console.log("up")'`,
    ],
    [
      'a poll with a time limit',
      `exec python3 -c 'import select; print("up", flush=True); select.select([0], [], [], 60)'`,
    ],
    ['a busy loop', 'echo up; while :; do :; done'],
  ])('is false for %s', async (_, line) => {
    const { handle, seen } = await start(line, { env: { FIFO: join(directory, 'fifo') } });
    await seen(/up/);
    for (let look = 0; look < 20; look++) {
      expect(await handle.awaitingInput()).toBe(false);
      await new Promise((resolve) => setTimeout(resolve, 15));
    }
  });
});

describe('facts', () => {
  it('tells the share of a CPU that a tree uses, by the stretch between two looks', async () => {
    const { handle } = await start('(while :; do :; done) & wait');
    await expect.poll(async () => (await handle.inspect()).cpuPercent, { interval: 300 }).toBeGreaterThan(20);
    for (const { pid } of (await handle.inspect()).descendants) process.kill(pid, 'SIGSTOP');
    await expect.poll(async () => (await handle.inspect()).cpuPercent, { interval: 300 }).toBe(0);
  });

  it('adds up the memory of the tree', async () => {
    const script = 'held = bytearray(50_000_000); print("held", flush=True); input()';
    const { handle, seen } = await start(`python3 -c '${script}' <&0 & wait`);
    await seen(/held/);
    expect((await handle.inspect()).memoryBytes).toBeGreaterThan(50_000_000);
  });

  it('lists descendants oldest first', async () => {
    const { handle, seen } = await start('sleep 61 & sleep 0.05; sleep 62 & echo started; wait');
    await seen(/started/);
    // For a moment a child is the shell that has forked it.
    const commands = async () => (await handle.inspect()).descendants.map(({ command }) => command);
    await expect.poll(commands).toEqual(['sleep 61', 'sleep 62']);
  });

  it('lists the ports of the whole tree', async () => {
    const { handle, seen } = await start('setsid ./listen-late.mjs & ./listen-late.mjs & wait');
    await seen(/listening[^]*listening/);
    const { ports } = await handle.inspect();
    expect(ports).toHaveLength(2);
    expect(portsOf(await handle.listeners())).toEqual(ports);
    expect(ports).toEqual([...ports].sort((a, b) => a - b));
  });
});
