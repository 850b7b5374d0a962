import type { CallToolResult, ServerContext } from '@modelcontextprotocol/server';
import { ProcessError } from '../core/errors.ts';
import type { ProcessService } from '../core/service.ts';
import type { Logger } from '../logger.ts';
import type { Tool } from '../tools/define-tool.ts';
import { present } from '../tools/present.ts';

/** Clients that show progress want to see life; those that count calls out do it after tens of seconds. */
const PROGRESS_INTERVAL_MS = 5000;

/** What a call needs of the request that made it. */
type Request = Pick<ServerContext['mcpReq'], '_meta' | 'signal' | 'notify'>;

export interface ToolCall {
  tool: Tool;
  args: unknown;
  request: Request;
  /** Who asks, as shown to people. */
  client: string | undefined;
  /** Longest its waits may take; default: the configured cap. */
  waitCapMs?: number;
}

/** Runs one call to its answer. The one place where errors become answers: it never rejects. */
export async function callTool(
  { tool, args, request, client, waitCapMs }: ToolCall,
  service: ProcessService,
  logger: Logger,
): Promise<CallToolResult> {
  const stopProgress = reportProgress(tool.name, request);
  try {
    const context = { signal: request.signal, ...present({ client, waitCapMs }) };
    const { value, text } = await tool.call(args, service, context);
    return {
      content: [{ type: 'text', text }],
      ...(value && { structuredContent: { ...value } }),
    };
  } catch (error) {
    if (!(error instanceof ProcessError) && !request.signal.aborted)
      logger.error(`${tool.name} failed`, error);
    return errorResult(error);
  } finally {
    stopProgress();
  }
}

function errorResult(error: unknown): CallToolResult {
  return { content: [{ type: 'text', text: errorText(error) }], isError: true };
}

function errorText(error: unknown): string {
  if (error instanceof ProcessError) return `${error.code}: ${error.message} ${error.hint}`;
  const reason = error instanceof Error ? error.message : String(error);
  return `INTERNAL: ${reason}. This is a fault of the server; its log on stderr has the details.`;
}

/** Tells a client that asked for it that the call is alive, every few seconds. Returns what stops it. */
function reportProgress(tool: string, { _meta, notify, signal }: Request): () => void {
  const progressToken = _meta?.progressToken;
  if (progressToken === undefined) return () => undefined;
  const begun = performance.now();
  const timer = setInterval(() => {
    if (signal.aborted) return;
    const progress = Math.round((performance.now() - begun) / 1000);
    const params = { progressToken, progress, message: `${tool}: ${progress} s` };
    // A client that has gone hears nothing; the call itself ends by its abort signal.
    notify({ method: 'notifications/progress', params }).catch(() => undefined);
  }, PROGRESS_INTERVAL_MS);
  return () => {
    clearInterval(timer);
  };
}
