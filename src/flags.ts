import { Option, type Command } from 'commander';
import type * as z from 'zod';
import type { Flags, Setting, SettingGroup } from './settings.ts';

/** Gives a command the flags of its settings; of two settings with one flag the first counts. */
export function addFlags<Schema extends z.ZodObject>(
  command: Command,
  { settings }: SettingGroup<Schema>,
): void {
  for (const { flag, placeholder, variable, help, separator } of Object.values<Setting>(settings)) {
    if (command.options.some(({ long }) => long === `--${flag}`)) continue;
    const value = placeholder === undefined || placeholder.startsWith('[') ? placeholder : `<${placeholder}>`;
    const option = new Option(
      value === undefined ? `--${flag}` : `--${flag} ${value}`,
      variable === undefined ? help : `${help} [${variable}]`,
    );
    if (separator !== undefined)
      option.argParser((text: string, before: readonly string[] | undefined) => [...(before ?? []), text]);
    command.addOption(option);
  }
}

/** The flags that were given, by their names without dashes. */
export function flagsOf(command: Command): Flags {
  const values = command.opts<Record<string, unknown>>();
  const flags = new Map<string, unknown>();
  for (const option of command.options) {
    const name = option.attributeName();
    if (command.getOptionValueSource(name) === 'cli')
      flags.set(option.name().replace(/^no-/, ''), values[name]);
  }
  return flags;
}
