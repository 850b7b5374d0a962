import type * as z from 'zod';

/** One setting as people give it: a flag, or an environment variable where it has one. */
export interface Setting {
  flag: string;
  /** Absent where a setting must be given in plain sight. */
  variable?: string;
  /** Absent for a flag that takes no value. */
  placeholder?: string;
  help: string;
  /** Present for a flag that may be given several times: what separates values in the variable. */
  separator?: string;
}

/** Settings that are read together. The schema turns what people gave into values, and names its keys. */
export interface SettingGroup<Schema extends z.ZodObject> {
  settings: Readonly<Record<keyof Schema['shape'] & string, Setting>>;
  schema: Schema;
}

/** Flags as the command line gave them, by flag name. A negated flag (`--no-x`) is false under `x`. */
export type Flags = ReadonlyMap<string, unknown>;

/** A mistake in flags or environment, worded for the person who made it. */
export class ConfigError extends Error {}

/** Reads defaults < environment < flags. Throws ConfigError with a line for each mistake. */
export function readSettings<Schema extends z.ZodObject>(
  { settings, schema }: SettingGroup<Schema>,
  flags: Flags,
  env: Readonly<Record<string, string | undefined>>,
): z.output<Schema> {
  const raw: Record<string, unknown> = {};
  const origin = new Map<string, string>();
  for (const [name, setting] of Object.entries<Setting>(settings)) {
    const { flag, variable, separator } = setting;
    const fromEnv = variable === undefined ? undefined : env[variable];
    if (flags.has(flag)) {
      raw[name] = flags.get(flag);
      origin.set(name, `--${flag}`);
    } else if (fromEnv !== undefined && fromEnv !== '') {
      raw[name] = separator === undefined ? fromEnv : fromEnv.split(separator).filter((part) => part !== '');
      origin.set(name, variable ?? '');
    }
  }
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map(({ path, message }) => {
    const name = String(path[0]);
    return `${origin.get(name) ?? name}: ${message}`;
  });
  throw new ConfigError(lines.join('\n'));
}
