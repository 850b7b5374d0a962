import { readFileSync } from 'node:fs';
import { ConfigError, helpText, parseCommandLine, type CommandLine, type Config } from './config.ts';
import { ProcessManager } from './core/process-manager.ts';
import { createLogger } from './logger.ts';
import { serveStdio } from './mcp/stdio.ts';
import { LocalRunner } from './platform/local-runner.ts';

/** Exit status for a mistake on the command line, as shells and getopt have it. */
const USAGE_ERROR = 2;

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const found =
    typeof manifest === 'object' && manifest !== null && 'version' in manifest ? manifest.version : '';
  return String(found);
}

/** Serves one stdio client until it goes away, a signal comes, or an error escapes; then ends every process. */
function serve(config: Config): void {
  const logger = createLogger(config.logLevel, process.stderr);
  const runner = new LocalRunner({ logger, ...(config.shell !== undefined && { shell: config.shell }) });
  const manager = new ProcessManager(runner, config.limits);
  const server = serveStdio(manager, { version: version(), logger });

  let closing = false;
  const end = (reason: string, exitCode: number): void => {
    // A second request to end hurries the first: no more grace.
    const graceMs = closing ? 0 : config.limits.graceMs;
    closing = true;
    logger.debug(`ending: ${reason}`);
    const giveUp = setTimeout(() => process.exit(exitCode || 1), graceMs + 1000);
    void manager
      .close(graceMs)
      .catch((error: unknown) => {
        logger.error('closing failed', error);
      })
      .then(() => server.close())
      .finally(() => {
        clearTimeout(giveUp);
        process.exit(exitCode);
      });
  };

  void server.closed.then(() => {
    end('the client closed the connection', 0);
  });
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
  // A client that stops reading must not end the server by EPIPE: stdin's end tells that it has gone.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
}

function main(argv: readonly string[], env: NodeJS.ProcessEnv): void {
  let line: CommandLine;
  try {
    line = parseCommandLine(argv, env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`proctor-mcp: ${error.message}\n`);
    process.exitCode = USAGE_ERROR;
    return;
  }
  switch (line.command) {
    case 'help':
      process.stdout.write(helpText());
      return;
    case 'version':
      process.stdout.write(`${version()}\n`);
      return;
    case 'stdio':
      serve(line.config);
  }
}

main(process.argv.slice(2), process.env);
