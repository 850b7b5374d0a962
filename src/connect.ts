import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { watchEvents } from './client/event-watch.ts';
import { HttpClient } from './client/http-client.ts';
import type { ConnectConfig } from './config.ts';
import type { ProcessService } from './core/service.ts';
import { findRunningServer, isLocal } from './locate.ts';
import { UpstreamError, type Target } from './mcp/upstream.ts';
import { spawnDetached } from './platform/spawn-server.ts';
import { StateDirectory } from './state-file.ts';

/** A server that was just started is given this long to answer. */
const START_MS = 10_000;
const LOG_FILE = 'server.log';

/**
 * Finds the shared server: the URL given, else the running one that the state directory names, else one we start where
 * that was asked for. Rejects with UpstreamError, which says what to do.
 *
 * @param cliPath the program that `serve` is an argument of
 */
export async function locateServer(config: ConnectConfig, cliPath: string): Promise<Target> {
  const directory = new StateDirectory(config.stateDirectory);
  const known = await findServer(config, directory);
  if (known !== undefined) return known;
  if (config.spawn) return startServer(config, directory, cliPath);
  throw new UpstreamError(
    'No shared server is running. Start one with "proctor serve", or connect with --spawn to have one started.',
  );
}

/** What happens at the shared server, wherever it is. None is started for that. */
export function sharedEvents(config: ConnectConfig, client: string): Pick<ProcessService, 'subscribe'> {
  const directory = new StateDirectory(config.stateDirectory);
  const find = async (): Promise<HttpClient> => {
    const known = await findServer(config, directory);
    if (known === undefined) throw new UpstreamError('No shared server is running.');
    return new HttpClient(known, client);
  };
  return { subscribe: (listener) => watchEvents(find, listener) };
}

async function findServer(config: ConnectConfig, directory: StateDirectory): Promise<Target | undefined> {
  const running = await findRunningServer(config, directory);
  if (running !== undefined || config.url === undefined) return running;
  return { url: config.url, ...(config.token !== undefined && { token: config.token }) };
}

async function startServer(
  config: ConnectConfig,
  directory: StateDirectory,
  cliPath: string,
): Promise<Target> {
  await mkdir(directory.path, { recursive: true, mode: 0o700 });
  const logFile = join(directory.path, LOG_FILE);
  const token: Record<string, string> = config.token === undefined ? {} : { PROCTOR_TOKEN: config.token };
  const hasEnded = spawnDetached(
    [cliPath, 'serve', '--unless-running', '--state-dir', directory.path],
    token,
    logFile,
  );
  const deadline = performance.now() + START_MS;
  for (;;) {
    // One that found another server here has ended: that other one is looked for a last time.
    const isLastLook = hasEnded() || performance.now() > deadline;
    const found = await findRunningServer(config, directory);
    if (found !== undefined) return found;
    if (isLastLook) break;
    await delay(50);
  }
  throw new UpstreamError(`The shared server that was started does not answer. Its log is ${logFile}.`);
}

/**
 * A client expects commands to run where it started its server. A shared server on this machine is told that place;
 * one on another machine has no such directory.
 */
export function localise(
  { url }: Pick<ConnectConfig, 'url'>,
  directory: string,
): (tool: string, args: Record<string, unknown>) => Record<string, unknown> {
  const local = url === undefined || isLocal(url);
  return (tool, args) => {
    const { cwd = '.' } = args;
    return local && tool === 'run_background' && typeof cwd === 'string'
      ? { ...args, cwd: resolve(directory, cwd) }
      : args;
  };
}
