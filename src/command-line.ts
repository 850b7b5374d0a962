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
import { ConfigError, type Flags, type Setting } from './settings.ts';

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
      refuseMisplaced(flags);
      chosen = flags.has('connect')
        ? { command: 'connect', connect: readConnectConfig(flags, env) }
        : { command: 'stdio', config: readConfig(flags, env) };
    });
  addFlags(program, CONNECT_SETTINGS);
  addFlags(program, SERVER_SETTINGS);
  program.hook('preSubcommand', (_, subcommand) => {
    for (const flag of flagsOf(program).keys())
      program.error(
        `error: --${flag} has no effect before "${subcommand.name()}"; what may stand after, "${subcommand.name()} --help" tells`,
      );
  });

  const serve = program
    .command('serve')
    .description('serve MCP over HTTP, to as many clients as come')
    .allowExcessArguments(false)
    .option('--no-token', 'ask for no token; on a loopback address only')
    .action((_, command: Command) => {
      if (tokenFlags.size > 1) command.error('error: give --token or --no-token, not both');
      const flags = flagsOf(command);
      chosen = { command: 'serve', config: readConfig(flags, env), serve: readServeConfig(flags, env) };
    });
  addFlags(serve, SERVE_SETTINGS);
  // They share one value, of which the last is kept.
  const tokenFlags = new Set<string>();
  for (const flag of ['token', 'no-token']) serve.on(`option:${flag}`, () => tokenFlags.add(flag));
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

/** A flag that would have no effect is a mistake: somebody relies on it. */
function refuseMisplaced(flags: Flags): void {
  const [ofServer, ofBridge] = [flagNames(SERVER_SETTINGS), flagNames(CONNECT_SETTINGS)];
  const connects = flags.has('connect');
  const [own, others] = connects ? [ofBridge, ofServer] : [ofServer, ofBridge];
  const reason = connects
    ? 'with --connect it is for the shared server to know; give it to "proctor serve"'
    : 'works only together with --connect';
  const wrong = [...others].filter((flag) => flags.has(flag) && !own.has(flag));
  const lines = wrong.map((flag) => `--${flag}: ${reason}`);
  if (flags.has('spawn') && typeof flags.get('connect') === 'string')
    lines.push('--spawn: the server at a URL is not started; leave out the URL or --spawn');
  if (lines.length > 0) throw new ConfigError(lines.join('\n'));
}

function flagNames({ settings }: { settings: Readonly<Record<string, Setting>> }): Set<string> {
  return new Set(Object.values(settings).map(({ flag }) => flag));
}
