import { spawn } from 'node:child_process';
import { Readable, Writable } from 'node:stream';
import { parseCommandLine } from '../../src/command-line.ts';
import { ConfigError } from '../../src/settings.ts';
import { cli } from './start-server.ts';

export interface Finished {
  status: number | null;
  stdout: string;
  stderr: string;
}

export interface Surroundings {
  env?: Record<string, string>;
  input?: string;
  cwd?: string;
}

class Collector extends Writable {
  text = '';

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

/** Does what one command of ours does, without a process of its own: for the many cases. */
export async function act(
  args: readonly string[],
  { env = {}, input = '', cwd = process.cwd() }: Surroundings = {},
): Promise<Finished> {
  const [stdout, stderr] = [new Collector(), new Collector()];
  const finish = (status: number): Finished => ({ status, stdout: stdout.text, stderr: stderr.text });
  try {
    const line = parseCommandLine(args, env);
    if (line.command === 'help') stdout.write(line.text);
    if (line.command !== 'client') return finish(0);
    const stdin = Readable.from([Buffer.from(input)]);
    return finish(await line.action({ stdin, stdout, stderr, env, cwd, version: '0.0.0' }));
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    stderr.write(error.message);
    return finish(2);
  }
}

/** Runs one command of ours to its end, as a script does: in pipes. */
export function command(
  args: readonly string[],
  { env = {}, input = '', cwd }: Surroundings = {},
): Promise<Finished> {
  const child = spawn(process.execPath, [cli, ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    ...(cwd !== undefined && { cwd }),
    stdio: 'pipe',
  });
  const finished: Finished = { status: null, stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (finished.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (finished.stderr += chunk.toString()));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.once('close', (status) => resolve({ ...finished, status }));
  });
}
