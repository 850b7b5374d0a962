import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENTS, TestServer } from '../helpers/start-server.ts';

const LONG = 'x'.repeat(2_000_000);
const run = (more: Record<string, unknown>): [string, Record<string, unknown>] => [
  'run_background',
  { command: 'true', ...more },
];
const on = (tool: string, more: Record<string, unknown>): [string, Record<string, unknown>] => [
  tool,
  { id: 'up', ...more },
];

/** What is wrong, the call, the code, and what the refusal must name. */
const BAD: [string, [string, Record<string, unknown>], string, RegExp][] = [
  [
    'an unknown argument',
    run({ comand: 'x' }),
    'INVALID_ARGUMENT',
    /"comand"[\s\S]*did you mean "?command"?[\s\S]*expected: command, args/,
  ],
  ['an unknown argument in camelCase', run({ waitFor: {} }), 'INVALID_ARGUMENT', /waitFor[\s\S]*wait_for/],
  [
    'an unknown argument inside wait_for',
    run({ wait_for: { pattern: 'x' } }),
    'INVALID_ARGUMENT',
    /wait_for\.pattern[\s\S]*expected: log/,
  ],
  ['no command', ['run_background', {}], 'INVALID_ARGUMENT', /command[\s\S]*code/],
  ['command and code', run({ code: '1', language: 'python' }), 'INVALID_ARGUMENT', /both/],
  ['code without language', ['run_background', { code: '1' }], 'INVALID_ARGUMENT', /language/],
  ['a blank command', run({ command: '  ' }), 'INVALID_ARGUMENT', /command/],
  ['a command that is a number', run({ command: 5 }), 'INVALID_ARGUMENT', /command[\s\S]*string/],
  ['a command that is null', run({ command: null }), 'INVALID_ARGUMENT', /command[\s\S]*string/],
  ['a command that is too long', run({ command: LONG }), 'INVALID_ARGUMENT', /command[\s\S]*at most/],
  ['a command with NUL', run({ command: 'a\0b' }), 'INVALID_ARGUMENT', /command[\s\S]*NUL/],
  ['args that are a string', run({ args: '-x' }), 'INVALID_ARGUMENT', /args[\s\S]*array/],
  ['args with a number', run({ args: ['a', 1] }), 'INVALID_ARGUMENT', /args\.1[\s\S]*string/],
  ['args with NUL', run({ args: ['a\0'] }), 'INVALID_ARGUMENT', /args[\s\S]*NUL/],
  ['env that is a string', run({ env: 'A=b' }), 'INVALID_ARGUMENT', /env[\s\S]*object/],
  ['env with a number', run({ env: { A: 1 } }), 'INVALID_ARGUMENT', /env\.A/],
  ['env with a bad name', run({ env: { 'A=B': '1' } }), 'INVALID_ARGUMENT', /env/],
  ['env with NUL', run({ env: { A: 'x\0y' } }), 'INVALID_ARGUMENT', /env\.A[\s\S]*NUL/],
  ['a name with a slash', run({ name: '../etc' }), 'INVALID_ARGUMENT', /name/],
  ['an over-long name', run({ name: 'n'.repeat(65) }), 'INVALID_ARGUMENT', /name/],
  ['cwd with NUL', run({ cwd: '/tmp\0' }), 'INVALID_ARGUMENT', /cwd[\s\S]*NUL/],
  ['cwd that does not exist', run({ cwd: '/no/such/place' }), 'SPAWN_FAILED', /\/no\/such\/place/],
  ['stdin of another kind', run({ stdin: 'pipe' }), 'INVALID_ARGUMENT', /stdin[\s\S]*open, closed/],
  [
    'if_running of another kind',
    run({ name: 'n', if_running: 'kill' }),
    'INVALID_ARGUMENT',
    /error, reuse, replace/,
  ],
  ['timeout_ms that is negative', run({ timeout_ms: -1 }), 'INVALID_ARGUMENT', /timeout_ms/],
  ['timeout_ms that is a fraction', run({ timeout_ms: 1.5 }), 'INVALID_ARGUMENT', /timeout_ms[\s\S]*integer/],
  ['timeout_ms that is huge', run({ timeout_ms: 1e300 }), 'INVALID_ARGUMENT', /timeout_ms/],
  [
    'auto_cleanup that is a string',
    run({ auto_cleanup: 'yes' }),
    'INVALID_ARGUMENT',
    /auto_cleanup[\s\S]*true or false/,
  ],
  ['cols without pty', run({ cols: 80 }), 'INVALID_ARGUMENT', /pty/],
  ['wait_for that is a string', run({ wait_for: 'ready' }), 'INVALID_ARGUMENT', /wait_for[\s\S]*object/],
  ['wait_for.port of false', run({ wait_for: { port: false } }), 'INVALID_ARGUMENT', /wait_for\.port/],
  ['wait_for.log that is no pattern', run({ wait_for: { log: '(?<!x)y' } }), 'INVALID_PATTERN', /look/],
  ['an unknown id', ['get_output', { id: 'nobody' }], 'PROCESS_NOT_FOUND', /nobody[\s\S]*up/],
  ['an unknown id to wait for', ['wait_for_log', { id: 'nobody', pattern: 'x' }], 'PROCESS_NOT_FOUND', /up/],
  ['an unknown id among ids', ['wait_for_exit', { ids: ['up', 'nobody'] }], 'PROCESS_NOT_FOUND', /nobody/],
  ['an unknown id of a port', ['wait_for_port', { id: 'nobody' }], 'PROCESS_NOT_FOUND', /up/],
  ['an unknown id to kill', ['kill_process', { ids: ['nobody'] }], 'PROCESS_NOT_FOUND', /up/],
  ['an unknown id to send to', ['send_stdin', { id: 'nobody', text: 'x' }], 'PROCESS_NOT_FOUND', /up/],
  ['an unknown id to restart', ['restart_process', { id: 'nobody' }], 'PROCESS_NOT_FOUND', /up/],
  ['an unknown id to remove', ['remove_process', { id: 'nobody' }], 'PROCESS_NOT_FOUND', /up/],
  ['an id that is shell text', ['get_output', { id: 'up; rm -rf /' }], 'PROCESS_NOT_FOUND', /up/],
  ['an id that is a number', ['get_output', { id: 1 }], 'INVALID_ARGUMENT', /id[\s\S]*string/],
  ['an id that is endless', ['get_output', { id: LONG }], 'INVALID_ARGUMENT', /id/],
  ['an id that is missing', ['get_output', {}], 'INVALID_ARGUMENT', /id is missing/],
  ['no ids', ['kill_process', { ids: [] }], 'INVALID_ARGUMENT', /ids/],
  ['id and ids', ['wait_for_exit', { id: 'up', ids: ['up'] }], 'INVALID_ARGUMENT', /id and ids/],
  ['all: false', ['kill_process', { all: false }], 'INVALID_ARGUMENT', /all/],
  ['grace_ms that is negative', on('kill_process', { grace_ms: -5 }), 'INVALID_ARGUMENT', /grace_ms/],
  ['a signal that is none', on('kill_process', { signal: 'SIGFOO' }), 'INVALID_ARGUMENT', /SIGFOO/],
  ['a signal that is a number', on('kill_process', { signal: 9 }), 'INVALID_ARGUMENT', /signal/],
  ['since that is negative', on('get_output', { since: -1 }), 'INVALID_ARGUMENT', /since/],
  ['since that is text', on('get_output', { since: 'now' }), 'INVALID_ARGUMENT', /since/],
  ['tail that is a fraction', on('get_output', { tail: 0.5 }), 'INVALID_ARGUMENT', /tail/],
  ['max_bytes beyond all bounds', on('get_output', { max_bytes: 1e12 }), 'INVALID_ARGUMENT', /max_bytes/],
  [
    'a stream that is none',
    on('get_output', { stream: 'stdin' }),
    'INVALID_ARGUMENT',
    /both, stdout, stderr/,
  ],
  ['grep that is no pattern', on('get_output', { grep: '(a)\\1' }), 'INVALID_PATTERN', /./],
  ['grep with NUL', on('get_output', { grep: '\0' }), 'INVALID_ARGUMENT', /NUL/],
  ['an empty pattern', on('wait_for_log', { pattern: '' }), 'INVALID_ARGUMENT', /pattern/],
  ['no pattern', on('wait_for_log', {}), 'INVALID_ARGUMENT', /pattern is missing/],
  ['a port of 0', on('wait_for_port', { port: 0 }), 'INVALID_ARGUMENT', /port/],
  ['a port of 65536', on('wait_for_port', { port: 65_536 }), 'INVALID_ARGUMENT', /port[\s\S]*65535/],
  ['a port that is text', on('wait_for_port', { port: '80' }), 'INVALID_ARGUMENT', /port/],
  ['a path without a slash', on('wait_for_port', { port: 80, path: 'x' }), 'INVALID_ARGUMENT', /path/],
  [
    'a path that splits the request',
    on('wait_for_port', { port: 80, path: '/ HTTP/1.1\r\nX: y' }),
    'INVALID_ARGUMENT',
    /path/,
  ],
  [
    'a status range upside down',
    on('wait_for_port', { port: 80, status: [399, 200] }),
    'INVALID_ARGUMENT',
    /status/,
  ],
  ['a host with spaces', on('wait_for_port', { port: 80, host: 'local host' }), 'INVALID_ARGUMENT', /host/],
  ['text that is an object', on('send_stdin', { text: {} }), 'INVALID_ARGUMENT', /text[\s\S]*string/],
  ['text beyond all bounds', on('send_stdin', { text: LONG }), 'INVALID_ARGUMENT', /text[\s\S]*at most/],
  ['nothing to send', on('send_stdin', {}), 'INVALID_ARGUMENT', /text/],
  ['the removal of what lives', on('remove_process', {}), 'INVALID_ARGUMENT', /kill_process/],
];

describe.each(CLIENTS)('a wrong call, client %s', (client) => {
  let server: TestServer;
  let pid: number | null;
  beforeAll(async () => {
    server = await TestServer.start({ client });
    ({ pid } = await server.run('while :; do date +%N; sleep 0.05; done', { name: 'up' }));
  });
  afterAll(async () => {
    await server.close();
  });

  it.each(BAD)('is refused: %s', async (_, [tool, args], code, saying) => {
    const answer = await server.call(tool, args);
    expect(answer).toBeRefused(code, saying);
    expect(answer.structured).toBeUndefined();
    expect(Buffer.byteLength(answer.text)).toBeLessThan(3000);
  });

  it('is refused by the protocol where the tool does not exist, naming those that do', async () => {
    const answer = server.call('run_backgroud', {}).then(
      ({ isError, text }) => (isError ? text : 'accepted'),
      (error: unknown) => String(error),
    );
    expect(await answer).toMatch(/run_backgroud[\s\S]*run_background, /);
  });

  it('leaves the server up, and every other process as it was', async () => {
    const { processes } = await server.ok('list_processes');
    expect(processes).toMatchObject([{ id: 'up', run: 1, pid, status: 'running' }]);
    const { next } = await server.output('up');
    const wait = await server.ok('wait_for_log', { id: 'up', pattern: '^\\d+$', since: next });
    expect(wait.outcome).toBe('matched');
  });
});
