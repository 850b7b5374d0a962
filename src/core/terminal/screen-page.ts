import { ProcessError } from '../errors.ts';
import { DEFAULT_PAGE_BYTES } from '../limits.ts';
import type { ManagedProcess } from '../process/managed-process.ts';
import type { ReadRequest } from '../service.ts';
import type { OutputPage } from '../types.ts';

/** The answer to a read of the screen. Rejects with INVALID_ARGUMENT where the process has no terminal. */
export async function screenPage(
  process: ManagedProcess,
  { maxBytes = DEFAULT_PAGE_BYTES, ...others }: ReadRequest,
): Promise<OutputPage> {
  const { id, run, status, exit, runFrom, buffer, terminal } = process;
  if (terminal === undefined) {
    throw new ProcessError('INVALID_ARGUMENT', `screen: ${id} runs without a terminal and has no screen.`, {
      hint: 'Read its output without screen, or start it with pty: true.',
    });
  }
  const besides = Object.entries(others).filter(([name]) => name !== 'screen');
  if (besides.length > 0) {
    throw new ProcessError(
      'INVALID_ARGUMENT',
      `screen: shows the screen as it stands, which ${besides.map(([name]) => name).join(', ')} cannot select from.`,
      { hint: 'Give screen alone, or leave it out to read the output as lines.' },
    );
  }
  const { rows, size, cursor, title, missingBytes, to } = await terminal.screen();
  const awaitingInput = await process.awaitingInput();
  const { shown, left } = fit(rows, maxBytes);
  return {
    ...{ id, run, status, ...(exit && { exit }) },
    ...{ from: runFrom, to, next: to, retainedFrom: buffer.start, end: buffer.end },
    text: shown.join('\n'),
    omitted: left === 0 ? [] : [{ lines: left, where: 'after' }],
    screen: { ...size, cursor, alternate: terminal.modes.alternateScreen, title, missingBytes },
    ...(awaitingInput && { awaitingInput }),
  };
}

function fit(rows: readonly string[], maxBytes: number): { shown: string[]; left: number } {
  const shown: string[] = [];
  let bytes = 0;
  for (const row of rows) {
    bytes += Buffer.byteLength(row) + 1;
    if (bytes > maxBytes) break;
    shown.push(row);
  }
  return { shown, left: rows.length - shown.length };
}
