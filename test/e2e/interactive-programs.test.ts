import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useServer } from '../helpers/start-server.ts';

let directory = '';
beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'proctor-programs-')));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

function installed(...programs: string[]): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return programs.every((program) => folders.some((folder) => existsSync(join(folder, program))));
}

/** Editors and programs as a fresh account has them, whatever this one's settings are. */
const env = { EDITOR: null, VISUAL: null, PAGER: null, HISTFILE: null, INPUTRC: '/dev/null', LESS: null };
const settled = { idle_ms: 400, timeout_ms: 10_000 };
const server = useServer({ env: { TERM: 'xterm-256color' } });

interface Start {
  pty: boolean;
  cols?: number;
  args?: string[];
  cwd?: string;
  until: string;
}

async function open(command: string, { until, ...more }: Start): Promise<string> {
  const run = await server().run(command, {
    ...{ env, cwd: directory, ...more },
    wait_for: { log: until, timeout_ms: 15_000 },
  });
  expect(['matched', 'awaiting_input'], run.wait?.tail).toContain(run.wait?.outcome);
  return run.id;
}

/** One call, one turn. */
async function say(id: string, text: string, log: string): Promise<string> {
  const turn = await server().ok('send_stdin', { id, text, wait_for: { log, timeout_ms: 10_000 } });
  expect(turn.outcome, turn.output).toBe('matched');
  // What follows the match within the same write is there, what follows later comes with the next read.
  return turn.output ?? '';
}

async function press(id: string, args: Record<string, unknown>, wait_for: object = settled): Promise<string> {
  const turn = await server().ok('send_stdin', { id, ...args, wait_for });
  return turn.output ?? '';
}

async function screenOf(id: string): Promise<string> {
  return (await server().call('get_output', { id, screen: true })).text;
}

interface Repl {
  program: string;
  pipe: string[];
  terminal: string[];
  /** What it prints when it is ready for input on a terminal. */
  prompt: string;
  /** Input, and the lines that answer it, prompts left out. */
  turns: [text: string, answer: string][];
}

const REPLS: Repl[] = [
  {
    program: 'python3',
    pipe: ['-i', '-q'],
    terminal: ['-q'],
    prompt: '>>> ',
    turns: [
      ['6 * 7', '42'],
      ['print("a\\nb")', 'a\nb'],
    ],
  },
  {
    program: 'node',
    pipe: ['-i'],
    terminal: [],
    prompt: '> ',
    turns: [
      ['6 * 7', '42'],
      ['[1, 2].length', '2'],
    ],
  },
  {
    program: 'bash',
    pipe: ['--norc'],
    terminal: ['--norc'],
    prompt: '(?:bash-[\\d.]+)?[$#] ',
    turns: [
      ['echo $((6 * 7))', '42'],
      ['seq 2', '1\n2'],
    ],
  },
  {
    program: 'sqlite3',
    pipe: ['-batch'],
    terminal: [],
    prompt: 'sqlite> ',
    turns: [
      ['select 6 * 7;', '42'],
      ["select 'a' union select 'b';", 'a\nb'],
    ],
  },
  {
    program: 'gdb',
    pipe: ['-q', '-nx'],
    terminal: ['-q', '-nx'],
    prompt: '\\(gdb\\) ',
    turns: [
      ['print 6 * 7', '$1 = 42'],
      ['echo one\\n', 'one'],
    ],
  },
  {
    program: 'bc',
    pipe: ['-q'],
    terminal: ['-q'],
    prompt: '^',
    turns: [
      ['6 * 7', '42'],
      ['2 ^ 10', '1024'],
    ],
  },
];

describe.each(REPLS)('$program', ({ program, pipe, terminal, prompt, turns }) => {
  /** The reply without the prompts around it. */
  const answerOf = (reply: string): string =>
    reply
      .split('\n')
      .map((line) => line.replace(new RegExp(`^(?:${prompt})+`), '').trimEnd())
      .filter((line) => line !== '')
      .join('\n');

  it.skipIf(!installed(program)).each([
    ['a pipe', false, pipe],
    ['a terminal', true, terminal],
  ])('is driven turn by turn on %s', async (_, pty, args) => {
    const { id } = await server().run(program, { args, pty, env, cwd: directory });
    // Its greeting belongs to no turn.
    if (pty) await server().ok('wait_for_log', { id, pattern: prompt, timeout_ms: 15_000 });
    else await press(id, { text: '' }, { idle_ms: 700 });
    for (const [text, answer] of turns) {
      const turn = await server().ok('send_stdin', { id, text, wait_for: settled });
      expect(answerOf(turn.output ?? '')).toBe(answer);
    }
    const bye = await server().ok('send_stdin', { id, eof: true });
    expect(bye.eof).toBe(true);
    expect((await server().exited(id)).status).toBe('completed');
  });
});

describe('questions', () => {
  it.each([false, true])('y/N: asked, told, answered (terminal: %s)', async (pty) => {
    const script = `read -r -p 'Overwrite? [y/N] ' answer; [ "$answer" = y ] && echo overwritten || echo kept`;
    const { id } = await server().run(script, { pty, env });
    const asked = await server().ok('wait_for_log', { id, pattern: 'overwritten|kept', timeout_ms: 10_000 });
    expect(asked).toMatchObject({ outcome: 'awaiting_input', awaiting_input: true });
    // bash shows a prompt only to a person.
    expect(asked.tail).toBe(pty ? 'Overwrite? [y/N] ' : '');
    expect(await say(id, 'y', 'overwritten|kept')).toBe('overwritten\n');
  });

  it('a password on a terminal: not shown, not returned', async () => {
    const code = 'import getpass; print("got", len(getpass.getpass("Password: ")))';
    const id = await open('python3', { pty: true, args: ['-c', code], until: 'Password: ' });
    expect((await server().ok('wait_for_log', { id, pattern: 'got' })).outcome).toBe('awaiting_input');
    expect((await say(id, 'hunter2', 'got \\d+')).trim()).toBe('got 7');
    expect((await server().output(id)).text).not.toContain('hunter2');
  });

  it.skipIf(!installed('ssh-keygen'))(
    'a pass phrase of ssh-keygen, asked of the terminal itself',
    async () => {
      const key = join(directory, 'key');
      const id = await open(`ssh-keygen -q -t ed25519 -f ${key} < /dev/null`, {
        pty: true,
        until: 'passphrase',
      });
      await expect
        .poll(async () => (await server().snapshot(id)).awaiting_input, { timeout: 5000 })
        .toBe(true);
      await say(id, 'secret phrase', 'again');
      await press(id, { text: 'secret phrase' });
      expect((await server().exited(id)).status).toBe('completed');
      expect((await server().output(id)).text).not.toContain('secret');
      expect(readFileSync(key, 'utf8')).toContain('PRIVATE KEY');
    },
  );

  it.each([false, true])('npm init, from question to question (terminal: %s)', async (pty) => {
    const folder = join(directory, `package-${pty}`);
    mkdirSync(folder);
    const id = await open('npm', { pty, args: ['init'], cwd: folder, until: 'package name' });
    const answers = [
      ['my-package', 'version'],
      ['', 'description'],
      ['A test', 'entry point'],
      ['', 'test command'],
      ['', 'git repository'],
      ['', 'keywords'],
      ['', 'author'],
      ['', 'license'],
      ['', 'Is this OK\\?'],
    ];
    for (const [text = '', next = ''] of answers) {
      // Its next question and nothing before it; newer versions of npm ask for the type as well.
      const reply = await press(id, { text }, { log: `${next}|type:`, timeout_ms: 10_000 });
      expect(reply).toMatch(new RegExp(`^\\s*(?:${next}|type:|About to write)`));
    }
    for (let more = 0; more < 3 && (await server().snapshot(id)).status === 'running'; more++) {
      await press(id, { text: '' }, { idle_ms: 500 });
    }
    expect((await server().exited(id)).status).toBe('completed');
    const written: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    expect(written).toMatchObject({ name: 'my-package', description: 'A test' });
  });
});

describe('editors and git', () => {
  function repository(name: string): string {
    const folder = join(directory, name);
    const git = (...args: string[]): void => {
      execFileSync('git', ['-c', 'user.email=a@example.org', '-c', 'user.name=A', ...args], { cwd: folder });
    };
    mkdirSync(folder);
    git('init', '-q');
    git('config', 'user.email', 'a@example.org');
    git('config', 'user.name', 'A');
    for (const file of ['one', 'two', 'three']) {
      writeFileSync(join(folder, file), `${file}\n`);
      git('add', file);
      git('commit', '-q', '-m', `add ${file}`);
    }
    return folder;
  }
  const log = (cwd: string): string => execFileSync('git', ['log', '--format=%s'], { cwd }).toString();

  it.skipIf(!installed('git', 'vim'))('git rebase -i in vim', async () => {
    const cwd = repository('rebase-vim');
    const command = 'GIT_EDITOR="vim -u NONE -N" git rebase -i HEAD~2; echo; sleep 60';
    const id = await open(command, { pty: true, cols: 200, cwd, until: 'add three' });
    const todo = await press(id, { keys: ['down'] });
    expect(todo.split('\n')[0]).toMatch(/^pick [0-9a-f]+ add two$/);
    const dropped = await press(id, { text: 'dd', newline: false });
    expect(dropped).not.toContain('add three');
    const end = await press(id, { text: ':wq' }, { log: 'Success', timeout_ms: 10_000 });
    expect(end).toContain('Successfully rebased');
    expect(end).not.toContain('Commands:');
    expect(log(cwd)).toBe('add two\nadd one\n');
  });

  it.skipIf(!installed('git', 'nano'))('git rebase -i in nano', async () => {
    const cwd = repository('rebase-nano');
    const id = await open('GIT_EDITOR=nano git rebase -i HEAD~2', { pty: true, cwd, until: 'add three' });
    expect(await press(id, { keys: ['ctrl-k'] })).not.toContain('add two');
    expect(await press(id, { keys: ['ctrl-o'] })).toContain('File Name to Write');
    await press(id, { keys: ['enter', 'ctrl-x'] });
    expect((await server().exited(id)).tail).toContain('Successfully rebased');
    expect(log(cwd)).toBe('add three\nadd one\n');
  });

  it.skipIf(!installed('git')).each([false, true])('git add -p (terminal: %s)', async (pty) => {
    const cwd = repository(`add-${pty}`);
    writeFileSync(join(cwd, 'one'), 'one\nmore\n');
    writeFileSync(join(cwd, 'two'), 'two\nmore\n');
    const id = await open('git', { pty, args: ['-c', 'core.pager=cat', 'add', '-p'], cwd, until: 'Stage' });
    const next = await say(id, 'y', 'Stage this hunk');
    expect(next).toContain('+++ b/two');
    expect(next).not.toContain('b/one');
    await press(id, { text: 'n' });
    expect((await server().exited(id)).status).toBe('completed');
    expect(execFileSync('git', ['diff', '--cached', '--name-only'], { cwd }).toString()).toBe('one\n');
  });

  it.skipIf(!installed('vim'))('vim: a file written by typing, pasting and keys', async () => {
    const file = join(directory, 'notes.txt');
    const id = await open('vim', { pty: true, cols: 120, args: ['-u', 'NONE', '-N', file], until: 'New' });
    await press(id, { text: 'ifirst line', newline: false });
    const screen = await press(id, { keys: ['enter', 'x', 'backspace', 'y', 'left', 'z', 'esc'] });
    expect(screen.split('\n').slice(0, 2)).toEqual(['first line', 'zy']);
    // Vim takes a second to see that nothing follows the escape.
    await expect
      .poll(() => screenOf(id), { timeout: 5000 })
      .toMatch(/screen 120x24, cursor row 2 col 1, alternate screen/);
    await press(id, { text: ':wq' });
    expect((await server().exited(id)).status).toBe('completed');
    expect(readFileSync(file, 'utf8')).toBe('first line\nzy\n');
  });
});

describe('full-screen programs', () => {
  it.skipIf(!installed('less'))('less: forth, back, search, and away', async () => {
    const file = join(directory, 'numbers');
    writeFileSync(file, Array.from({ length: 500 }, (_, index) => `line ${index + 1}\n`).join(''));
    const id = await open('less', { pty: true, args: [file], until: 'line 23' });
    expect(await press(id, { keys: ['page-down'] })).toMatch(/^line 24\n/);
    expect(await press(id, { text: '/line 300' })).toMatch(/^line 300\n/);
    expect(await press(id, { keys: ['home'] })).toMatch(/^line 1\n/);
    await expect.poll(async () => (await server().snapshot(id)).awaiting_input, { timeout: 5000 }).toBe(true);
    await press(id, { keys: ['q'] });
    expect((await server().exited(id)).status).toBe('completed');
  });

  it.skipIf(!installed('htop'))('htop: a table, a dialogue, another size', async () => {
    const id = await open('htop', { pty: true, until: 'Load' });
    await expect.poll(() => screenOf(id), { timeout: 5000 }).toMatch(/alternate screen[^]*PID\s+USER/);
    expect(await press(id, { keys: ['f1'] }, { idle_ms: 200, timeout_ms: 5000 })).toMatch(/htop [\d.]+/);
    await press(id, { keys: ['esc'] }, { idle_ms: 200, timeout_ms: 5000 });
    const resized = await press(id, { cols: 120, rows: 30 }, { idle_ms: 200, timeout_ms: 5000 });
    expect(Math.max(...resized.split('\n').map((row) => row.length))).toBeGreaterThan(100);
    await press(id, { keys: ['f10'] });
    expect((await server().exited(id)).status).toBe('completed');
  });

  it.skipIf(!installed('top'))('top: keys change what it shows', async () => {
    const id = await open('top', { pty: true, args: ['-d', '60'], until: 'load average' });
    await expect.poll(() => screenOf(id), { timeout: 5000 }).toMatch(/PID USER/);
    await press(id, { keys: ['h'] });
    expect(await screenOf(id)).toMatch(/Help for/);
    await press(id, { keys: ['esc'] });
    await press(id, { keys: ['q'] });
    expect((await server().exited(id)).status).toBe('completed');
  });

  it.skipIf(!installed('dialog'))('dialog: a choice by arrow keys', async () => {
    const command =
      'choice=$(dialog --menu Colour 12 30 3 r red g green b blue 2>&1 >/dev/tty); echo "$choice chosen"';
    const id = await open(command, { pty: true, until: 'blue' });
    await expect.poll(async () => (await server().snapshot(id)).awaiting_input, { timeout: 5000 }).toBe(true);
    await press(id, { keys: ['down', 'down'] });
    await press(id, { keys: ['enter'] });
    expect((await server().exited(id)).tail).toMatch(/\bb chosen/);
  });
});
