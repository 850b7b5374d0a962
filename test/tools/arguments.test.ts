import { describe, expect, it } from 'vitest';
import { ProcessError } from '../../src/core/errors.ts';
import { TOOLS } from '../../src/tools/catalog.ts';
import { toJsonSchema } from '../../src/tools/json-schema.ts';
import { FakeService } from '../helpers/fake-service.ts';

interface Property {
  type?: string;
  enum?: string[];
  properties?: Record<string, Property>;
}

function toolNamed(name: string) {
  const tool = TOOLS.find((candidate) => candidate.name === name);
  if (!tool) throw new Error(`no tool ${name}`);
  return tool;
}

function propertiesOf(name: string): Record<string, Property> {
  return toJsonSchema(toolNamed(name).input).properties as Record<string, Property>;
}

/** The refusal of a call; fails when the call reached the service. */
async function refusal(name: string, args: unknown): Promise<string> {
  const service = new FakeService();
  const error: unknown = await toolNamed(name)
    .call(args, service, {})
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  expect(service.calls).toEqual([]);
  if (!(error instanceof ProcessError)) throw new Error(`${name} accepted ${JSON.stringify(args)}`);
  expect(error.code).toBe('INVALID_ARGUMENT');
  expect(error.hint).toMatch(/^[A-Z].*\.$/);
  return error.message;
}

/** What a tool needs besides the argument under test. */
const NEEDED: Record<string, Record<string, unknown>> = {
  run_background: { command: 'true' },
  get_output: { id: 'web' },
  wait_for_log: { id: 'web', pattern: 'x' },
  wait_for_port: { id: 'web' },
  wait_for_exit: { id: 'web' },
  send_stdin: { id: 'web', text: 'x' },
  kill_process: { id: 'web' },
  restart_process: { id: 'web' },
  remove_process: { id: 'build' },
};

const EVERY_ARGUMENT = TOOLS.flatMap(({ name }) =>
  Object.entries(propertiesOf(name)).flatMap(([argument, property]) => [
    { name, path: [argument], property },
    ...Object.entries(property.properties ?? {}).map(([inner, nested]) => ({
      name,
      path: [argument, inner],
      property: nested,
    })),
  ]),
);

/** Values that are wrong for a property, whatever its bounds. */
function wrongValues({ type, enum: names }: Property): unknown[] {
  if (names) return ['nope', 7, null];
  const wrong: Record<string, unknown[]> = {
    string: [42, true, null, ['x'], {}],
    integer: ['5', 1.5, -1, null, true, {}],
    boolean: ['true', 1, null],
    array: ['x', {}, null, [7]],
    object: ['x', 3, null, [1]],
  };
  return wrong[type ?? ''] ?? [{}, null, -1];
}

describe('every argument', () => {
  it('is covered below', () => {
    expect(EVERY_ARGUMENT.length).toBeGreaterThan(70);
  });

  it.each(EVERY_ARGUMENT.map((entry) => [`${entry.name} ${entry.path.join('.')}`, entry] as const))(
    '%s: a wrong type is refused by name, with the value and what is expected',
    async (_, { name, path, property }) => {
      const [outer = '', inner] = path;
      for (const value of wrongValues(property)) {
        const argument = inner === undefined ? value : { [inner]: value };
        const message = await refusal(name, { ...NEEDED[name], [outer]: argument });
        expect(message).toContain(path.join('.'));
        expect(message).toMatch(/expected: \S/);
        if (typeof value === 'number' || typeof value === 'string') expect(message).toContain(String(value));
      }
    },
  );

  it('if_running may name its default without a name', async () => {
    const call = { command: 'true', if_running: 'error' };
    await expect(toolNamed('run_background').call(call, new FakeService(), {})).resolves.toBeDefined();
  });

  it.each(Object.entries(NEEDED))('%s works with its required arguments alone', async (name, args) => {
    await expect(toolNamed(name).call(args, new FakeService(), {})).resolves.toHaveProperty('text');
  });
});

describe('unknown arguments', () => {
  it.each(TOOLS.map(({ name }) => [name]))(
    '%s refuses one by name and lists what it accepts',
    async (name) => {
      const message = await refusal(name, { ...NEEDED[name], frobnicate: 1 });
      expect(message).toContain('unknown argument "frobnicate"');
      expect(message).toContain(`expected: ${Object.keys(propertiesOf(name)).join(', ')}`);
    },
  );

  it.each([
    ['run_background', 'comand', 'command'],
    ['run_background', 'timeoutMs', 'timeout_ms'],
    ['run_background', 'port', 'wait_for.port'],
    ['get_output', 'maxbytes', 'max_bytes'],
    ['wait_for_log', 'timeout', 'timeout_ms'],
    ['kill_process', 'graceMs', 'grace_ms'],
  ])('%s: %s may have meant %s', async (name, given, meant) => {
    expect(await refusal(name, { ...NEEDED[name], [given]: 1 })).toContain(
      `"${given}" (did you mean ${meant}?)`,
    );
  });

  it('are refused inside wait_for as well', async () => {
    const message = await refusal('run_background', { command: 'x', wait_for: { logg: 'x' } });
    expect(message).toContain('"wait_for.logg" (did you mean log?); expected: log, failure_log');
  });

  it('are told before what else is wrong', async () => {
    const message = await refusal('get_output', { ident: 'web' });
    expect(message).toMatch(/^unknown argument "ident".*id is missing; expected: a string\.$/);
  });
});

describe('bounds', () => {
  it.each([
    ['run_background', { command: 'x'.repeat(100_001) }, /command .*at most 100000 characters/],
    ['run_background', { command: 'a\0b' }, /command .*text without NUL/],
    ['run_background', { command: '  ' }, /command is blank/],
    ['run_background', { command: 'x', args: ['a\0'] }, /args\.0 .*without NUL/],
    ['run_background', { command: 'x', name: 'a b' }, /name is "a b"; expected: 1 to 64 letters/],
    ['run_background', { command: 'x', name: 'a\0' }, /name .*expected: 1 to 64 letters/],
    ['run_background', { command: 'x', name: '-x' }, /name /],
    ['run_background', { command: 'x', name: 'x'.repeat(65) }, /name /],
    ['run_background', { command: 'x', env: { 'A=B': 'c' } }, /env\.A=B .*variable names/],
    ['run_background', { command: 'x', env: { A: 3 } }, /^env\.A is 3; expected: a string or null\.$/],
    ['run_background', { command: 'x', timeout_ms: 0 }, /timeout_ms is 0; expected: at least 1/],
    ['run_background', { command: 'x', timeout_ms: -1 }, /^timeout_ms is -1; expected: at least 1\.$/],
    [
      'run_background',
      { command: 'x', timeout_ms: 1e300 },
      /^timeout_ms is 1e\+300; expected: at most 2147483647\.$/,
    ],
    ['run_background', { command: 'x', timeout_ms: 2 ** 31 }, /timeout_ms .*at most 2147483647/],
    [
      'run_background',
      { command: 'x', wait_for: { port: 70_000 } },
      /wait_for\.port is 70000; expected: at most 65535/,
    ],
    [
      'run_background',
      { command: 'x', wait_for: { port: false } },
      /wait_for\.port .*expected: an integer or true/,
    ],
    ['run_background', { command: 'x', wait_for: { http_path: 'a' } }, /http_path .*starting with "\/"/],
    ['wait_for_log', { id: 'web', pattern: '' }, /pattern .*at least 1 characters/],
    ['wait_for_log', { id: 'web', pattern: 'a\0' }, /pattern .*NUL/],
    ['wait_for_log', { id: 'web', pattern: 'x', timeout_ms: -5 }, /timeout_ms is -5; expected: at least 0/],
    [
      'wait_for_log',
      { id: 'web', pattern: 'x', since: 'later' },
      /since is "later"; expected: an integer or "now"/,
    ],
    ['wait_for_port', { port: 0 }, /port is 0; expected: at least 1/],
    ['wait_for_port', { port: 65_536 }, /port .*at most 65535/],
    ['wait_for_port', { port: 80, host: 'a b' }, /host .*a host name/],
    ['wait_for_port', { port: 80, path: '/a\r\nX: y' }, /path .*without spaces/],
    ['wait_for_port', { port: 80, status: 99 }, /status /],
    ['wait_for_port', { port: 80, status: [200] }, /status /],
    ['send_stdin', { id: 'web', text: 'x'.repeat(1024 * 1024 + 1) }, /text .*at most 1048576 characters/],
    ['get_output', { id: 'web', max_bytes: 0 }, /max_bytes is 0; expected: at least 1/],
    ['kill_process', { ids: [] }, /ids .*at least 1 items/],
    ['kill_process', { all: false }, /all is false; expected: true/],
    ['list_processes', { status: 'dead' }, /status is "dead"; expected: one of all, live, ended, queued/],
  ])('%s %#', async (name, args, expected) => {
    const message = await refusal(name, args);
    expect(message).toMatch(expected);
    expect(message.length).toBeLessThan(1000);
  });

  it('takes any wait time: the service caps it', async () => {
    const service = new FakeService();
    await toolNamed('wait_for_exit').call({ id: 'web', timeout_ms: 10 ** 12 }, service, {});
    expect(service.askedFor('waitForExit')[0]).toMatchObject({ timeoutMs: 10 ** 12 });
  });

  it.each([['x'], [[1]], [3]])('refuses %j in place of the arguments', async (args) => {
    expect(await refusal('list_processes', args)).toMatch(/the arguments .*expected: an object/);
  });

  it('takes absent arguments for none', async () => {
    await expect(toolNamed('list_processes').call(undefined, new FakeService(), {})).resolves.toBeDefined();
  });
});

describe('arguments that need or exclude each other', () => {
  it.each([
    ['run_background', {}, /neither command nor code/],
    ['run_background', { command: 'x', code: 'y', language: 'bash' }, /both command and code/],
    ['run_background', { code: 'x' }, /language is missing/],
    ['run_background', { command: 'x', language: 'bash' }, /language goes with code/],
    ['run_background', { code: 'x', language: 'bash', args: [] }, /args goes with command/],
    ['run_background', { command: 'x', cols: 80 }, /cols and rows need pty/],
    ['get_output', { id: 'web', context: 3 }, /context needs grep/],
    ['run_background', { command: 'x', if_running: 'reuse' }, /^if_running: "reuse" needs a name\.$/],
    ['run_background', { command: 'x', if_running: 'replace' }, /^if_running: "replace" needs a name\.$/],
    [
      'run_background',
      { command: 'x', wait_for: {} },
      /wait_for names no condition; expected: at least one of/,
    ],
    ['restart_process', { id: 'web', wait_for: { exit: false } }, /wait_for names no condition/],
    ['wait_for_port', {}, /neither id nor port/],
    ['wait_for_port', { port: 80, mode: 'tcp', path: '/' }, /path and status need mode http/],
    ['wait_for_port', { port: 80, status: [399, 200] }, /status is \[399, 200\]; expected: \[min, max\]/],
    ['wait_for_exit', {}, /nothing was selected; expected: exactly one of id, ids/],
    ['wait_for_exit', { id: 'a', ids: ['b'] }, /id and ids exclude each other/],
    ['kill_process', {}, /exactly one of id, ids, all/],
    ['kill_process', { id: 'a', all: true }, /id and all exclude each other/],
    ['remove_process', {}, /exactly one of id, ids, all_ended/],
    ['send_stdin', { id: 'web' }, /nothing to send; expected: text, keys or eof/],
    ['send_stdin', { id: 'web', eof: false }, /nothing to send/],
  ])('%s %j', async (name, args, expected) => {
    expect(await refusal(name, args)).toMatch(expected);
  });
});
