import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ClientAction } from './cli/commands.ts';
import type { CommandLine } from './command-line.ts';
import { readConfig, type Config, type ConnectConfig, type ServeConfig } from './config.ts';
import { ProcessManager } from './core/process/process-manager.ts';
import { createLogger, type Logger } from './logger.ts';
import { serveStdio } from './mcp/stdio.ts';
import type { Target } from './mcp/upstream.ts';
import { parentGone } from './parent-watch.ts';
import { LocalRunner } from './platform/local-runner.ts';
import { ConfigError } from './settings.ts';

/** Exit status for a mistake on the command line, as shells and getopt have it. */
const USAGE_ERROR = 2;

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const found =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : '';
  return String(found);
}

interface Supervisor {
  manager: ProcessManager;
  logger: Logger;
}

function createSupervisor(config: Config): Supervisor {
  const logger = createLogger(config.logLevel, process.stderr);
  const runner = new LocalRunner({ logger, ...(config.shell !== undefined && { shell: config.shell }) });
  return { manager: new ProcessManager(runner, config.limits), logger };
}

/** Until a signal comes or an error escapes; then ends every process. Returns what ends it for another reason. */
function runUntilEnd(
  { manager, logger }: Supervisor,
  configuredGraceMs: number,
  closeFace: () => Promise<void>,
): (reason: string, exitCode: number) => void {
  let closing = false;
  const end = (reason: string, exitCode: number): void => {
    // A second request to end hurries the first: no more grace.
    const graceMs = closing ? 0 : configuredGraceMs;
    closing = true;
    logger.debug(`ending: ${reason}`);
    const giveUp = setTimeout(() => process.exit(exitCode || 1), graceMs + 1000);
    void manager
      .close(graceMs)
      .catch((error: unknown) => {
        logger.error('closing failed', error);
      })
      .then(closeFace)
      .finally(() => {
        clearTimeout(giveUp);
        process.exit(exitCode);
      });
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      end(signal, 0);
    });
  }
  const onUncaught = (error: unknown): void => {
    logger.error('uncaught error', error);
    end('uncaught error', 1);
  };
  process.on('uncaughtException', onUncaught);
  process.on('unhandledRejection', onUncaught);
  return end;
}

/** Serves one stdio client until it goes away. */
function serveStdioClient(config: Config): void {
  const supervisor = createSupervisor(config);
  const { manager, logger } = supervisor;
  const server = serveStdio(manager, { version: version(), logger });
  const end = runUntilEnd(supervisor, config.limits.graceMs, () => server.close());
  // A client that ends does both: that is one reason to end, and no second one that hurries.
  void Promise.race([
    server.closed.then(() => 'the client closed the connection'),
    parentGone().then(() => 'the process that started the server is gone'),
  ]).then((reason) => {
    end(reason, 0);
  });
}

/** Serves every client that comes over HTTP, until it is told to end. */
async function serveHttpClients(config: Config, serve: ServeConfig): Promise<void> {
  const supervisor = createSupervisor(config);
  const { manager, logger } = supervisor;
  try {
    // Most servers speak stdio to one client: they start without what HTTP takes.
    const { startSharedServer } = await import('./serve.ts');
    const server = await startSharedServer(manager, { version: version(), logger }, serve);
    runUntilEnd(supervisor, config.limits.graceMs, () => server.close());
    process.stdout.write(`Proctor serves MCP at ${server.mcpUrl} (${server.access})\n`);
  } catch (error) {
    process.stderr.write(
      `proctor-mcp: cannot serve: ${error instanceof Error ? error.message : String(error)}\n`,
    );
    process.exit(1);
  }
}

/** Carries one stdio client to a shared server. Nothing runs here, so there is nothing to end. */
async function bridge(config: ConnectConfig): Promise<void> {
  const [{ locateServer, localise, sharedEvents }, { serveBridge }] = await Promise.all([
    import('./connect.ts'),
    import('./mcp/bridge.ts'),
  ]);
  const logger = createLogger(config.logLevel, process.stderr);
  let locating: Promise<Target> | undefined;
  // Two that look at the same time must not start two servers.
  const locate = (): Promise<Target> =>
    (locating ??= locateServer(config, fileURLToPath(import.meta.url)).finally(() => (locating = undefined)));
  const server = serveBridge({
    version: version(),
    logger,
    locate,
    events: sharedEvents(config, `proctor-bridge ${version()}`),
    localise: localise(config, process.cwd()),
  });
  // Whether there is a server is told at once; a client that starts first may find one later.
  locate().catch((error: unknown) => {
    logger.info(error instanceof Error ? error.message : String(error));
  });
  await server.closed;
  await server.close();
  process.exit(0);
}

/** Runs one command of a person's or a script's, and ends with its exit status. */
async function runClient(action: ClientAction): Promise<void> {
  // A reader that has seen enough (`proctor logs x | head`) is no error.
  process.stdout.on('error', () => process.exit(0));
  const { stdin, stdout, stderr, env } = process;
  const status = await action({ stdin, stdout, stderr, env, cwd: process.cwd(), version: version() });
  // Streams that are still open, and with them an answer that nobody waits for, end here.
  await new Promise((resolve) => stdout.write('', resolve));
  process.exit(status);
}

/** Most clients start a server without arguments, and wait for it: they do not wait for a parser to load. */
async function readCommandLine(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<CommandLine> {
  if (argv.length === 0) return { command: 'stdio', config: readConfig(new Map(), env) };
  const { parseCommandLine } = await import('./command-line.ts');
  return parseCommandLine(argv, env);
}

async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  // Who stops reading must not end us by EPIPE: that a client has gone a server is told by the end of its stdin.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  let line: CommandLine;
  try {
    line = await readCommandLine(argv, env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`proctor-mcp: ${error.message}\n`);
    process.exitCode = USAGE_ERROR;
    return;
  }
  switch (line.command) {
    case 'help':
      process.stdout.write(line.text);
      return;
    case 'version':
      process.stdout.write(`${version()}\n`);
      return;
    case 'stdio':
      serveStdioClient(line.config);
      return;
    case 'serve':
      await serveHttpClients(line.config, line.serve);
      return;
    case 'connect':
      await bridge(line.connect);
      return;
    case 'client':
      await runClient(line.action);
      return;
  }
}

await main(process.argv.slice(2), process.env);
