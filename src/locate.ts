import { isLoopback } from './http/hosts.ts';
import type { StateDirectory } from './state-file.ts';

/** What somebody said about where the server is. */
export interface ServerHint {
  url?: string;
  token?: string;
}

/**
 * The running server that the state directory names, unless another one was asked for. The token in the directory is
 * for the server that published its address there, and is sent nowhere else.
 */
export async function findRunningServer(
  { url, token }: ServerHint,
  directory: StateDirectory,
): Promise<{ url: string; token?: string } | undefined> {
  const state = await directory.runningServer();
  if (state === undefined || (url !== undefined && new URL(url).origin !== new URL(state.url).origin))
    return undefined;
  const known = token ?? (state.token === 'file' ? await directory.readToken() : undefined);
  return { url: state.url, ...(known !== undefined && { token: known }) };
}

/** Whether a server is on this machine: paths mean the same there. */
export function isLocal(url: string): boolean {
  return isLoopback(new URL(url).hostname);
}
