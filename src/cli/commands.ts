import { Argument, Option, type Command } from 'commander';
import { addFlags, flagsOf } from '../flags.ts';
import { CLIENT_SETTINGS, readClientConfig } from './client-settings.ts';
import type { Connection } from './connection.ts';
import type { KillOptions, SendOptions } from './control.ts';
import type { CliIo } from './io.ts';
import type { LogsOptions } from './logs.ts';
import type { PsOptions } from './ps.ts';
import type { ReadyOptions, RunOptions } from './run.ts';
import { SHELLS, type Shell } from './shells.ts';
import { parseCount, parseDuration, parsePort, parseSince, parseVariable } from './values.ts';
import type { WaitOptions } from './wait.ts';

/** What a command line asks for, ready to be done. Resolves to the exit status; never rejects for a mistake of others. */
export type ClientAction = (io: CliIo) => Promise<number>;

const STATUS_HELP = `
Exit status: 0 done, 1 failed, 2 wrong usage, 3 no such process, 69 no server, 77 not let in, 124 timed out.`;
const MIRROR_HELP = `${STATUS_HELP}
A process's own end: its exit code, 128 + N for signal N, 127 if it could not be started.`;

/**
 * Adds the commands of people and scripts. Each is loaded when it is called for: most servers start without any.
 *
 * @param choose is told what the command line asks for
 */
export function addClientCommands(
  program: Command,
  env: CliIo['env'],
  choose: (action: ClientAction) => void,
): void {
  const asking: Command[] = [];
  /** A command that asks a running server. */
  const add = (usage: string, description: string, help = STATUS_HELP): Command => {
    const command = program.command(usage).description(description).allowExcessArguments(false);
    asking.push(command);
    return command.addHelpText('after', help);
  };
  const ask = (command: Command, act: (connection: Connection, io: CliIo) => Promise<number>): void => {
    const config = readClientConfig(flagsOf(command), env);
    choose(async (io) => {
      const { connect, withErrors } = await import('./connection.ts');
      return withErrors(io, async () => act(await connect(config, io.version), io));
    });
  };

  add('ps', 'show the processes')
    .argument('[id...]', 'only these')
    .option('-l, --live', 'only those that are alive')
    .addOption(new Option('-q, --quiet', 'only their ids').conflicts('json'))
    .option('-w, --watch', 'go on showing them, until interrupted')
    .option('--json', 'as the list_processes tool answers; with --watch a line for each change')
    .action((ids: string[], options: PsOptions, command: Command) => {
      ask(command, async ({ service }, io) => (await import('./ps.ts')).ps(ids, options, service, io));
    });

  const run = add('run', 'start a process that outlives this command; prints its id', MIRROR_HELP)
    .argument('<command...>', 'a shell line as one argument, or a program and its arguments')
    .passThroughOptions()
    .option('-n, --name <name>', 'becomes the id (default: the program, numbered)')
    .option('-C, --cwd <dir>', 'where it runs (default: here)')
    .option(
      '-e, --env <name=value>',
      "over the server's own environment; NAME alone unsets (repeatable)",
      parseVariable,
    )
    .option('-t, --pty', 'in a terminal')
    .addOption(new Option('--reuse', 'if the name is live, leave it running').conflicts('replace'))
    .option('--replace', 'if the name is live, end it first')
    .option('--lifetime <time>', 'end it after this long', parseDuration)
    .option('--rm', 'forget it when it has ended')
    .option('--json', 'as the run_background tool answers')
    .action((words: string[], options: RunOptions, command: Command) => {
      requireWait(command, options);
      ask(command, async (connection, io) => (await import('./run.ts')).run(words, options, connection, io));
    });
  addReadyOptions(run);

  add('logs', 'print the output of a process')
    .argument('<id>')
    .option('-f, --follow', 'go on until it ends')
    .option(
      '--since <place>',
      'a cursor, "now", a time ago such as 10m, or a date (default: the current run)',
      parseSince,
    )
    .option('-n, --tail <lines>', 'only the last lines', parseCount)
    .option('-g, --grep <pattern>', 'only lines that match (RE2)')
    .addOption(new Option('--stream <name>', 'only this one').choices(['stdout', 'stderr']))
    .option('-t, --timestamps', 'begin each line with its time')
    .option('--raw', 'as it came, colours included (default on a terminal)')
    .action((id: string, options: LogsOptions, command: Command) => {
      ask(command, async ({ service }, io) => (await import('./logs.ts')).logs(id, options, service, io));
    });

  add('wait', 'wait for the end of processes, or for a line or a port of one', MIRROR_HELP)
    .argument('<id...>')
    .option('--exit', 'for its end (default); exits as it does')
    .option('--any', 'of several, for the first to end')
    .addOption(new Option('--log <pattern>', 'for a line that matches (RE2)').conflicts(['exit', 'any']))
    .option('--failure <pattern>', 'with --log: a line that ends the wait as a failure')
    .addOption(
      new Option('--port [port]', 'for a port; without a number for whichever it opens')
        .argParser(parsePort)
        .conflicts(['exit', 'any', 'log']),
    )
    .option('--timeout <time>', 'give up after this long (default: never)', parseDuration)
    .option('--json', 'as the wait tools answer')
    .action((ids: string[], options: WaitOptions, command: Command) => {
      if (ids.length > 1 && (options.log !== undefined || options.port !== undefined))
        command.error('error: --log and --port wait for one process');
      if (options.failure !== undefined && options.log === undefined)
        command.error('error: --failure ends a wait for a line: name the line with --log');
      ask(command, async ({ service }, io) => (await import('./wait.ts')).wait(ids, options, service, io));
    });

  add('send', 'write a line to the input of a process; "-" sends the text (UTF-8) that comes on stdin')
    .argument('<id>')
    .argument('[text...]')
    .option('-k, --key <name>', 'press a key in its terminal: ctrl-c, up, enter, f1 (repeatable)', collect)
    .option('--eof', 'close its input after')
    .option('--no-newline', 'do not end the line')
    .option('--wait-for <pattern>', 'print the reply, up to a line that matches')
    .option('--wait-idle <time>', 'print the reply, until nothing more comes for this long', parseDuration)
    .option('--timeout <time>', 'of the wait', parseDuration)
    .option('--json', 'as the send_stdin tool answers')
    .action((id: string, words: string[], options: SendOptions, command: Command) => {
      requireWait(command, options);
      ask(command, async ({ service }, io) =>
        (await import('./control.ts')).send(id, words, options, service, io),
      );
    });

  add('kill', 'end processes with everything they started')
    .argument('[id...]')
    .option('-a, --all', 'all that are alive')
    .option('-s, --signal <name>', 'SIGTERM (default), SIGINT, SIGKILL, or another that is only delivered')
    .option('--grace <time>', 'between the signal and SIGKILL (default 5s)', parseDuration)
    .option('--json', 'as the kill_process tool answers')
    .action((ids: string[], options: KillOptions, command: Command) => {
      requireOne(command, ids, options.all, '--all');
      ask(command, async ({ service }, io) => (await import('./control.ts')).kill(ids, options, service, io));
    });

  const restart = add('restart', 'end a process and start the same command again')
    .argument('<id>')
    .option('--json', 'as the restart_process tool answers')
    .action((id: string, options: ReadyOptions & { json?: boolean }, command: Command) => {
      requireWait(command, options);
      ask(command, async ({ service }, io) =>
        (await import('./control.ts')).restart(id, options, service, io),
      );
    });
  addReadyOptions(restart);

  add('rm', 'forget processes that have ended, and their output')
    .argument('[id...]')
    .option('--ended', 'all that have ended')
    .action((ids: string[], options: { ended?: boolean }, command: Command) => {
      requireOne(command, ids, options.ended, '--ended');
      ask(command, async ({ service }, io) =>
        (await import('./control.ts')).remove(ids, options, service, io),
      );
    });

  add('open', 'show the dashboard in a browser')
    .option('--print', 'only print its address, which lets in whoever has it')
    .action((options: { print?: boolean }, command: Command) => {
      const { stateDirectory } = readClientConfig(flagsOf(command), env);
      ask(command, async (connection, io) => {
        const [opener, { StateDirectory }, { openUrl }, { removeLater }] = await Promise.all([
          import('./open.ts'),
          import('../state-file.ts'),
          import('../platform/open-url.ts'),
          import('../platform/remove-later.ts'),
        ]);
        const directory = new StateDirectory(stateDirectory);
        return opener.open(options, connection, directory, { openUrl, removeLater }, io);
      });
    });

  for (const command of asking) addFlags(command, CLIENT_SETTINGS);

  program
    .command('doctor')
    .description('say what holds on this machine and what is missing; asks no server')
    .allowExcessArguments(false)
    .option('--json', 'for programs')
    .addHelpText('after', '\nExit status: 0 when everything that is promised holds here, else 1.')
    .action((options: { json?: boolean }) => {
      choose(async (io) => (await import('./doctor.ts')).doctor(options, io));
    });

  program
    .command('completion')
    .description('print the script that teaches a shell these commands')
    .allowExcessArguments(false)
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .action((shell: Shell) => {
      choose(async (io) => (await import('./completion.ts')).completion(shell, program, io));
    });
}

function addReadyOptions(command: Command): Command {
  return command
    .option('--wait-for <pattern>', 'return when a line matches (RE2)')
    .addOption(
      new Option(
        '--wait-port [port]',
        'return when it listens; without a number on whichever port',
      ).argParser(parsePort),
    )
    .option('--wait-idle <time>', 'return when it prints nothing for this long', parseDuration)
    .option('--wait-exit', 'return when it has ended, with its exit status')
    .option('--timeout <time>', 'of these waits (default 25s)', parseDuration);
}

function requireOne(command: Command, ids: readonly string[], all: boolean | undefined, flag: string): void {
  if (ids.length === 0 && all !== true) command.error(`error: name a process, or give ${flag}`);
  if (ids.length > 0 && all === true) command.error(`error: name processes or give ${flag}, not both`);
}

function requireWait(command: Command, options: ReadyOptions): void {
  const { waitFor, waitPort, waitExit, waitIdle, timeout } = options;
  if (timeout === undefined || [waitFor, waitPort, waitExit, waitIdle].some((wait) => wait !== undefined))
    return;
  const flags = command.options.flatMap(({ long }) => (long?.startsWith('--wait-') === true ? long : []));
  command.error(`error: --timeout ends a wait: name one with ${flags.join(', ')}`);
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
