import { closeSync, constants, openSync } from 'node:fs';
import type { OutputSink } from '../../core/runner.ts';
import { PipeReader } from './pipe-reader.ts';
import { PipeWriter } from './pipe-writer.ts';
import type { ReadBudget } from './read-budget.ts';
import type { Input } from './shim-handle.ts';
import type { Report } from './shim-protocol.ts';
import { TerminalInput } from './terminal-input.ts';

/** The server's ends of what a process reads and writes. */
export interface Streams {
  readers: PipeReader[];
  input: Input;
}

/**
 * Opens the server's ends of the pipes that a supervisor has made. They are real pipes and not the socket pairs that
 * Node makes, since a process cannot open a socket again through /dev/stdout. Throws what opening them throws.
 */
export function openPipes(
  shimPid: number,
  { stdout, stderr, stdin }: Extract<Report, { type: 'ready' }>,
  onOutput: OutputSink,
  budget: ReadBudget,
): Streams {
  const opened: number[] = [];
  const open = (fd: number, access: number): number => {
    const end = openSync(`/proc/${shimPid}/fd/${fd}`, access | constants.O_NONBLOCK);
    opened.push(end);
    return end;
  };
  try {
    const outputs = [
      { name: 'stdout', fd: stdout },
      { name: 'stderr', fd: stderr },
    ] as const;
    const ends = outputs.flatMap(({ name, fd }) =>
      fd === undefined ? [] : [{ name, fd: open(fd, constants.O_RDONLY) }],
    );
    const input = stdin === undefined ? undefined : open(stdin, constants.O_WRONLY);
    const readers = ends.map(
      ({ name, fd }) =>
        new PipeReader(fd, 'pipe', budget, (chunk) => {
          onOutput(name, chunk);
        }),
    );
    return { readers, input: new PipeWriter(input) };
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    throw error;
  }
}

/** A new terminal's master end. Throws what opening it throws. */
export function openTerminal(): number {
  return openSync('/dev/ptmx', constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
}

/** What comes out of a terminal is one stream. */
export function terminalStreams(master: number, onOutput: OutputSink, budget: ReadBudget): Streams {
  const reader = new PipeReader(master, 'terminal', budget, (chunk) => {
    onOutput('stdout', chunk);
  });
  return { readers: [reader], input: new TerminalInput(master) };
}
