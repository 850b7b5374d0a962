import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { basename, delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Script } from 'node:vm';
import { ProcessError } from '../../core/errors.ts';
import { findExecutable } from './find-executable.ts';

/** Where interpreters are looked for. */
export interface Surroundings {
  cwd: string;
  /** The child's PATH. */
  path: string | undefined;
  /** Path or name of the shell for shell lines; default bash, else sh. */
  shell?: string;
}

/** How to run one source text with stdin left to the program. */
export interface Interpretation {
  file: string;
  args: string[];
  env?: Readonly<Record<string, string>>;
}

interface Language {
  name: string;
  aliases?: readonly string[];
  /** Executables to try, best first. */
  files: readonly string[];
  args: (source: string) => string[];
  env?: Readonly<Record<string, string>>;
  /** How to get the interpreter: the end of "Install …". */
  install: string;
}

const dashC = (source: string): string[] => ['-c', source];
/** bash takes itself for a remote command when its stdin is a socket, and reads ~/.bashrc even for -c. */
const bashC = (source: string): string[] => ['--norc', '-c', source];
const dashE = (source: string): string[] => ['-e', source];

const LANGUAGES: readonly Language[] = [
  {
    name: 'python',
    aliases: ['py', 'python3'],
    files: ['python3', 'python'],
    args: dashC,
    // Python block-buffers its output into a pipe; unbuffered, a line can be waited for when it is printed.
    env: { PYTHONUNBUFFERED: '1' },
    install: 'Python 3 (for example: apt-get install python3)',
  },
  {
    name: 'javascript',
    aliases: ['js', 'node', 'nodejs'],
    files: ['node', process.execPath],
    args: (source) => [...(isScript(source) ? [] : ['--input-type=module']), '-e', source],
    install: 'Node.js (https://nodejs.org)',
  },
  { name: 'bash', files: ['bash'], args: bashC, install: 'bash' },
  { name: 'sh', files: ['sh'], args: dashC, install: 'a POSIX shell' },
  { name: 'zsh', files: ['zsh'], args: dashC, install: 'zsh' },
  {
    name: 'ruby',
    aliases: ['rb'],
    files: ['ruby'],
    args: dashE,
    install: 'Ruby (for example: apt-get install ruby)',
  },
  {
    name: 'perl',
    aliases: ['pl'],
    files: ['perl'],
    args: dashE,
    install: 'Perl (for example: apt-get install perl)',
  },
  {
    name: 'php',
    files: ['php'],
    // php -r takes code without the opening tag that files begin with.
    args: (source) => ['-r', source.replace(/^\s*<\?php\s/, '')],
    install: 'PHP (for example: apt-get install php-cli)',
  },
  {
    name: 'lua',
    files: ['lua', 'lua5.4', 'lua5.3', 'luajit'],
    args: dashE,
    install: 'Lua (for example: apt-get install lua5.4)',
  },
  {
    name: 'r',
    aliases: ['rscript'],
    files: ['Rscript'],
    args: dashE,
    install: 'R (for example: apt-get install r-base-core)',
  },
  { name: 'julia', aliases: ['jl'], files: ['julia'], args: dashE, install: 'Julia (https://julialang.org)' },
  {
    name: 'elixir',
    aliases: ['ex'],
    files: ['elixir'],
    args: dashE,
    install: 'Elixir (https://elixir-lang.org)',
  },
  {
    name: 'powershell',
    aliases: ['pwsh', 'ps1'],
    files: ['pwsh', 'powershell'],
    args: (source) => ['-NoProfile', '-Command', source],
    install: 'PowerShell (https://aka.ms/powershell)',
  },
];

/** Names accepted as a language, without aliases. */
export const LANGUAGE_NAMES: readonly string[] = [...LANGUAGES.map(({ name }) => name), 'typescript'].sort();

/**
 * Finds the interpreter for a source text. Throws INVALID_ARGUMENT for an unknown language and SPAWN_FAILED, saying
 * what to install, where no interpreter is found.
 */
export async function interpret(
  language: string,
  source: string,
  around: Surroundings,
): Promise<Interpretation> {
  const wanted = language.trim().toLowerCase();
  if (wanted === 'typescript' || wanted === 'ts') return interpretTypeScript(source, around);
  if (wanted === 'shell') return shellCommand(source, around);
  const known = LANGUAGES.find(({ name, aliases }) => name === wanted || aliases?.includes(wanted) === true);
  if (known === undefined) {
    throw new ProcessError(
      'INVALID_ARGUMENT',
      `language: ${JSON.stringify(language.slice(0, 40))} is not known.`,
      {
        hint: `Expected one of: ${LANGUAGE_NAMES.join(', ')}; for any other, run its interpreter with command and args.`,
      },
    );
  }
  for (const file of known.files) {
    const { found } = findExecutable(file, around.cwd, around.path);
    if (found === undefined) continue;
    return { file: found, args: known.args(source), ...(known.env === undefined ? {} : { env: known.env }) };
  }
  throw missing(
    known.name,
    known.files.filter((file) => file !== process.execPath).join(' or '),
    known.install,
  );
}

/** The shell for one line: the configured one, else bash, else sh, else the command interpreter of Windows. */
export function shellCommand(line: string, around: Surroundings): Interpretation {
  const names = around.shell === undefined ? ['bash', 'sh'] : [around.shell];
  for (const name of names) {
    const { found } = findExecutable(name, around.cwd, around.path);
    if (found === undefined) continue;
    return { file: found, args: basename(found) === 'bash' ? bashC(line) : dashC(line) };
  }
  const windows =
    process.platform === 'win32' ? findExecutable('cmd.exe', around.cwd, around.path).found : undefined;
  if (windows !== undefined) return { file: windows, args: ['/d', '/s', '/c', `"${line}"`] };
  throw missing('shell', names.join(' or '), 'bash, or give args to run an executable without a shell');
}

/** True when V8 takes the source as a classic script: what `node -e` runs, without import, export or await on top. */
function isScript(source: string): boolean {
  try {
    new Script(source);
    return true;
  } catch {
    return false;
  }
}

/**
 * A project that brings its own tsx or bun is run by that, since it may rely on what type stripping leaves out (enums,
 * decorators, path aliases); next comes Node where it strips types (22.6 or newer), then what PATH has.
 */
async function interpretTypeScript(source: string, around: Surroundings): Promise<Interpretation> {
  const isModule = /^\s*(import|export)\b|\bawait\b/m.test(source);
  const bins = localBins(around.cwd);
  const tools: readonly [string, string[]][] = [
    ['tsx', [...(isModule ? ['--input-type=module'] : []), '-e', source]],
    ['bun', ['-e', source]],
    ['deno', ['eval', '--ext=ts', source]],
  ];
  for (const [name, args] of tools) {
    const { found } = findExecutable(
      name,
      around.cwd,
      bins.length === 0 ? '/nonexistent' : bins.join(delimiter),
    );
    if (found !== undefined) return { file: found, args };
  }
  const node = findExecutable('node', around.cwd, around.path).found ?? process.execPath;
  const flags = stripTypesFlags(await nodeVersion(node), isModule);
  if (flags !== undefined) return { file: node, args: [...flags, '-e', source] };
  for (const [name, args] of tools) {
    const { found } = findExecutable(name, around.cwd, around.path);
    if (found !== undefined) return { file: found, args };
  }
  throw missing(
    'typescript',
    'Node.js 22.6 or newer, tsx, bun or deno',
    'one of them (for example: npm install --save-dev tsx)',
  );
}

function localBins(cwd: string): string[] {
  const bins: string[] = [];
  for (let directory = cwd; ; directory = dirname(directory)) {
    const bin = join(directory, 'node_modules', '.bin');
    if (existsSync(bin)) bins.push(bin);
    if (directory === dirname(directory)) return bins;
  }
}

async function nodeVersion(node: string): Promise<readonly [number, number]> {
  try {
    const { stdout } = await promisify(execFile)(node, ['--version'], { timeout: 5000 });
    const [, major = '0', minor = '0'] = /^v(\d+)\.(\d+)/.exec(stdout) ?? [];
    return [Number(major), Number(minor)];
  } catch {
    return [0, 0];
  }
}

/** Node strips types since 22.6 behind a flag, since 22.18 and 23.6 without; the `-typescript` input types came in 22.13. */
function stripTypesFlags([major, minor]: readonly [number, number], isModule: boolean): string[] | undefined {
  if (major < 22 || (major === 22 && minor < 6)) return undefined;
  const byDefault = major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);
  const typedInput = byDefault || (major === 22 && minor >= 13);
  const input = `--input-type=${isModule ? 'module' : 'commonjs'}${typedInput ? '-typescript' : ''}`;
  return [
    '--disable-warning=ExperimentalWarning',
    ...(byDefault ? [] : ['--experimental-strip-types']),
    input,
  ];
}

function missing(language: string, files: string, install: string): ProcessError {
  return new ProcessError('SPAWN_FAILED', `No interpreter for ${language}: ${files} was not found on PATH.`, {
    hint: `Install ${install}.`,
    details: { errno: 'ENOENT' },
  });
}
