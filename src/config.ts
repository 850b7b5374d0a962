import { realpathSync } from 'node:fs';
import { delimiter } from 'node:path';
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { DEFAULT_LIMITS, type Limits } from './core/limits.ts';

export interface Config {
  readonly limits: Limits;
  /** Shell for command lines; absent: bash where there is one, else sh. */
  readonly shell?: string;
  readonly logLevel: 'silent' | 'info' | 'debug';
}

export type CommandLine = { command: 'help' | 'version' } | { command: 'stdio'; config: Config };

/** A mistake in flags or environment, worded for the person who made it. */
export class ConfigError extends Error {}

interface Setting {
  flag: string;
  variable: string;
  placeholder: string;
  help: string;
}

/** One table behind flags, environment variables and --help. */
const SETTINGS = {
  ringBytes: {
    flag: 'ring-bytes',
    variable: 'PROCTOR_RING_BYTES',
    placeholder: 'SIZE',
    help: 'output kept per process (default 4M)',
  },
  totalRingBytes: {
    flag: 'total-bytes',
    variable: 'PROCTOR_TOTAL_BYTES',
    placeholder: 'SIZE',
    help: 'output kept for all processes together (default 256M)',
  },
  maxLive: {
    flag: 'max-processes',
    variable: 'PROCTOR_MAX_PROCESSES',
    placeholder: 'N',
    help: 'processes alive at the same time (default 64)',
  },
  keepEnded: {
    flag: 'keep-ended',
    variable: 'PROCTOR_KEEP_ENDED',
    placeholder: 'N',
    help: 'ended processes remembered with their output (default 50)',
  },
  waitCapMs: {
    flag: 'wait-cap-ms',
    variable: 'PROCTOR_WAIT_CAP_MS',
    placeholder: 'MS',
    help: 'longest a single wait may take (default 50000)',
  },
  graceMs: {
    flag: 'grace-ms',
    variable: 'PROCTOR_GRACE_MS',
    placeholder: 'MS',
    help: 'time between SIGTERM and SIGKILL (default 5000)',
  },
  roots: {
    flag: 'root',
    variable: 'PROCTOR_ROOT',
    placeholder: 'DIR',
    help: 'only allow working directories inside DIR (repeatable; ":"-separated in the variable)',
  },
  shell: {
    flag: 'shell',
    variable: 'PROCTOR_SHELL',
    placeholder: 'PATH',
    help: 'shell for command lines (default bash, else sh)',
  },
  logLevel: {
    flag: 'log-level',
    variable: 'PROCTOR_LOG_LEVEL',
    placeholder: 'LEVEL',
    help: 'silent, info or debug, written to stderr (default info)',
  },
} as const satisfies Record<string, Setting>;

type SettingName = keyof typeof SETTINGS;

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

const size = z.string().transform((text, context) => {
  const [, digits, unit] = /^(\d+)([kmg]?)(?:i?b)?$/i.exec(text.trim()) ?? [];
  const bytes = Number(digits) * (UNITS[unit?.toLowerCase() ?? ''] ?? NaN);
  if (Number.isSafeInteger(bytes) && bytes >= 4096) return bytes;
  context.addIssue({ code: 'custom', message: 'expected a size of at least 4K, such as 65536, 512K or 4M' });
  return z.NEVER;
});

function integer(min: number, max: number) {
  return z.string().transform((text, context) => {
    const value = /^\d+$/.test(text.trim()) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    context.addIssue({ code: 'custom', message: `expected a whole number from ${min} to ${max}` });
    return z.NEVER;
  });
}

const root = z.string().transform((text, context) => {
  try {
    return realpathSync(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'expected an existing directory' });
    return z.NEVER;
  }
});

const DAY_MS = 86_400_000;

const SCHEMA = z.object({
  ringBytes: size.default(DEFAULT_LIMITS.ringBytes),
  totalRingBytes: size.default(DEFAULT_LIMITS.totalRingBytes),
  maxLive: integer(1, 10_000).default(DEFAULT_LIMITS.maxLive),
  keepEnded: integer(0, 10_000).default(DEFAULT_LIMITS.keepEnded),
  waitCapMs: integer(100, DAY_MS).default(DEFAULT_LIMITS.waitCapMs),
  graceMs: integer(0, 600_000).default(DEFAULT_LIMITS.graceMs),
  roots: z.array(root).default([]),
  shell: z.string().min(1).optional(),
  logLevel: z
    .enum(['silent', 'info', 'debug'], { error: 'expected silent, info or debug' })
    .default('info'),
});

/** Reads defaults < environment < flags. Throws ConfigError, worded for people. */
export function parseCommandLine(argv: readonly string[], env: NodeJS.ProcessEnv): CommandLine {
  const values = parseFlags(argv);
  if (values.help === true) return { command: 'help' };
  if (values.version === true) return { command: 'version' };

  const raw: Partial<Record<SettingName, string | string[]>> = {};
  const origin = new Map<string, string>();
  for (const name of settingNames()) {
    const { flag, variable } = SETTINGS[name];
    const fromFlag = values[flag];
    const fromEnv = env[variable];
    if (typeof fromFlag === 'string' || Array.isArray(fromFlag)) {
      raw[name] = typeof fromFlag === 'string' ? fromFlag : fromFlag.map(String);
      origin.set(name, `--${flag}`);
    } else if (fromEnv !== undefined && fromEnv !== '') {
      raw[name] = name === 'roots' ? fromEnv.split(delimiter).filter((part) => part !== '') : fromEnv;
      origin.set(name, variable);
    }
  }
  const parsed = SCHEMA.safeParse(raw);
  if (!parsed.success) {
    const lines = parsed.error.issues.map(({ path, message }) => {
      const name = String(path[0]);
      return `${origin.get(name) ?? name}: ${message}`;
    });
    throw new ConfigError(lines.join('\n'));
  }
  const { shell, logLevel, ...limits } = parsed.data;
  const config = { limits: Object.freeze(limits), ...(shell !== undefined && { shell }), logLevel };
  return { command: 'stdio', config: Object.freeze(config) };
}

function settingNames(): SettingName[] {
  return SCHEMA.keyof().options;
}

function parseFlags(argv: readonly string[]): Readonly<Record<string, unknown>> {
  try {
    return parseArgs({
      args: [...argv],
      strict: true,
      allowPositionals: false,
      options: {
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean', short: 'v' },
        ...Object.fromEntries(
          settingNames().map((name) => [
            SETTINGS[name].flag,
            { type: 'string' as const, multiple: name === 'roots' },
          ]),
        ),
      },
    }).values;
  } catch (error) {
    const message = error instanceof Error ? error.message.split('. To specify')[0] : String(error);
    throw new ConfigError(`${message}\nRun "proctor-mcp --help" to see every flag.`);
  }
}

/** The text of --help. */
export function helpText(): string {
  const rows = settingNames().map((name) => {
    const { flag, placeholder, help, variable } = SETTINGS[name];
    return `  ${`--${flag} ${placeholder}`.padEnd(24)}${help}\n${' '.repeat(26)}[${variable}]`;
  });
  return `proctor-mcp: run, watch and reliably end background processes, for AI agents.

Usage:
  proctor-mcp [flags]       serve MCP over stdin and stdout

Flags (each also as an environment variable; flags win):
${rows.join('\n')}
  -h, --help              show this text
  -v, --version           show the version
`;
}
