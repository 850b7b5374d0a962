import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCommandLine } from '../src/command-line.ts';
import { DEFAULT_PORT, type Config, type ServeConfig } from '../src/config.ts';
import { DEFAULT_LIMITS } from '../src/core/limits.ts';
import { ConfigError } from '../src/settings.ts';

function configOf(argv: string[], env: NodeJS.ProcessEnv = {}): Config {
  const line = parseCommandLine(argv, env);
  if (line.command !== 'stdio') throw new Error(`not a server: ${line.command}`);
  return line.config;
}

describe('the command line', () => {
  it('has defaults, lets the environment change them, and flags win', () => {
    expect(configOf([]).limits).toEqual(DEFAULT_LIMITS);
    const env = { PROCTOR_RING_BYTES: '1M', PROCTOR_GRACE_MS: '100', PROCTOR_MAX_PROCESSES: '' };
    const { limits } = configOf(['--ring-bytes', '64K', '--total-bytes=1g'], env);
    expect(limits).toMatchObject({ ringBytes: 65_536, totalRingBytes: 1024 ** 3, graceMs: 100, maxLive: 64 });
  });

  it('resolves roots, from a repeated flag or one variable', () => {
    const real = realpathSync(mkdtempSync(join(tmpdir(), 'proctor-roots-')));
    const link = `${real}-link`;
    symlinkSync(real, link);
    try {
      expect(configOf(['--root', link, '--root', '/']).limits.roots).toEqual([real, '/']);
      expect(configOf([], { PROCTOR_ROOT: `${link}:/` }).limits.roots).toEqual([real, '/']);
    } finally {
      rmSync(link);
      rmSync(real, { recursive: true });
    }
  });

  it.each<[string[], NodeJS.ProcessEnv, RegExp]>([
    [['--frobnicate'], {}, /--frobnicate.*\n.*--help/s],
    [['serve-me'], {}, /serve-me/],
    [['--ring-bytes', 'many'], {}, /--ring-bytes: expected a size/],
    [['--ring-bytes', '12'], {}, /at least 4K/],
    [['--max-processes', '0'], {}, /--max-processes: expected a whole number from 1/],
    [['--grace-ms', '-5'], {}, /--grace-ms/],
    [['--grace-ms=-5'], {}, /--grace-ms: expected a whole number/],
    [[], { PROCTOR_WAIT_CAP_MS: '1e3' }, /PROCTOR_WAIT_CAP_MS: expected a whole number/],
    [['--root', '/no/such/place'], {}, /--root: expected an existing directory/],
    [['--root', ''], {}, /--root: expected an existing directory/],
    [['--root', import.meta.filename], {}, /--root: expected an existing directory/],
    [[], { PROCTOR_ROOT: ':' }, /PROCTOR_ROOT: expected an existing directory/],
    [['--shell', '/no/such/shell'], {}, /--shell: expected the name or the path of a shell/],
    [['--shell', ''], {}, /--shell: expected the name or the path of a shell/],
    [['--log-level', 'loud'], {}, /--log-level: expected silent, info or debug/],
    [['--spawn'], {}, /--spawn: works only together with --connect/],
    [['--token', 'known-to-the-server'], {}, /--token: works only together with --connect/],
    [['--state-dir', '/s'], {}, /--state-dir: works only together with --connect/],
    [['--state-dir', '', '--connect'], {}, /--state-dir: expected some text/],
    [
      ['--connect', '--max-processes', '3', '--root', '/'],
      {},
      /--max-processes: .*proctor serve.*\n--root: /,
    ],
    [['--connect', 'http://a.example', '--spawn'], {}, /--spawn: .*URL/],
    [['--connect'], { PROCTOR_SPAWN: 'maybe' }, /PROCTOR_SPAWN: expected true or false/],
    [['--max-processes', '3', 'serve'], {}, /--max-processes has no effect before "serve"/],
  ])('refuses %j %j in words', (argv, env, message) => {
    expect(() => parseCommandLine(argv, env)).toThrow(ConfigError);
    expect(() => parseCommandLine(argv, env)).toThrow(message);
  });

  it('finds the shell once, wherever processes will run', () => {
    expect(configOf(['--shell', 'sh']).shell).toMatch(/^\/.*\/sh$/);
  });

  it('takes what is for the bridge from the environment only where there is one', () => {
    const env = { PROCTOR_TOKEN: 'short', PROCTOR_SPAWN: 'maybe' };
    expect(configOf([], env).limits).toEqual(DEFAULT_LIMITS);
    const line = parseCommandLine(['--connect', '--log-level', 'debug'], { PROCTOR_SPAWN: '1' });
    expect(line).toMatchObject({ connect: { spawn: true, logLevel: 'debug' } });
  });

  it('knows --help and --version, and the help names every setting', () => {
    expect(parseCommandLine(['--version'], {})).toEqual({ command: 'version' });
    const help = parseCommandLine(['-h'], {});
    if (help.command !== 'help') throw new Error('no help');
    for (const name of ['--ring-bytes', '--root', 'PROCTOR_SHELL', '--connect', 'serve'])
      expect(help.text).toContain(name);
    expect(parseCommandLine(['serve', '--help'], {})).toMatchObject({
      text: expect.stringMatching(/--no-token/),
    });
  });
});

describe('serve', () => {
  function serveConfigOf(argv: string[], env: NodeJS.ProcessEnv = {}): ServeConfig {
    const line = parseCommandLine(['serve', ...argv], env);
    if (line.command !== 'serve') throw new Error(`not a shared server: ${line.command}`);
    return line.serve;
  }

  it('has safe defaults', () => {
    expect(serveConfigOf([], { XDG_STATE_HOME: '/state' })).toEqual({
      host: '127.0.0.1',
      port: DEFAULT_PORT,
      allowHosts: [],
      allowOrigins: [],
      ratePerSecond: 1000,
      maxBodyBytes: 8 * 1024 * 1024,
      unlessRunning: false,
      stateDirectory: '/state/proctor',
    });
  });

  it('takes flags over the environment, and the settings of every server', () => {
    const env = { PROCTOR_TOKEN: 'from-the-environment', PROCTOR_ALLOW_HOST: 'a.example,b.example' };
    const config = serveConfigOf(['--port', '0', '--grace-ms', '7', '--state-dir', '/s'], env);
    expect(config).toMatchObject({
      port: 0,
      token: 'from-the-environment',
      allowHosts: ['a.example', 'b.example'],
      stateDirectory: '/s',
    });
    expect(serveConfigOf(['--token', 'from-the-command-line'], env).token).toBe('from-the-command-line');
    expect(serveConfigOf(['--no-token'], env).token).toBe(false);
  });

  it.each<[string[], RegExp]>([
    [['--no-token', '--host', '0.0.0.0'], /needs a token/],
    [['--no-token', '--host', '192.168.1.7'], /needs a token/],
    [['--no-token', '--host', '::'], /needs a token/],
    [['--token', 'short'], /--token: expected at least 16/],
    [['--token', 'known-to-the-server', '--no-token'], /--token or --no-token, not both/],
    [['--no-token', '--token', 'known-to-the-server'], /--token or --no-token, not both/],
    [['--port', '70000'], /--port: expected a whole number/],
    [['--allow-origin', 'app.example'], /--allow-origin: expected an origin/],
    [['extra'], /too many arguments/],
    [['--nonsense'], /--nonsense/],
  ])('refuses %j in words', (argv, message) => {
    expect(() => parseCommandLine(['serve', ...argv], {})).toThrow(ConfigError);
    expect(() => parseCommandLine(['serve', ...argv], {})).toThrow(message);
  });
});
