import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OutputSink } from '../../../src/core/runner.ts';
import { TREE_MARKER } from '../../../src/platform/launch/child-env.ts';
import type { ResolvedCommand } from '../../../src/platform/launch/launch.ts';
import { ProcessTable } from '../../../src/platform/proc/process-table.ts';
import { ReadBudget } from '../../../src/platform/shim/read-budget.ts';
import { findShim, spawnUnderShim, type ShimDeps } from '../../../src/platform/shim/shim.ts';
import { SupervisedTree } from '../../../src/platform/shim/supervised-tree.ts';
import { FIXTURES, record, type Started } from '../support.ts';

const table = new ProcessTable();
const budget = new ReadBudget();
let markers = 0;

export const shim = findShim() ?? '';

export interface ShimStart extends Partial<ResolvedCommand> {
  shim?: string;
  /** Takes the output instead of the collector. */
  onOutput?: OutputSink;
  deps?: Partial<ShimDeps>;
}

/** Starts an executable under the supervisor; endAll proves that its tree is gone. */
export function start(file: string, args: readonly string[] = [], options: ShimStart = {}): Promise<Started> {
  const { shim: path = shim, deps, onOutput, ...rest } = options;
  const marker = `shim-test-${process.pid}-${++markers}`;
  const command: ResolvedCommand = {
    file,
    args,
    cwd: FIXTURES,
    env: { PATH: process.env.PATH ?? '', [TREE_MARKER]: marker },
    stdin: 'open',
    ...rest,
  };
  const tree = new SupervisedTree(marker, table);
  return record(async (sink) => {
    const handle = await spawnUnderShim(path, command, onOutput ?? sink, {
      budget,
      inspect: (root) => tree.inspect(root),
      listeners: (root) => tree.listeners(root),
      awaitingInput: (root) => tree.awaitingInput(root),
      onShimLost: (root) => tree.onShimLost(root),
      ...deps,
    });
    table.addSource(() => handle.listeningSockets(), handle.empty);
    return handle;
  });
}

export function sh(line: string, options: ShimStart = {}): Promise<Started> {
  return start('/bin/sh', ['-c', line], options);
}

export interface Zoo {
  directory: string;
  /** A name of the program that nothing has run under before. */
  copy: (label: string) => string;
}

/** Compiles the programs that are hard to end, into a directory that every user can read. */
export function buildZoo(): Zoo {
  const directory = mkdtempSync(join(tmpdir(), 'proctor-zoo-'));
  chmodSync(directory, 0o755);
  const program = join(directory, 'zoo');
  execFileSync('cc', ['-O1', '-o', program, join(FIXTURES, 'zoo', 'zoo.c')]);
  let copies = 0;
  return {
    directory,
    copy: (label) => {
      const path = join(directory, `${label.replaceAll(' ', '-')}-${++copies}`);
      linkSync(program, path);
      return path;
    },
  };
}

/** The supervisor with the compiler's checks of memory and arithmetic; undefined where the compiler has none. */
export function buildSanitizedShim(directory: string): string | undefined {
  const out = join(directory, 'proctor-shim-sanitized');
  const script = fileURLToPath(new URL('../../../scripts/build-shim.mjs', import.meta.url));
  try {
    execFileSync(process.execPath, [script, '--sanitize', '--out', out], { stdio: 'pipe' });
    return out;
  } catch {
    return undefined;
  }
}
