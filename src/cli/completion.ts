import type { Command } from 'commander';
import { write, type CliIo } from './io.ts';
import type { Shell } from './shells.ts';

/** What can be completed of one command. */
interface Completed {
  name: string;
  description: string;
  flags: { long: string; short: string | undefined; description: string; takesValue: boolean }[];
  /** Whether its arguments are ids of processes. */
  takesIds: boolean;
}

export async function completion(shell: Shell, program: Command, { stdout }: CliIo): Promise<number> {
  await write(stdout, completionScript(shell, program));
  return 0;
}

/** The script that teaches a shell our commands, their flags, and the ids that exist at the moment of asking. */
export function completionScript(shell: Shell, program: Command): string {
  const commands = program.commands.map(completedOf).filter(({ name }) => name !== 'help');
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      return zsh(commands);
    case 'fish':
      return fish(commands);
  }
}

function completedOf(command: Command): Completed {
  return {
    name: command.name(),
    description: command.description(),
    flags: command.options.map(({ long, short, description, required }) => ({
      ...{ long: long ?? '', short, takesValue: required },
      // Only the gist: completion shows one line.
      description: description.split(/[;(:[]/)[0]?.trim() ?? '',
    })),
    takesIds: command.registeredArguments.some((argument) => argument.name() === 'id'),
  };
}

const PROGRAMS = ['proctor', 'proctor-mcp'];
const IDS = 'command proctor ps -q 2>/dev/null';

function bash(commands: readonly Completed[]): string {
  const cases = commands.map(
    ({ name, flags, takesIds }) =>
      `    ${name}) flags="${flags.map(({ long }) => long).join(' ')}"; ids=${takesIds ? 'yes' : 'no'} ;;`,
  );
  return `# bash completion for proctor: source this file, or put it into bash's completions directory.
_proctor() {
  local word="\${COMP_WORDS[COMP_CWORD]}" flags="" ids=no
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 ]]; then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')}" -- "$word"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) return ;;
  esac
  if [[ "$word" == -* ]]; then
    COMPREPLY=($(compgen -W "$flags --help" -- "$word"))
  elif [[ $ids == yes ]]; then
    COMPREPLY=($(compgen -W "$(${IDS})" -- "$word"))
  else
    COMPREPLY=($(compgen -f -- "$word"))
  fi
}
complete -F _proctor ${PROGRAMS.join(' ')}
`;
}

function zsh(commands: readonly Completed[]): string {
  const quote = (text: string): string => text.replaceAll("'", "'\\''").replaceAll(/[[\]:]/g, '\\$&');
  const described = commands.map(({ name, description }) => `    '${name}:${quote(description)}'`);
  const cases = commands.map(({ name, flags, takesIds }) => {
    const specs = flags.map(
      ({ long, description, takesValue }) =>
        `'${long}${takesValue ? '=' : ''}[${quote(description)}]${takesValue ? ':value:_files' : ''}'`,
    );
    const rest = takesIds ? "'*:process:_proctor_ids'" : "'*::command:_normal'";
    return `    ${name}) _arguments ${[...specs, rest].join(' ')} ;;`;
  });
  return `#compdef ${PROGRAMS.join(' ')}
# zsh completion for proctor: put it as _proctor into a directory of $fpath.
_proctor_ids() {
  local -a ids
  ids=(\${(f)"$(${IDS})"})
  compadd -a ids
}
_proctor() {
  local -a commands
  commands=(
${described.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local chosen=$words[2]
  shift words
  (( CURRENT-- ))
  case $chosen in
${cases.join('\n')}
  esac
}
if [[ $funcstack[1] == _proctor ]]; then _proctor "$@"; else compdef _proctor ${PROGRAMS.join(' ')}; fi
`;
}

function fish(commands: readonly Completed[]): string {
  const quote = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const names = commands.map(({ name }) => name).join(' ');
  const lines = PROGRAMS.flatMap((program) => [
    `complete -c ${program} -f`,
    ...commands.flatMap(({ name, description, flags, takesIds }) => [
      `complete -c ${program} -n "not __fish_seen_subcommand_from ${names}" -a ${name} -d ${quote(description)}`,
      ...(takesIds ? [`complete -c ${program} -n "__fish_seen_subcommand_from ${name}" -a "(${IDS})"`] : []),
      ...flags.map(({ long, short, description: what, takesValue }) => {
        const letter = short === undefined ? '' : ` -s ${short.slice(1)}`;
        const value = takesValue ? ' -r' : '';
        return `complete -c ${program} -n "__fish_seen_subcommand_from ${name}" -l ${long.slice(2)}${letter}${value} -d ${quote(what)}`;
      }),
    ]),
  ]);
  return `# fish completion for proctor: put it as proctor.fish into ~/.config/fish/completions.\n${lines.join('\n')}\n`;
}
