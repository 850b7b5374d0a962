import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError, helpText, parseCommandLine, type Config } from '../src/config.ts';
import { DEFAULT_LIMITS } from '../src/core/limits.ts';

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
    [['--log-level', 'loud'], {}, /--log-level/],
  ])('refuses %j %j in words', (argv, env, message) => {
    expect(() => parseCommandLine(argv, env)).toThrow(ConfigError);
    expect(() => parseCommandLine(argv, env)).toThrow(message);
  });

  it('knows --help and --version, and the help names every setting', () => {
    expect(parseCommandLine(['-h'], {})).toEqual({ command: 'help' });
    expect(parseCommandLine(['--version'], {})).toEqual({ command: 'version' });
    for (const flag of ['--ring-bytes', '--root', 'PROCTOR_SHELL']) expect(helpText()).toContain(flag);
  });
});
