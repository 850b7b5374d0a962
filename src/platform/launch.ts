import type { TerminalSize } from '../core/types.ts';

/** A command with nothing left to look up: what both ways of starting a process take. */
export interface ResolvedCommand {
  /** Absolute path of the executable. */
  file: string;
  args: readonly string[];
  /** Existing absolute directory. */
  cwd: string;
  /** The child's whole environment. */
  env: Readonly<Record<string, string>>;
  stdin: 'open' | 'closed';
  terminal?: TerminalSize;
}
