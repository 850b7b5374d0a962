import { ProcessError } from '../errors.ts';
import { exitCondition } from '../wait/exit-watcher.ts';
import { encodeKeys } from './keys.ts';
import { logCondition } from '../wait/log-watcher.ts';
import type { ManagedProcess } from '../process/managed-process.ts';
import { compilePattern, type Pattern } from '../output/pattern.ts';
import { idleCondition, promptCondition } from '../wait/quiet-watcher.ts';
import type { ProcessHandle } from '../runner.ts';
import type { CallContext, SendRequest } from '../service.ts';
import { screenPage } from './screen-page.ts';
import { lastLine, renderPage } from '../output/text-view.ts';
import { TypedEcho } from './typed-echo.ts';
import { pipedText, typedText } from './typed-text.ts';
import type { OutputPage, SendResult } from '../types.ts';
import { wait, type Arm } from '../wait/wait.ts';

/** A pipe nobody reads is reported as full after this long. */
const ACCEPT_MS = 2000;
/** Silence that ends a turn where the caller asked for the reply but named no condition. */
const DEFAULT_IDLE_MS = 500;

/** The state in which the input was sent. */
interface Turn {
  process: ManagedProcess;
  /** Offset of the first byte printed afterwards. */
  from: number;
  /** A full-screen program was on. */
  alternate: boolean;
  /** What a terminal shows of the typed text, if anything. */
  echo: { typed: string; prompt: string } | undefined;
}

/**
 * One turn of a conversation: writes the input, and with `waitFor` resolves with what was printed after it. Rejects
 * with PROCESS_EXITED, STDIN_CLOSED or INVALID_ARGUMENT.
 */
export async function sendTurn(
  process: ManagedProcess,
  request: SendRequest,
  boundWait: (timeoutMs: number | undefined) => number,
  context?: CallContext,
): Promise<SendResult> {
  const { waitFor } = request;
  const pattern = waitFor?.log === undefined ? undefined : await compilePattern(waitFor.log);
  const handle = process.handle;
  if (handle === undefined || process.ended) throw exited(process);
  const bytes = inputBytes(process, request);
  resize(process, handle, request);

  const turn = begin(process, request);
  const accepted = bytes.length > 0 ? await handle.write(bytes, AbortSignal.timeout(ACCEPT_MS)) : 0;
  const eof = request.eof === true && accepted === bytes.length;
  if (eof) handle.endInput();

  const result = { acceptedBytes: accepted, totalBytes: bytes.length, eof };
  if (waitFor === undefined || accepted < bytes.length) return { ...facts(process), ...result };

  const waited = await wait(
    { timeoutMs: boundWait(waitFor.timeoutMs), signal: context?.signal },
    ...endsOfTurn(turn, pattern, waitFor.idleMs ?? (pattern ? undefined : DEFAULT_IDLE_MS)),
  );
  const outcome = waited.ended === 'timeout' ? 'timeout' : waited.value;
  const page = await replyPage(turn);
  const awaitingInput = outcome === 'awaiting_input' || (await process.awaitingInput());
  return {
    ...facts(process),
    ...result,
    reply: { outcome, page, ...(awaitingInput && { awaitingInput }), waitedMs: waited.waitedMs },
    cursor: page.next,
  };
}

/** The bytes to send. Throws INVALID_ARGUMENT for keys, and for a size, where there is no terminal. */
function inputBytes(process: ManagedProcess, { text, newline, keys, cols, rows }: SendRequest): Uint8Array {
  const { terminal } = process;
  if (terminal === undefined) {
    if (keys !== undefined) throw needsTerminal(process, 'keys', KEYS_WITHOUT_TERMINAL);
    if (cols !== undefined || rows !== undefined) {
      throw needsTerminal(process, 'cols and rows', 'Leave them out, or start it with pty: true.');
    }
    return Buffer.from(text === undefined ? '' : pipedText(text, newline ?? true));
  }
  const { modes } = terminal;
  const typed = text === undefined ? '' : typedText(text, newline ?? keys === undefined, modes);
  return Buffer.from(typed + encodeKeys(keys ?? [], modes.applicationCursor));
}

const KEYS_WITHOUT_TERMINAL =
  'Start it with pty: true to press keys; without, use text, eof: true for ctrl-d, and kill_process with signal SIGINT for ctrl-c.';

function resize({ terminal }: ManagedProcess, handle: ProcessHandle, { cols, rows }: SendRequest): void {
  if (terminal === undefined || (cols === undefined && rows === undefined)) return;
  const size = { cols: cols ?? terminal.size.cols, rows: rows ?? terminal.size.rows };
  handle.resize?.(size);
  terminal.resized(size);
}

function begin(process: ManagedProcess, { text }: SendRequest): Turn {
  const { buffer, terminal, runFrom } = process;
  const shown = terminal !== undefined && text !== undefined;
  return {
    process,
    from: buffer.end,
    alternate: terminal?.modes.alternateScreen ?? false,
    echo: shown ? { typed: text, prompt: lastLine(buffer, runFrom) } : undefined,
  };
}

function endsOfTurn(
  { process, from, echo }: Turn,
  pattern: Pattern | undefined,
  idleMs: number | undefined,
): Arm<'matched' | 'idle' | 'exited' | 'awaiting_input'>[] {
  const conditions: Arm<'matched' | 'idle' | 'exited' | 'awaiting_input'>[] = [];
  if (pattern) {
    const typed = echo && new TypedEcho(echo.typed, echo.prompt);
    const ignores = typed && ((text: string, complete: boolean): boolean => typed.take(text, complete));
    const seen = logCondition(process, { pattern, stream: 'both', from, ignores });
    conditions.push((settle) =>
      seen(() => {
        settle('matched');
      }),
    );
  }
  conditions.push(exitCondition(process), promptCondition(process));
  if (idleMs !== undefined) conditions.push(idleCondition(process, idleMs));
  return conditions;
}

/** What was printed since; of a full-screen program, whose output is no text, its screen, and what followed its end. */
async function replyPage({ process, from, alternate, echo }: Turn): Promise<OutputPage> {
  const { id, run, status, exit, buffer, runFrom, terminal } = process;
  if (terminal?.modes.alternateScreen === true) return screenPage(process, {});
  const page = renderPage(
    { buffer, runFrom },
    { since: alternate ? Math.max(from, terminal?.backAt ?? 0) : from },
  );
  const text = echo ? TypedEcho.remove(page.text, echo.typed, echo.prompt) : page.text;
  return { id, run, status, ...(exit && { exit }), ...page, text };
}

function facts(process: ManagedProcess): Pick<SendResult, 'id' | 'status' | 'exit' | 'cursor'> {
  const { id, status, exit, buffer } = process;
  return { id, status, ...(exit && { exit }), cursor: buffer.end };
}

function needsTerminal({ id }: ManagedProcess, what: string, hint: string): ProcessError {
  return new ProcessError('INVALID_ARGUMENT', `${what}: ${id} runs without a terminal (PTY).`, { hint });
}

function exited(process: ManagedProcess): ProcessError {
  const how = process.exit ? ` (${process.status})` : '';
  return new ProcessError('PROCESS_EXITED', `${process.id} has ended${how} and reads no more input.`, {
    hint: `Read its output with get_output, or start it again with restart_process.`,
  });
}
