import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SpawnSpec } from '../../../src/core/runner.ts';
import type { Launch } from '../../../src/core/types.ts';
import { errnoMeaning, resolveLaunch, type ResolvedCommand } from '../../../src/platform/launch/launch.ts';

let directory: string;
const base = { PATH: process.env.PATH };

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'proctor-launch-'));
  program('tool', 'echo tool');
  program('not-executable', 'echo never');
  chmodSync(join(directory, 'not-executable'), 0o644);
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

function program(name: string, body: string): string {
  const file = join(directory, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return file;
}

function resolveIt(
  launch: Launch,
  { env = base, shell, ...spec }: Partial<Omit<SpawnSpec, 'env'>> & { env?: object; shell?: string } = {},
): Promise<ResolvedCommand> {
  return resolveLaunch(
    { launch, cwd: directory, env: {}, stdin: 'open', ...spec },
    { baseEnv: { ...env }, ...(shell === undefined ? {} : { shell }) },
  );
}

const exec = (file: string, ...args: string[]): Launch => ({ kind: 'exec', file, args });
const code = (language: string, source = ''): Launch => ({ kind: 'code', language, source });
const shell = (line: string): Launch => ({ kind: 'shell', line });

describe('a shell line', () => {
  it('is run by bash, else sh, or by the shell configured', async () => {
    expect(await resolveIt(shell('a | b'))).toMatchObject({
      file: expect.stringMatching(/\/bash$/),
      args: ['--norc', '-c', 'a | b'],
    });
    const bin = join(directory, 'only-sh');
    mkdirSync(bin);
    symlinkSync('/bin/sh', join(bin, 'sh'));
    expect(await resolveIt(shell('x'), { env: { PATH: bin } })).toMatchObject({ file: join(bin, 'sh') });
    expect(await resolveIt(shell('x'), { shell: '/bin/sh' })).toMatchObject({ file: '/bin/sh' });
    await expect(resolveIt(shell('x'), { shell: 'nosuchshell' })).rejects.toMatchObject({
      code: 'SPAWN_FAILED',
    });
  });
});

describe('an executable', () => {
  it('is found on PATH, or by its path from cwd', async () => {
    expect(await resolveIt(exec('sh', '-c', 'x y'))).toMatchObject({
      file: expect.stringMatching(/^\/.*\/sh$/),
      args: ['-c', 'x y'],
    });
    expect(await resolveIt(exec('./tool'))).toMatchObject({ file: join(directory, 'tool') });
    expect(await resolveIt(exec(join(directory, 'tool')))).toMatchObject({ file: join(directory, 'tool') });
    expect(await resolveIt(exec('tool'), { env: { PATH: `/nonexistent:${directory}` } })).toMatchObject({
      file: join(directory, 'tool'),
    });
  });

  it('uses the PATH of the child, not of the server', async () => {
    const command = resolveLaunch(
      { launch: exec('tool'), cwd: '/', env: { PATH: directory }, stdin: 'open' },
      { baseEnv: base },
    );
    expect(await command).toMatchObject({ file: join(directory, 'tool') });
  });

  it.each([
    [exec('nosuchprogram'), 'SPAWN_FAILED', /"nosuchprogram" was not found on PATH.*ENOENT/],
    [exec('./nosuchprogram'), 'SPAWN_FAILED', /ENOENT: no such file/],
    [exec(''), 'SPAWN_FAILED', /not found on PATH/],
    [exec('./not-executable'), 'PERMISSION_DENIED', /EACCES/],
    [exec('/tmp/'), 'SPAWN_FAILED', /EISDIR/],
    [exec('./tool/deeper'), 'SPAWN_FAILED', /ENOTDIR/],
    [exec('sh', 'a\0b'), 'INVALID_ARGUMENT', /^args: contains a NUL/],
    [shell('echo \0'), 'INVALID_ARGUMENT', /^command: contains a NUL/],
    [code('python', 'print("\0")'), 'INVALID_ARGUMENT', /^code: contains a NUL/],
  ])('is refused with the reason: %j', async (launch, errorCode, message) => {
    await expect(resolveIt(launch)).rejects.toMatchObject({
      code: errorCode,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/\.$/),
    });
  });

  it('passes over a file on PATH that is not executable', async () => {
    const env = { PATH: `${join(directory, 'early')}:${directory}` };
    chmodSync(program('early/tool', ''), 0o644);
    expect(await resolveIt(exec('tool'), { env })).toMatchObject({ file: join(directory, 'tool') });
    const denied = resolveIt(exec('not-executable'), { env });
    await expect(denied).rejects.toMatchObject({ code: 'PERMISSION_DENIED' });
  });

  it('tells a shell line given as an executable', async () => {
    await expect(resolveIt(exec('npm run dev'))).rejects.toMatchObject({
      hint: expect.stringContaining('leave args out'),
    });
  });
});

describe('cwd', () => {
  it.each([
    ['/nonexistent/directory', /ENOENT/],
    ['/etc/passwd', /ENOTDIR/],
    ['/tmp\0', /NUL/],
  ])('%j is refused with the reason', async (cwd, message) => {
    await expect(resolveIt(exec('sh'), { cwd })).rejects.toMatchObject({
      message: expect.stringMatching(message),
    });
  });
});

describe('source text', () => {
  it.each([
    ['python', 'python3', '-c'],
    ['py', 'python3', '-c'],
    ['bash', 'bash', '--norc -c'],
    ['shell', 'bash', '--norc -c'],
    ['sh', 'sh', '-c'],
    ['perl', 'perl', '-e'],
    ['Node', 'node', '-e'],
    ['js', 'node', '-e'],
  ])('in %s is run by %s %s', async (language, file, flags) => {
    const command = await resolveIt(code(language, '1'));
    expect(command.file).toMatch(new RegExp(`/${file}$`));
    expect(command.args).toEqual([...flags.split(' '), '1']);
  });

  it('in Python prints at once, unless the caller says otherwise', async () => {
    expect((await resolveIt(code('python', '1'))).env.PYTHONUNBUFFERED).toBe('1');
    const command = await resolveIt(code('python', '1'), { env: { ...base, PYTHONUNBUFFERED: '' } });
    expect(command.env.PYTHONUNBUFFERED).toBe('');
    expect((await resolveIt(exec('python3'))).env).not.toHaveProperty('PYTHONUNBUFFERED');
  });

  it.each([
    ['console.log(require("fs"))', false],
    ['import fs from "fs"', true],
    ['export {}', true],
    ['await 1', true],
    ['async () => { await 1 }; "import x"', false],
    ['syntax error (', true],
  ])('in JavaScript is a module where it must be: %s', async (source, isModule) => {
    const { args } = await resolveIt(code('javascript', source));
    expect(args.includes('--input-type=module')).toBe(isModule);
    expect(args.slice(-2)).toEqual(['-e', source]);
  });

  it.each([
    ['v22.6.0', ['--experimental-strip-types', '--input-type=module']],
    ['v22.13.1', ['--experimental-strip-types', '--input-type=module-typescript']],
    ['v22.18.0', ['--input-type=module-typescript']],
    ['v23.0.0', ['--experimental-strip-types', '--input-type=module']],
    ['v24.1.0', ['--input-type=module-typescript']],
  ])('in TypeScript is run by Node %s, which strips types', async (version, flags) => {
    const node = program(`bin-${version}/node`, `echo ${version}`);
    const { file, args } = await resolveIt(code('ts', 'await 1'), { env: { PATH: join(node, '..') } });
    expect(file).toBe(node);
    expect(args).toEqual(['--disable-warning=ExperimentalWarning', ...flags, '-e', 'await 1']);
  });

  it('in TypeScript is run by what else there is, the tools of the project first', async () => {
    const old = join(program('bin-old/node', 'echo v20.1.0'), '..');
    const absent = resolveIt(code('typescript'), { env: { PATH: old } });
    await expect(absent).rejects.toMatchObject({
      code: 'SPAWN_FAILED',
      hint: expect.stringContaining('tsx'),
    });
    const bun = program('bin-bun/bun', '');
    const both = `${old}:${join(bun, '..')}`;
    expect(await resolveIt(code('ts', '1'), { env: { PATH: both } })).toMatchObject({
      file: bun,
      args: ['-e', '1'],
    });
    const tsx = program('project/node_modules/.bin/tsx', '');
    const cwd = join(directory, 'project/src');
    mkdirSync(cwd);
    expect(await resolveIt(code('ts', 'await 1'), { env: { PATH: both }, cwd })).toMatchObject({
      file: tsx,
      args: ['--input-type=module', '-e', 'await 1'],
    });
  });

  it('in an unknown language, or one without its interpreter, is refused with what helps', async () => {
    await expect(resolveIt(code('cobol'))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      hint: expect.stringMatching(/bash, .*python.*typescript/),
    });
    await expect(resolveIt(code('python'), { env: { PATH: directory } })).rejects.toMatchObject({
      code: 'SPAWN_FAILED',
      hint: expect.stringContaining('Install Python'),
    });
  });
});

describe('the environment', () => {
  const env = (own: Record<string, string | null>, server: object = base): Promise<Record<string, string>> =>
    resolveLaunch(
      { launch: exec('/bin/sh'), cwd: '/', env: own, stdin: 'open' },
      { baseEnv: { ...server } },
    ).then((command) => ({ ...command.env }));

  it('is the server’s, with what was set and without what was unset', async () => {
    const found = await env(
      { B: '2', C: null, D: 'x=y', E: '' },
      { A: '1', B: '1', C: '1', PROCTOR_TOKEN: 'secret' },
    );
    expect(found).toEqual({
      A: '1',
      B: '2',
      D: 'x=y',
      E: '',
      PROCTOR_TREE: expect.stringMatching(/^[0-9a-f]{24}$/),
    });
  });

  it('marks each tree with a value of its own, which a caller cannot choose', async () => {
    const marks = [await env({}), await env({ PROCTOR_TREE: 'mine' }, { PROCTOR_TREE: 'outer' })];
    expect(new Set(marks.map(({ PROCTOR_TREE }) => PROCTOR_TREE)).size).toBe(2);
    expect(marks[1]?.PROCTOR_TREE).not.toMatch(/mine|outer/);
  });

  it('hands on no channel of Node’s', async () => {
    expect(
      await env({}, { NODE_CHANNEL_FD: '3', NODE_CHANNEL_SERIALIZATION_MODE: 'json' }),
    ).not.toHaveProperty('NODE_CHANNEL_FD');
  });

  it.each([{ '': 'x' }, { 'A=B': 'x' }, { A: 'x\0' }, { 'A\0': null }])('refuses %j', async (own) => {
    await expect(env(own)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/^env:/),
    });
  });

  it('names a terminal that can redraw, where one was asked for', async () => {
    const term = async (
      server: object,
      terminal?: { cols: number; rows: number },
    ): Promise<string | undefined> =>
      (
        await resolveLaunch(
          { launch: exec('/bin/sh'), cwd: '/', env: {}, stdin: 'open', ...(terminal && { terminal }) },
          { baseEnv: { ...server } },
        )
      ).env.TERM;
    const size = { cols: 80, rows: 24 };
    expect(await term({}, size)).toBe('xterm-256color');
    expect(await term({ TERM: 'dumb' }, size)).toBe('xterm-256color');
    expect(await term({ TERM: 'screen' }, size)).toBe('screen');
    expect(await term({})).toBeUndefined();
  });
});

describe('errnoMeaning', () => {
  it('takes names and numbers of either sign', () => {
    expect(errnoMeaning('ENOENT')).toBe('ENOENT: no such file or directory');
    expect([errnoMeaning(2), errnoMeaning(-2)]).toEqual([errnoMeaning('ENOENT'), errnoMeaning('ENOENT')]);
    expect(errnoMeaning(8)).toMatch(/^ENOEXEC: /);
    expect(errnoMeaning(4242)).toBe('errno 4242');
  });
});
