import { ConnectionError, HttpClient, type ServerAddress } from '../client/http-client.ts';
import { RemoteService } from '../client/remote-service.ts';
import { ProcessError, type ErrorCode } from '../core/errors.ts';
import type { ProcessService } from '../core/service.ts';
import { findRunningServer, isLocal } from '../locate.ts';
import { StateDirectory } from '../state-file.ts';
import type { ClientConfig } from './client-settings.ts';
import { EXIT, printLine, type CliIo } from './io.ts';

/** A server and where it is. */
export interface Connection {
  address: ServerAddress;
  service: ProcessService;
  /** Whether paths of this machine mean the same there. */
  local: boolean;
}

/** Rejects with a ConnectionError when there is no server. */
export async function connect(config: ClientConfig, version: string): Promise<Connection> {
  const running = await findRunningServer(config, new StateDirectory(config.stateDirectory));
  const { url, token } = config;
  const address = running ?? (url === undefined ? undefined : { url, ...(token !== undefined && { token }) });
  if (address === undefined)
    throw new ConnectionError(
      'unreachable',
      'No server is running. Start one with "proctor serve", or name one with --url.',
    );
  return {
    address,
    service: new RemoteService(new HttpClient(address, `proctor-cli ${version}`)),
    local: isLocal(address.url),
  };
}

/** What agents call tools, people know as commands. */
const COMMAND_OF: readonly [RegExp, string][] = [
  [/\brun_background\b/g, '"proctor run"'],
  [/\blist_processes\b/g, '"proctor ps"'],
  [/\bget_output\b/g, '"proctor logs"'],
  [/\bkill_process\b/g, '"proctor kill"'],
  [/\bremove_process\b/g, '"proctor rm"'],
  [/\brestart_process\b/g, '"proctor restart"'],
  [/\bPass if_running: "reuse" or "replace"/g, 'Pass --reuse or --replace'],
  [/\bif_running: "(reuse|replace)"/g, '--$1'],
  [/ Correct the call to .* and repeat it\./g, ''],
];

const STATUS_OF_CONNECTION: Readonly<Record<ConnectionError['kind'], number>> = {
  unreachable: EXIT.noServer,
  foreign: EXIT.noServer,
  refused: EXIT.notLetIn,
  failed: EXIT.failed,
};

/** Codes with a status of their own: some mistakes on the command line only the server finds. */
const STATUS_OF_CODE: Partial<Record<ErrorCode, number>> = {
  INVALID_ARGUMENT: EXIT.usage,
  INVALID_PATTERN: EXIT.usage,
  PROCESS_NOT_FOUND: EXIT.notFound,
};

/** Runs a command to its exit status. The one place where errors become words for people. */
export async function withErrors(io: CliIo, act: () => Promise<number>): Promise<number> {
  try {
    return await act();
  } catch (error) {
    const { status, words } = describe(error);
    await printLine(io.stderr, `proctor: ${words}`);
    return status;
  }
}

/** An error as people read it. */
export function wordsOf({ message, hint }: ProcessError): string {
  return COMMAND_OF.reduce(
    (text, [tool, command]) => text.replaceAll(tool, command),
    `${message} ${hint}`.trim(),
  );
}

function describe(error: unknown): { status: number; words: string } {
  if (error instanceof ConnectionError) {
    return { status: STATUS_OF_CONNECTION[error.kind], words: error.message };
  }
  if (error instanceof ProcessError) {
    return { status: STATUS_OF_CODE[error.code] ?? EXIT.failed, words: wordsOf(error) };
  }
  return { status: EXIT.failed, words: error instanceof Error ? error.message : String(error) };
}
