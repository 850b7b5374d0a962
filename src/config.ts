import { homedir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import * as z from 'zod';
import { DEFAULT_LIMITS, type Limits } from './core/limits.ts';
import { isLoopback } from './http/hosts.ts';
import { integer, origin, root, shell, size, someText, token } from './setting-values.ts';
import { ConfigError, readSettings, type Flags, type SettingGroup } from './settings.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What every server of processes needs, whatever it speaks. */
export interface Config {
  readonly limits: Limits;
  /** Shell for command lines; absent: bash where there is one, else sh. */
  readonly shell?: string;
  readonly logLevel: 'silent' | 'info' | 'debug';
}

/** What a server that others reach over HTTP needs besides. */
export interface ServeConfig {
  readonly host: string;
  /** 0 picks a free one. */
  readonly port: number;
  /** False: none is asked for. Absent: the one in the state directory, made on first use. */
  readonly token?: string | false;
  readonly allowHosts: readonly string[];
  readonly allowOrigins: readonly string[];
  /** Requests a second from one address that may go on for ever. */
  readonly ratePerSecond: number;
  readonly maxBodyBytes: number;
  /** Do not start where the state directory has a running server. */
  readonly unlessRunning: boolean;
  readonly stateDirectory: string;
}

/** Where a bridge finds its server. */
export interface ConnectConfig {
  /** Absent: the server that the state directory names. */
  readonly url?: string;
  readonly token?: string;
  /** Start a server where none is running. */
  readonly spawn: boolean;
  readonly stateDirectory: string;
  readonly logLevel: 'silent' | 'info' | 'debug';
}

/** Unassigned by IANA, and below the ports that systems hand out by themselves. */
export const DEFAULT_PORT = 7433;

const DAY_MS = 86_400_000;

const logLevelSetting = {
  flag: 'log-level',
  variable: 'PROCTOR_LOG_LEVEL',
  placeholder: 'LEVEL',
  help: 'silent, info or debug, written to stderr (default info)',
};
const logLevel = z.enum(['silent', 'info', 'debug'], 'expected silent, info or debug').default('info');

const serverSchema = z.object({
  ringBytes: size.default(DEFAULT_LIMITS.ringBytes),
  totalRingBytes: size.default(DEFAULT_LIMITS.totalRingBytes),
  maxLive: integer(1, 10_000).default(DEFAULT_LIMITS.maxLive),
  keepEnded: integer(0, 10_000).default(DEFAULT_LIMITS.keepEnded),
  waitCapMs: integer(100, DAY_MS).default(DEFAULT_LIMITS.waitCapMs),
  graceMs: integer(0, 600_000).default(DEFAULT_LIMITS.graceMs),
  // A list of nothing would be no restriction at all.
  roots: z.array(root).min(1, 'expected an existing directory').default([]),
  shell: shell.optional(),
  logLevel,
});

/** Settings of every server of processes. */
export const SERVER_SETTINGS: SettingGroup<typeof serverSchema> = {
  schema: serverSchema,
  settings: {
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
      separator: delimiter,
      help: 'only allow working directories inside DIR (repeatable; ":"-separated in the variable)',
    },
    shell: {
      flag: 'shell',
      variable: 'PROCTOR_SHELL',
      placeholder: 'PATH',
      help: 'shell for command lines (default bash, else sh)',
    },
    logLevel: logLevelSetting,
  },
};

export const STATE_DIRECTORY_SETTING = {
  flag: 'state-dir',
  variable: 'PROCTOR_STATE_DIR',
  placeholder: 'DIR',
  help: 'where the address and the token of a server are found (default ~/.local/state/proctor)',
};

const serveSchema = z.object({
  host: someText.default('127.0.0.1'),
  port: integer(0, 65_535).default(DEFAULT_PORT),
  token: z.union([z.literal(false), token]).optional(),
  allowHosts: z.array(someText).default([]),
  allowOrigins: z.array(origin).default([]),
  ratePerSecond: integer(1, 1_000_000).default(1000),
  maxBodyBytes: size.default(8 * 1024 * 1024),
  unlessRunning: z.boolean().default(false),
  stateDirectory: someText.optional(),
});

/** Settings of `serve`. */
export const SERVE_SETTINGS: SettingGroup<typeof serveSchema> = {
  schema: serveSchema,
  settings: {
    host: {
      flag: 'host',
      variable: 'PROCTOR_HOST',
      placeholder: 'ADDRESS',
      help: 'address to listen on (default 127.0.0.1: this machine only)',
    },
    port: {
      flag: 'port',
      variable: 'PROCTOR_PORT',
      placeholder: 'N',
      help: `port to listen on; 0 picks a free one (default ${DEFAULT_PORT})`,
    },
    token: {
      flag: 'token',
      variable: 'PROCTOR_TOKEN',
      placeholder: 'TOKEN',
      help: 'token that clients must show (default: made on first start, kept in the state directory); a flag is visible to every user of the machine, the variable is not',
    },
    allowHosts: {
      flag: 'allow-host',
      variable: 'PROCTOR_ALLOW_HOST',
      placeholder: 'NAME',
      separator: ',',
      help: 'another host name that clients use (repeatable; ","-separated in the variable)',
    },
    allowOrigins: {
      flag: 'allow-origin',
      variable: 'PROCTOR_ALLOW_ORIGIN',
      placeholder: 'ORIGIN',
      separator: ',',
      help: 'web pages that may call, such as https://app.example (repeatable; ","-separated in the variable)',
    },
    ratePerSecond: {
      flag: 'rate-limit',
      variable: 'PROCTOR_RATE_LIMIT',
      placeholder: 'N',
      help: 'requests a second from one address, ten times as many at once (default 1000)',
    },
    unlessRunning: {
      flag: 'unless-running',
      help: 'do not start where the state directory names a running server',
    },
    maxBodyBytes: {
      flag: 'max-body',
      variable: 'PROCTOR_MAX_BODY',
      placeholder: 'SIZE',
      help: 'largest request body (default 8M: what the longest input takes)',
    },
    stateDirectory: STATE_DIRECTORY_SETTING,
  },
};

const connectSchema = z.object({
  url: z
    .union([z.literal(true), z.url({ protocol: /^https?$/, error: 'expected an http or https URL' })])
    .optional(),
  token: token.optional(),
  spawn: z.union([z.boolean(), z.stringbool()], 'expected true or false').default(false),
  stateDirectory: someText.optional(),
  logLevel,
});

/** Settings of the bridge. */
export const CONNECT_SETTINGS: SettingGroup<typeof connectSchema> = {
  schema: connectSchema,
  settings: {
    url: {
      flag: 'connect',
      placeholder: '[URL]',
      help: 'serve stdin and stdout from a shared server (default URL: the one the state directory names)',
    },
    token: {
      flag: 'token',
      variable: 'PROCTOR_TOKEN',
      placeholder: 'TOKEN',
      help: "with --connect: the server's token (default: the one in the state directory)",
    },
    spawn: {
      flag: 'spawn',
      variable: 'PROCTOR_SPAWN',
      help: 'with --connect: start the shared server where none is running',
    },
    stateDirectory: STATE_DIRECTORY_SETTING,
    logLevel: logLevelSetting,
  },
};

/** Throws ConfigError, worded for people; so do the two below. */
export function readConfig(flags: Flags, env: Environment): Config {
  const { shell, logLevel: level, ...limits } = readSettings(SERVER_SETTINGS, flags, env);
  return Object.freeze({
    limits: Object.freeze(limits),
    ...(shell !== undefined && { shell }),
    logLevel: level,
  });
}

export function readServeConfig(flags: Flags, env: Environment): ServeConfig {
  const { token: given, stateDirectory, ...rest } = readSettings(SERVE_SETTINGS, flags, env);
  if (given === false && !isLoopback(rest.host)) {
    throw new ConfigError(
      `--no-token: a server on ${rest.host} can be reached from other machines, and runs commands for whoever reaches it. It needs a token.`,
    );
  }
  return Object.freeze({
    ...rest,
    ...(given !== undefined && { token: given }),
    stateDirectory: resolve(stateDirectory ?? defaultStateDirectory(env)),
  });
}

export function readConnectConfig(flags: Flags, env: Environment): ConnectConfig {
  const { url, token: given, stateDirectory, ...rest } = readSettings(CONNECT_SETTINGS, flags, env);
  return Object.freeze({
    ...rest,
    ...(typeof url === 'string' && { url }),
    ...(given !== undefined && { token: given }),
    stateDirectory: resolve(stateDirectory ?? defaultStateDirectory(env)),
  });
}

/** As the XDG base directory specification has it. */
export function defaultStateDirectory(env: Environment): string {
  const base = env.XDG_STATE_HOME;
  return join(base === undefined || base === '' ? join(homedir(), '.local', 'state') : base, 'proctor');
}
