import * as z from 'zod';
import { defineTool } from './define-tool.ts';
import * as field from './fields.ts';
import { present } from './present.ts';
import { toReadyCondition } from './ready.ts';
import { renderRun } from './render.ts';
import { runShape } from './shapes.ts';
import { invalidArgument } from './validate.ts';
import { toRun } from './wire.ts';

const { optional } = field;

const input = z.strictObject({
  command: optional(
    field.command.describe('Shell line (bash, else sh); with args, an executable run without a shell'),
  ),
  args: optional(field.argv),
  code: optional(field.command.describe('Source text to run instead of command')),
  language: optional(
    field.line.max(40).describe('Of code: python, javascript, typescript, bash, ruby, perl, …'),
  ),
  name: optional(field.name.describe('Becomes the id; default: the program, numbered')),
  cwd: optional(field.path),
  env: optional(field.environment.describe("Over the server's own; null unsets")),
  stdin: optional(z.enum(['open', 'closed']).describe('Default open')),
  pty: optional(field.flag.describe('Run in a terminal')),
  cols: optional(field.screenSize),
  rows: optional(field.screenSize),
  timeout_ms: optional(field.delayMs.min(1).describe('Lifetime, then the whole tree is killed')),
  if_running: optional(
    z.enum(['error', 'reuse', 'replace']).describe('When name is live already; default error'),
  ),
  auto_cleanup: optional(field.flag.describe('Forget it at exit')),
  wait_for: optional(
    field.readyCondition.describe(
      'Answer when ready: the first condition named here, or exit, ends the wait',
    ),
  ),
});

export const runBackground = defineTool({
  name: 'run_background',
  title: 'Run in background',
  description:
    'Start a command (or code) that outlives this call: servers, watchers, builds, REPLs. Returns its id within ~100 ms; one that fails at once is told with exit code and last output. With wait_for, returns once it is ready, or says why it is not.',
  annotations: { openWorldHint: true },
  input,
  output: runShape,
  async handler(args, service, context) {
    checkLaunch(args);
    checkName(args);
    const { timeout_ms, if_running, auto_cleanup, wait_for, ...rest } = args;
    const result = await service.run(
      {
        ...rest,
        ...present({
          timeoutMs: timeout_ms,
          ifRunning: if_running,
          autoCleanup: auto_cleanup,
          waitFor: wait_for && toReadyCondition(wait_for),
        }),
      },
      context,
    );
    const value = toRun(result);
    return { value, text: renderRun(value) };
  },
});

function checkLaunch({ command, args, code, language, pty, cols, rows }: z.output<typeof input>): void {
  if ((command === undefined) === (code === undefined)) {
    throw invalidArgument(
      `${command === undefined ? 'neither command nor code' : 'both command and code'} given; expected: exactly one`,
      'Give command (a shell line, or an executable with args), or code with language.',
    );
  }
  if (command?.trim() === '')
    throw invalidArgument(
      'command is blank; expected: a command',
      'Give the command to run, such as "npm run dev".',
    );
  if (args && command === undefined)
    throw invalidArgument('args goes with command, not with code', 'Leave args out.');
  if (language !== undefined && code === undefined)
    throw invalidArgument('language goes with code, not with command', 'Leave language out, or give code.');
  if (code !== undefined && language === undefined)
    throw invalidArgument(
      'language is missing; expected: the language of code',
      'Name it, such as "python" or "bash".',
    );
  if ((cols !== undefined || rows !== undefined) && pty !== true)
    throw invalidArgument('cols and rows need pty: true', 'Add pty: true, or leave cols and rows out.');
}

/** Without a name there is nothing that could be live already. */
function checkName({ name, if_running = 'error' }: z.output<typeof input>): void {
  if (name !== undefined || if_running === 'error') return;
  throw invalidArgument(
    `if_running: "${if_running}" needs a name`,
    'Add the name that may be live, or leave it out.',
  );
}
