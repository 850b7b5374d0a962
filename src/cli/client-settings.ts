import { resolve } from 'node:path';
import * as z from 'zod';
import { defaultStateDirectory, STATE_DIRECTORY_SETTING } from '../config.ts';
import { someText } from '../setting-values.ts';
import { readSettings, type Flags, type SettingGroup } from '../settings.ts';

const clientSchema = z.object({
  url: z
    .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
    // The address that "proctor serve" prints is that of its MCP endpoint.
    .transform((url) => url.replace(/\/mcp\/?$/, ''))
    .optional(),
  token: someText.optional(),
  stateDirectory: someText.optional(),
});

/** Settings of every command that asks a running server. */
export const CLIENT_SETTINGS: SettingGroup<typeof clientSchema> = {
  schema: clientSchema,
  settings: {
    url: {
      flag: 'url',
      variable: 'PROCTOR_URL',
      placeholder: 'URL',
      help: 'the server (default: the running one that the state directory names)',
    },
    token: {
      flag: 'token',
      variable: 'PROCTOR_TOKEN',
      placeholder: 'TOKEN',
      help: 'its token (default: the one in the state directory)',
    },
    stateDirectory: STATE_DIRECTORY_SETTING,
  },
};

export interface ClientConfig {
  readonly url?: string;
  readonly token?: string;
  readonly stateDirectory: string;
}

/** Throws ConfigError, worded for people. */
export function readClientConfig(
  flags: Flags,
  env: Readonly<Record<string, string | undefined>>,
): ClientConfig {
  const { url, token, stateDirectory } = readSettings(CLIENT_SETTINGS, flags, env);
  return {
    ...(url !== undefined && { url }),
    ...(token !== undefined && { token }),
    stateDirectory: resolve(stateDirectory ?? defaultStateDirectory(env)),
  };
}
