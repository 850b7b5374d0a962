import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CLIENTS, useServer } from '../helpers/start-server.ts';
import { until } from '../helpers/until.ts';

const directory = mkdtempSync(join(tmpdir(), 'proctor-interactive-'));
afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** A full-screen program: draws on the alternate screen, shows each key it gets, leaves at "q". */
const FULL_SCREEN = join(directory, 'full-screen.py');
writeFileSync(
  FULL_SCREEN,
  `
import os, signal, sys, termios, tty
old = termios.tcgetattr(0)
tty.setraw(0)
def draw(text):
    size = os.get_terminal_size(0)
    os.write(1, b"\\x1b[H\\x1b[2J\\x1b]0;Demo\\x07%dx%d\\r\\n\\x1b[7m[%s]\\x1b[0m\\x1b[5;3H" % (size.columns, size.lines, text))
signal.signal(signal.SIGWINCH, lambda *_: draw(b"resized"))
os.write(1, b"\\x1b[?1049h\\x1b[?1h\\x1b[?2004h")
draw(b"ready")
while True:
    keys = os.read(0, 1000)
    if keys == b"q":
        break
    draw(repr(keys).encode())
os.write(1, b"\\x1b[?2004l\\x1b[?1l\\x1b[?1049l")
termios.tcsetattr(0, termios.TCSANOW, old)
print("back")
`,
);

const settled = { idle_ms: 300, timeout_ms: 8000 };

describe.each(CLIENTS)('a terminal, client %s', (client) => {
  const server = useServer({ client });

  it('is one: of the size asked for, with a name, with one output', async () => {
    const { id } = await server().run(
      'test -t 0 && test -t 1 && test -t 2 && stty size && echo $TERM && tty >&2',
      { pty: true, cols: 100, rows: 40 },
    );
    expect(await server().exited(id)).toMatchObject({ status: 'completed', exit_code: 0 });
    const { text } = await server().output(id);
    expect(text).toMatch(/^40 100\nxterm\S*\n\/dev\/pts\/\d+\n$/);
  });

  it('shows the screen of a full-screen program, takes its keys, and comes back', async () => {
    const { id } = await server().run(`python3 ${FULL_SCREEN}; sleep 60`, {
      pty: true,
      cols: 60,
      rows: 10,
      wait_for: { log: 'ready', timeout_ms: 10_000 },
    });
    const screen = await server().call('get_output', { id, screen: true });
    const [header, ...rows] = screen.text.split('\n');
    expect(header).toMatch(
      /running.* \| screen 60x10, cursor row 5 col 3, alternate screen, title "Demo" \| next: since=\d+$/,
    );
    expect(rows).toEqual(['60x10', '[ready]']);
    expect((await server().output(id)).whole).toMatch(/full-screen program is on.*screen=true/);

    const keys = await server().ok('send_stdin', { id, keys: ['up', 'ctrl-c', 'f1'], wait_for: settled });
    expect(keys.screen).toContain('60x10, cursor row 5 col 3, alternate screen');
    // The program has asked for the other form of the arrow keys.
    expect(keys.output).toContain(String.raw`[b'\x1bOA\x03\x1bOP']`);
    const text = await server().ok('send_stdin', { id, text: 'ab', newline: false, wait_for: settled });
    expect(text.output).toContain(`[b'ab']`);
    const both = await server().ok('send_stdin', { id, text: 'ab', keys: ['tab'], wait_for: settled });
    expect(both.output).toContain(String.raw`[b'ab\t']`);
    const pasted = await server().ok('send_stdin', { id, text: 'a\nb', wait_for: settled });
    expect(pasted.output).toContain(String.raw`[b'\x1b[200~a\rb\x1b[201~\r']`);

    const resized = await server().ok('send_stdin', { id, cols: 70, rows: 12, wait_for: settled });
    expect(resized.screen).toContain('70x12');
    expect(resized.output).toBe('70x12\n[resized]');

    const left = await server().ok('send_stdin', { id, keys: ['q'], wait_for: { log: 'back' } });
    expect(left).toMatchObject({ outcome: 'matched', output: 'back\n' });
    expect(left.screen).toBeUndefined();
  });
});

describe('a terminal', () => {
  const server = useServer();

  it('has its signals: ctrl-c, ctrl-\\ and the end of input', async () => {
    const { id } = await server().run('trap "echo interrupted" INT; cat; echo "cat gave $?"; sleep 60', {
      pty: true,
    });
    await server().ok('send_stdin', { id, text: 'typed', wait_for: { log: 'typed' } });
    const reply = await server().ok('send_stdin', { id, keys: ['ctrl-c'], wait_for: { log: 'gave \\d+' } });
    expect(reply.output).toContain('cat gave 130');
    const second = await server().run('cat; echo "cat gave $?"', { pty: true });
    expect(await server().ok('send_stdin', { id: second.id, text: 'x', eof: true })).toMatchObject({
      eof: true,
    });
    expect((await server().exited(second.id)).tail).toContain('cat gave 0');
    const third = await server().run('exec cat', { pty: true });
    await server().ok('send_stdin', { id: third.id, keys: ['ctrl-\\'] });
    expect(await server().exited(third.id)).toMatchObject({ status: 'killed', signal: 'SIGQUIT' });
  });

  it('ends the middle of a line, too, where the end of input is asked for', async () => {
    const { id } = await server().run('cat > /dev/null; echo over', { pty: true });
    await server().ok('send_stdin', { id, text: 'no line end', newline: false, eof: true });
    expect((await server().exited(id)).tail).toContain('over');
  });

  it('does not match or return the echo of what was typed', async () => {
    const { id } = await server().run('bash', {
      args: ['--norc', '-i'],
      pty: true,
      env: { PS1: 'ready> ' },
      wait_for: { log: 'ready> $', timeout_ms: 10_000 },
    });
    const wait_for = { log: 'done', timeout_ms: 8000 };
    const turn = await server().ok('send_stdin', { id, text: 'sleep 0.3; echo do""ne # done', wait_for });
    expect(turn).toMatchObject({ outcome: 'matched' });
    expect(turn.waited_ms).toBeGreaterThan(200);
    expect(turn.output).toMatch(/^done\n(?:ready> )?$/);
  });

  it('gives clean lines: no escape codes, each prompt once, redraws folded', async () => {
    const { id } = await server().run('bash', {
      args: ['--norc', '-i'],
      pty: true,
      env: { PS1: '\\[\\e[32m\\]$\\[\\e[0m\\] ' },
      wait_for: { log: '\\$ $', timeout_ms: 10_000 },
    });
    for (const text of ['echo one', 'printf "10%%\\r20%%\\r\\033[Kdone\\n"', 'clear; echo two']) {
      await server().ok('send_stdin', { id, text, wait_for: settled });
    }
    const { text } = await server().output(id);
    expect(text).toBe(
      '$ echo one\none\n$ printf "10%%\\r20%%\\r\\033[Kdone\\n"\ndone\n$ clear; echo two\ntwo\n$ ',
    );
    expect((await server().output(id, { raw: true })).text).toContain('\x1b[32m$');
  });

  it('keeps a person waiting no longer than its input has room', async () => {
    const { id } = await server().run('stty raw -echo; echo up; exec sleep 60', {
      pty: true,
      wait_for: { log: 'up' },
    });
    const answer = await server().call('send_stdin', { id, text: 'x'.repeat(500_000), newline: false });
    const { accepted_bytes, total_bytes } = answer.structured as {
      accepted_bytes: number;
      total_bytes: number;
    };
    expect(total_bytes).toBe(500_000);
    expect(accepted_bytes).toBeGreaterThan(0);
    expect(accepted_bytes).toBeLessThan(200_000);
    expect(answer.text).toMatch(/does not read/);
  });

  it('can be had for output alone', async () => {
    const { id } = await server().run('cat; test -t 1 && echo tty; sleep 60', {
      pty: true,
      stdin: 'closed',
      wait_for: { log: 'tty' },
    });
    expect(await server().call('send_stdin', { id, text: 'x' })).toBeRefused('STDIN_CLOSED');
    expect(await server().call('send_stdin', { id, keys: ['ctrl-c'] })).toBeRefused('STDIN_CLOSED');
  });

  it('takes its whole tree with it, and tells what became of the leader', async () => {
    const { id, pid } = await server().run('setsid sleep 300 & sleep 301 & exec sleep 302', { pty: true });
    await until('the tree is there', async () => (await server().snapshot(id)).descendants?.length === 2);
    const { processes } = await server().ok('kill_process', { id });
    expect(processes[0]).toMatchObject({ cause: 'kill_process', signal: 'SIGTERM', survivors: [] });
    expect(processes[0]?.killed.length).toBe(3);
    expect(pid).toBeGone();
    const { id: failing } = await server().run('exit 7', { pty: true });
    expect(await server().exited(failing)).toMatchObject({ status: 'failed', exit_code: 7, cause: 'self' });
  });

  it('begins anew with the next run', async () => {
    const first = await server().run('printf "\\033[?1049hrun one"; sleep 60', {
      pty: true,
      name: 'again',
      wait_for: { log: 'run one' },
    });
    expect((await server().call('get_output', { id: first.id, screen: true })).text).toMatch(/alternate/);
    await server().ok('restart_process', { id: 'again', wait_for: { log: 'run one' } });
    const { text } = await server().call('get_output', { id: 'again', screen: true });
    expect(text).toMatch(/^again run 2 .*\nrun one$/);
  });

  it('is refused what only a terminal has where there is none, and what a screen has not', async () => {
    const pipe = await server().run('cat');
    const { id } = await server().run('cat', { pty: true });
    const call = (tool: string, args: Record<string, unknown>) => server().call(tool, args);
    expect(await call('send_stdin', { id: pipe.id, keys: ['ctrl-c'] })).toBeRefused(
      'INVALID_ARGUMENT',
      /pty: true.*SIGINT/,
    );
    expect(await call('send_stdin', { id: pipe.id, cols: 100 })).toBeRefused('INVALID_ARGUMENT', /pty/);
    expect(await call('get_output', { id: pipe.id, screen: true })).toBeRefused('INVALID_ARGUMENT', /pty/);
    expect(await call('get_output', { id, screen: true, tail: 3 })).toBeRefused('INVALID_ARGUMENT', /tail/);
    expect(await call('send_stdin', { id, keys: ['enter', 'hyper-x'] })).toBeRefused(
      'INVALID_ARGUMENT',
      /keys\[1\].*page-up/s,
    );
  });
});
