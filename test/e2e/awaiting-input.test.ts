import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fixtures, projectRoot, useServer } from '../helpers/start-server.ts';
import { until } from '../helpers/until.ts';

const directory = realpathSync(mkdtempSync(join(tmpdir(), 'proctor-awaiting-')));
afterAll(() => {
  rmSync(directory, { recursive: true });
});
writeFileSync(join(directory, 'a.js'), 'export {};\n');
writeFileSync(
  join(directory, 'tsconfig.json'),
  '{ "files": ["a.js"], "compilerOptions": { "allowJs": true } }',
);
const bin = join(projectRoot, 'node_modules/.bin');

function installed(command: string): boolean {
  const [program = ''] = command.split(' ');
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

const QUESTION = `node -e 'require("readline").createInterface({input: process.stdin, output: process.stdout}).question("name? ", console.log)'`;
const env = { LESS: null, PAGER: null, TERM: 'xterm-256color' };
const server = useServer();

/** Programs that sit at a prompt, each on a pipe, on a terminal, or on both. */
const WAITING: [command: string, on: 'pipe' | 'terminal' | 'both'][] = [
  ['python3 -i -q', 'both'],
  ['node -i', 'both'],
  ['bash --norc', 'both'],
  ['dash', 'both'],
  ['sqlite3', 'both'],
  ['gdb -q -nx', 'both'],
  // A debugger whose program is stopped.
  ['gdb -q -nx -ex starti /bin/true', 'both'],
  ['bc -q', 'both'],
  ['cat', 'both'],
  [QUESTION, 'both'],
  ['npm init', 'both'],
  ['python3 -m asyncio', 'both'],
  [`perl -e 'print "? "; <STDIN>'`, 'both'],
  [`bash -c 'read -r -p "sure? [y/N] "'`, 'both'],
  // A shell with something in the background.
  ['bash --norc -ic "sleep 300 & exec bash --norc"', 'terminal'],
  ['less /etc/passwd', 'terminal'],
  ['more /etc/services', 'terminal'],
  ['nano', 'terminal'],
  ['dialog --yesno sure 8 20', 'terminal'],
  ['jq .', 'pipe'],
  ['sort', 'pipe'],
];

/** Programs that hold standard input open, or read it, and do something else. `up` is printed when they are at it. */
const WORKING: [command: string, up: string][] = [
  ['echo up; exec sleep 300', 'up'],
  ['echo up; tail -f /dev/null', 'up'],
  ['echo up; sleep 300 | cat', 'up'],
  ['python3 -u -m http.server --bind 127.0.0.1 0', 'Serving'],
  [join(fixtures, 'serve-reading-stdin.mjs'), '\\d'],
  [`${join(bin, 'vite')} --host 127.0.0.1 --port 0 ${directory}`, 'Local'],
  [`${join(bin, 'tsc')} --noEmit --watch -p ${directory}`, 'Watching'],
  [`${join(bin, 'esbuild')} --servedir=${directory} --serve=127.0.0.1:0 --watch`, 'Local'],
  [`${join(bin, 'esbuild')} ${directory}/a.js --outfile=${directory}/out.js --watch=forever`, 'finished'],
  [`echo up; exec node -e 'process.stdin.resume(); setInterval(() => 0, 3000)'`, 'up'],
  [
    `python3 -uc 'import threading, http.server as h; s = h.HTTPServer(("127.0.0.1", 0), h.SimpleHTTPRequestHandler); threading.Thread(target=s.serve_forever, daemon=True).start(); print("up"); input()'`,
    'up',
  ],
  ['echo up; while :; do :; done', 'up'],
  [`gdb -q -nx -ex 'echo up\\n' -ex 'run 300' /bin/sleep`, 'up'],
];

describe('a program at a prompt is told', () => {
  const cases = WAITING.flatMap(([command, on]) =>
    (on === 'both' ? ['pipe', 'terminal'] : [on]).map((where) => ({ command, where })),
  );

  it.each(cases)('$command on a $where', async ({ command, where }) => {
    if (!installed(command)) return;
    const { id } = await server().run(command, { pty: where === 'terminal', cwd: directory, env });
    await until('it waits for input', async () => (await server().snapshot(id)).awaiting_input, 15_000);
  });
});

describe('a program that works is not taken for one at a prompt', () => {
  it.each(WORKING)('%s', async (command, up) => {
    if (!installed(command) && !/^echo|^\//.test(command)) return;
    const look = async (pty: boolean): Promise<void> => {
      const wait_for = { log: up, timeout_ms: 20_000 };
      const { id, wait } = await server().run(command, { pty, cwd: directory, env, wait_for });
      expect(wait, wait?.tail).toMatchObject({ outcome: 'matched' });
      // Longer than the silence that makes a prompt of a read.
      const rest = { id, pattern: 'never printed', since: 'now', timeout_ms: 1200 };
      const waited = await server().ok('wait_for_log', rest);
      expect(waited, `${command} ${waited.tail ?? ''}`).toMatchObject({ outcome: 'timeout' });
      expect(waited.awaiting_input).toBeUndefined();
    };
    await Promise.all([look(false), look(true)]);
  });
});

describe('every answer tells it', () => {
  it('of each wait, of a read, of a turn', async () => {
    const { id, wait } = await server().run('cat', { wait_for: { log: 'never', timeout_ms: 10_000 } });
    expect(wait).toMatchObject({ by: 'awaiting_input', outcome: 'awaiting_input', awaiting_input: true });
    const exit = await server().ok('wait_for_exit', { id, timeout_ms: 50 });
    expect(exit).toMatchObject({ outcome: 'timeout', processes: [{ id, awaiting_input: true }] });
    const port = await server().ok('wait_for_port', { id, port: 1, timeout_ms: 50 });
    expect(port).toMatchObject({ outcome: 'timeout', awaiting_input: true });
    const log = await server().ok('wait_for_log', {
      id,
      pattern: 'never',
      stop_at_prompt: false,
      timeout_ms: 900,
    });
    expect(log).toMatchObject({ outcome: 'timeout', awaiting_input: true });
    const turn = await server().ok('send_stdin', { id, text: 'x', wait_for: { log: 'never' } });
    expect(turn).toMatchObject({ outcome: 'awaiting_input', awaiting_input: true, output: 'x\n' });
    expect((await server().output(id)).header).toContain('running (awaiting_input)');
    const listed = await server().call('list_processes', { ids: [id] });
    expect(listed.text).toContain('running (awaiting_input)');
    await server().ok('send_stdin', { id, eof: true });
    await server().exited(id);
    expect((await server().output(id)).header).not.toContain('awaiting_input');
  });
});
