import { constants } from 'node:os';
import { getSystemErrorMap } from 'node:util';
import { ProcessError } from '../../core/errors.ts';

/** Where the kernel's own words do not tell an agent what is wrong with a start. */
const START_MEANINGS: Readonly<Record<string, string>> = {
  E2BIG:
    'the arguments and environment are longer than the system allows (128 KiB each, about 2 MiB together)',
  EACCES: 'permission denied: the file is not executable, or a directory on the way may not be entered',
  EAGAIN: 'the limit on processes of this user or container is reached',
  EMFILE: 'the server has too many open files',
  ENFILE: 'the system has too many open files',
  ENOENT: 'no such file or directory',
  ENOEXEC: 'not a program this machine can run: wrong format, or a script without a #! line',
  ENOMEM: 'not enough memory',
  ETXTBSY: 'the file is open for writing',
};

const HINTS: Readonly<Record<string, string>> = {
  E2BIG: 'Write the long argument or source to a file and pass its path.',
  EACCES: 'Run chmod +x on it, or start it through its interpreter.',
  EAGAIN: 'End processes that are no longer needed, then try again.',
  ENOENT: 'If the file exists, the interpreter named in its #! line does not.',
  ENOEXEC: 'Start it through its interpreter, for example command "bash" with args ["script"].',
};

/** `ENOENT: no such file or directory`, from a positive or negative errno number or from its name. */
export function errnoMeaning(code: string | number): string {
  const [name, number] = Object.entries(constants.errno).find((entry) => matches(entry, code)) ?? [];
  if (name === undefined || number === undefined) return typeof code === 'number' ? `errno ${code}` : code;
  // Node's own table lacks what libuv does not use, such as ENOEXEC.
  const text = START_MEANINGS[name] ?? getSystemErrorMap().get(-number)?.[1];
  return text === undefined ? name : `${name}: ${text}`;
}

function matches([name, number]: [string, number], code: string | number): boolean {
  return name === code || number === code || -number === code;
}

/** The error for a start that the kernel refused: `what` names the file or directory it was refused for. */
export function spawnFailure(
  what: string,
  errno: string | number,
  hint?: string,
  cause?: unknown,
): ProcessError {
  const meaning = errnoMeaning(errno);
  const name = meaning.split(':', 1)[0] ?? '';
  const denied = name === 'EACCES' || name === 'EPERM';
  return new ProcessError(denied ? 'PERMISSION_DENIED' : 'SPAWN_FAILED', `${what}: ${meaning}.`, {
    hint: hint ?? HINTS[name] ?? 'Check the command, its arguments and cwd.',
    details: { errno: name },
    cause,
  });
}
