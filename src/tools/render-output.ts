import type { ReadRequest } from '../core/service.ts';
import type { OutputPage } from '../core/types.ts';
import { present } from './present.ts';
import { statusOf } from './text.ts';
import { describeScreen } from './wire.ts';

/** The header line that says what the text was made from, what is missing and how to go on; then the text. */
export function renderOutput(page: OutputPage, request: ReadRequest): string {
  const { id, run, status, exit, from, to, end, gap, next, matches, screen } = page;
  const facts = {
    status,
    ...(exit && { cause: exit.cause }),
    ...present({ awaiting_input: page.awaitingInput }),
  };
  const header = [
    `${id} run ${run} ${statusOf({ ...facts, ...exitCodeOf(page) })}`,
    screen ? `screen ${describeScreen(screen)}` : `bytes ${from}-${to} of ${end}`,
    gap && `gap: ${gap.bytes} bytes ${gap.from}-${gap.to} no longer kept`,
    matches !== undefined && `${matches} lines match`,
    `next: since=${next}`,
  ].filter((part) => part !== undefined && part !== false);
  const omitted = page.omitted.map((part) => describeOmitted(part, page, request));
  const text = page.text === '' ? emptyNote(page) : page.text;
  return [header.join(' | '), ...cursorNotes(page, request), ...omitted, ...screenNotes(page), text].join(
    '\n',
  );
}

function emptyNote({ screen, omitted }: OutputPage): string {
  if (screen === undefined) return '(no output in this range)';
  return omitted.length === 0
    ? '(the screen is blank)'
    : '(max_bytes is too small for what the screen shows)';
}

function cursorNotes({ run, end }: OutputPage, { since }: ReadRequest): string[] {
  return since !== undefined && since > end
    ? [
        `[since=${since} is beyond the end, so of an earlier process of this name: run ${run} is shown from its start]`,
      ]
    : [];
}

function screenNotes({ screen, alternateScreen }: OutputPage): string[] {
  if (screen !== undefined && screen.missingBytes > 0) {
    return [
      `[the first ${screen.missingBytes} bytes of this run are no longer kept: what they drew is missing. send_stdin with other cols or rows makes most programs draw anew]`,
    ];
  }
  return screen === undefined && alternateScreen === true
    ? ['[a full-screen program is on: get_output with screen=true shows its screen]']
    : [];
}

function exitCodeOf({ exit }: OutputPage): { exit_code?: number; signal?: string } {
  return {
    ...(exit && exit.code !== null && { exit_code: exit.code }),
    ...(exit && exit.signal !== null && { signal: exit.signal }),
  };
}

function describeOmitted(
  { lines, where }: OutputPage['omitted'][number],
  page: OutputPage,
  request: ReadRequest,
): string {
  const place = { before: 'before these', after: 'after these', middle: 'from the middle' }[where];
  return `[${lines} lines left out ${place}: ${nextCall(where, lines, page, request)}]`;
}

/** The call that reads what this answer leaves out: the same question about another part. */
function nextCall(
  where: OutputPage['omitted'][number]['where'],
  lines: number,
  page: OutputPage,
  { since, head = 0, maxBytes, grep, context, stream, timestamps, raw }: ReadRequest,
): string {
  if (page.screen)
    return `get_output ${JSON.stringify({ id: page.id, screen: true })} with a larger max_bytes`;
  const args = {
    id: page.id,
    ...present({ since: where === 'after' ? page.next : since }),
    ...present({ head: where === 'after' ? undefined : head + lines, max_bytes: maxBytes }),
    ...present({ grep, context, stream, timestamps, raw }),
  };
  return `get_output ${JSON.stringify(args)}`;
}
