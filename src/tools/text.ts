/** Items of a list named in text; the rest are counted. */
const MAX_NAMED = 20;

/** The lines that apply, joined; false and undefined stand for lines that do not. */
export function joinLines(lines: readonly (string | false | undefined)[]): string {
  return lines.filter((line) => line !== false && line !== undefined).join('\n');
}

/** `12, 13, 14 and 980 more`. */
export function shortList(items: readonly (string | number)[], total: number = items.length): string {
  const named = items.slice(0, MAX_NAMED);
  const more = total - named.length;
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** ` pid 4242`; nothing where there never was one. */
export function pidOf({ pid }: { pid: number | null }): string {
  return pid === null ? '' : ` pid ${pid}`;
}

/** `failed (exit_code 1, cause self)`, `running (awaiting_input)`: a status with the facts that are known. */
export function statusOf(facts: {
  status: string;
  cause?: string;
  exit_code?: number;
  signal?: string;
  awaiting_input?: boolean;
}): string {
  const { status, cause, exit_code, signal, awaiting_input } = facts;
  const known = [
    exit_code !== undefined && `exit_code ${exit_code}`,
    signal !== undefined && `signal ${signal}`,
    cause !== undefined && `cause ${cause}`,
    awaiting_input === true && 'awaiting_input',
  ].filter((fact) => fact !== false);
  return known.length === 0 ? status : `${status} (${known.join(', ')})`;
}

/** A titled block of a program's own words, told apart from ours. */
export function block(title: string, text: string): string {
  return text.trim() === '' ? `${title}: none` : `${title}:\n${text.replace(/\n$/, '')}`;
}
