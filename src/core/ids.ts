import { basename } from 'node:path';
import { ProcessError } from './errors.ts';
import type { Launch } from './types.ts';

const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/;

/** Throws INVALID_ARGUMENT unless the name can serve as an id: letters, digits, `.`, `_`, `-`, at most 64. */
export function checkName(name: string): string {
  if (NAME.test(name)) return name;
  throw new ProcessError(
    'INVALID_ARGUMENT',
    `name: ${JSON.stringify(name.slice(0, 80))} cannot be used as an id.`,
    {
      hint: 'Use 1 to 64 letters, digits, ".", "_" or "-", starting with a letter, digit or "_".',
    },
  );
}

/** The id an unnamed process gets: its program's basename, numbered when that is taken. */
export function deriveId(launch: Launch, taken: (id: string) => boolean): string {
  const base = sanitize(programOf(launch));
  if (!taken(base)) return base;
  for (let n = 2; ; n++) {
    const id = `${base}-${n}`;
    if (!taken(id)) return id;
  }
}

function programOf(launch: Launch): string {
  switch (launch.kind) {
    case 'exec':
      return basename(launch.file);
    case 'code':
      return launch.language;
    case 'shell':
      return basename(firstProgram(launch.line));
  }
}

/** Programs that do nothing but start another, with those of their options that take the next word. */
const STARTERS: ReadonlyMap<string, RegExp> = new Map([
  ['exec', /^-a$/],
  ['env', /^-(?:[uC]|-unset|-chdir)$/],
  ['nohup', /^$/],
  ['time', /^-[fo]$/],
  ['sudo', /^-(?:[ugpCDhRrtTU]|-user|-group)$/],
]);

/** A word, quoted or not, after what makes it the target of a redirection: `2>`, `&>`, `<<<`. */
const WORD = /(\d*(?:&>>?|>>|>\||<<<|<<-?|<>|[<>]&|[<>])\s*)?((?:"[^"]*"|'[^']*'|\\.|[^\s;&|()<>"'])+)/g;

/** The first word that names a program: past a leading `cd dir &&`, redirections, `VAR=value`, and `sudo -n`. */
function firstProgram(line: string): string {
  const body = line.replace(/^\s*(?:cd\s+[^;&|]*(?:&&|;)\s*)+/, '');
  let starter: string | undefined;
  let isValue = false;
  for (const [, redirection, text = ''] of body.matchAll(WORD)) {
    const word = text.replace(/["'`\\]/g, '');
    if (redirection !== undefined || /^[A-Za-z_]\w*=/.test(word)) continue;
    if (isValue) isValue = false;
    else if (starter !== undefined && word.startsWith('-'))
      isValue = STARTERS.get(starter)?.test(word) === true;
    else if (STARTERS.has(basename(word))) starter = basename(word);
    else return word;
  }
  return starter ?? 'shell';
}

function sanitize(text: string): string {
  const clean = text.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9_]+|-+$/g, '');
  return clean.slice(0, 40) || 'process';
}

/** The command as people read it, on one line. */
export function describeLaunch(launch: Launch): string {
  switch (launch.kind) {
    case 'shell':
      return oneLine(launch.line);
    case 'exec':
      return oneLine([launch.file, ...launch.args].map(quoteWord).join(' '));
    case 'code':
      return oneLine(`${launch.language}: ${launch.source}`);
  }
}

function quoteWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Commands are shown in lists and answers: one line of at most 200 characters. */
function oneLine(text: string): string {
  const flat = text.trim().replace(/\s+/g, ' ');
  return flat.length <= 200 ? flat : `${flat.slice(0, 199)}…`;
}
