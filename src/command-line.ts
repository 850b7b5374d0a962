import { Command, CommanderError } from 'commander';
import { addClientCommands, type ClientAction } from './cli/commands.ts';
import {
  CONNECT_SETTINGS,
  readConfig,
  readConnectConfig,
  readServeConfig,
  SERVE_SETTINGS,
  SERVER_SETTINGS,
  type Config,
  type ConnectConfig,
  type ServeConfig,
} from './config.ts';
import { addFlags, flagsOf } from './flags.ts';
import { ConfigError } from './settings.ts';

/** What a command line asks for. */
export type CommandLine =
  | { command: 'help'; text: string }
  | { command: 'version' }
  | { command: 'stdio'; config: Config }
  | { command: 'connect'; connect: ConnectConfig }
  | { command: 'serve'; config: Config; serve: ServeConfig }
  | { command: 'client'; action: ClientAction };

type Environment = Readonly<Record<string, string | undefined>>;

/** Parses and checks; effects are the caller's. Throws ConfigError, worded for people. */
export function parseCommandLine(argv: readonly string[], env: Environment): CommandLine {
  let chosen: CommandLine = { command: 'version' };
  let written = '';
  const program = new Command('proctor-mcp')
    .description('Runs, watches and reliably ends background processes, for AI agents.')
    .usage('[flags]               serve MCP over stdin and stdout\n       proctor-mcp COMMAND [flags]')
    .option('-v, --version', 'show the version')
    .enablePositionalOptions()
    .allowExcessArguments(true)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => (written += text),
      writeErr: (text) => (written += text),
      getOutHelpWidth: () => 100,
      getOutHasColors: () => false,
    })
    .showHelpAfterError('Run "proctor-mcp --help" to see every command and flag.')
    .action((_, command: Command) => {
      const [unknown] = command.args;
      if (unknown !== undefined) command.error(`unknown command '${unknown}'`);
      const flags = flagsOf(command);
      if (flags.has('version')) return;
      chosen = flags.has('connect')
        ? { command: 'connect', connect: readConnectConfig(flags, env) }
        : { command: 'stdio', config: readConfig(flags, env) };
    });
  addFlags(program, CONNECT_SETTINGS);
  addFlags(program, SERVER_SETTINGS);

  const serve = program
    .command('serve')
    .description('serve MCP over HTTP, to as many clients as come')
    .allowExcessArguments(false)
    .option('--no-token', 'ask for no token; on a loopback address only')
    .action((_, command: Command) => {
      const flags = flagsOf(command);
      chosen = { command: 'serve', config: readConfig(flags, env), serve: readServeConfig(flags, env) };
    });
  addFlags(serve, SERVE_SETTINGS);
  addFlags(serve, SERVER_SETTINGS);

  addClientCommands(program, env, (action) => {
    chosen = { command: 'client', action };
  });

  try {
    program.parse(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { command: 'help', text: written };
    throw new ConfigError(written.replace(/^error: /, '').trim());
  }
  return chosen;
}
