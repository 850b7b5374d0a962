import { ProcessError } from './errors.ts';
import { exitCondition } from './exit-watcher.ts';
import { logCondition } from './log-watcher.ts';
import type { ManagedProcess } from './managed-process.ts';
import { compilePattern } from './pattern.ts';
import { idleCondition } from './quiet-watcher.ts';
import type { CallContext, SendRequest } from './service.ts';
import { renderPage } from './text-view.ts';
import type { OutputPage, SendResult } from './types.ts';
import { wait, type Arm } from './wait.ts';

/** A pipe nobody reads is reported as full after this long. */
const ACCEPT_MS = 2000;
/** Silence that ends a turn where the caller asked for the reply but named no condition. */
const DEFAULT_IDLE_MS = 500;

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
  const pattern = waitFor?.log === undefined ? undefined : compilePattern(waitFor.log);
  const bytes = inputBytes(request);
  const handle = process.handle;
  if (handle === undefined || process.ended) throw exited(process);

  const from = process.buffer.end;
  const accepted = bytes.length > 0 ? await handle.write(bytes, AbortSignal.timeout(ACCEPT_MS)) : 0;
  const eof = request.eof === true && accepted === bytes.length;
  if (eof) handle.endInput();

  const result = { acceptedBytes: accepted, totalBytes: bytes.length, eof };
  if (waitFor === undefined || accepted < bytes.length) return { ...facts(process), ...result };

  const conditions: Arm<'matched' | 'idle' | 'exited'>[] = [];
  if (pattern) {
    const seen = logCondition(process, { pattern, stream: 'both', from });
    conditions.push((settle) =>
      seen(() => {
        settle('matched');
      }),
    );
  }
  conditions.push(exitCondition(process));
  const idleMs = waitFor.idleMs ?? (pattern ? undefined : DEFAULT_IDLE_MS);
  if (idleMs !== undefined) conditions.push(idleCondition(process, idleMs));
  const waited = await wait(
    { timeoutMs: boundWait(waitFor.timeoutMs), signal: context?.signal },
    ...conditions,
  );
  const outcome = waited.ended === 'timeout' ? 'timeout' : waited.value;
  const page = pageOf(process, from);
  return {
    ...facts(process),
    ...result,
    reply: { outcome, page, waitedMs: waited.waitedMs },
    cursor: page.next,
  };
}

function inputBytes({ text, newline }: SendRequest): Uint8Array {
  if (text === undefined) return new Uint8Array();
  return Buffer.from(newline === false || text.endsWith('\n') ? text : `${text}\n`);
}

function pageOf(process: ManagedProcess, since: number): OutputPage {
  const { id, run, status, exit, buffer, runFrom } = process;
  return { id, run, status, ...(exit && { exit }), ...renderPage({ buffer, runFrom }, { since }) };
}

function facts(process: ManagedProcess): Pick<SendResult, 'id' | 'status' | 'exit' | 'cursor'> {
  const { id, status, exit, buffer } = process;
  return { id, status, ...(exit && { exit }), cursor: buffer.end };
}

function exited(process: ManagedProcess): ProcessError {
  const how = process.exit ? ` (${process.status})` : '';
  return new ProcessError('PROCESS_EXITED', `${process.id} has ended${how} and reads no more input.`, {
    hint: `Read its output with get_output, or start it again with restart_process.`,
  });
}
