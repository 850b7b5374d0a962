import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { act } from '../helpers/command.ts';
import { SharedServer } from '../helpers/http-server.ts';
import { cli } from '../helpers/start-server.ts';
import { until } from '../helpers/until.ts';

let stateDirectory: string;
let server: SharedServer;
beforeEach(async () => {
  stateDirectory = mkdtempSync(join(tmpdir(), 'proctor-state-'));
  server = await SharedServer.start({ stateDirectory });
});
afterEach(async () => {
  await server.close();
  rmSync(stateDirectory, { recursive: true });
});

const proctor = (...args: string[]) => act(args, { env: { PROCTOR_STATE_DIR: stateDirectory } });

/** `proctor logs -f`, and what it has printed so far. */
function follow(id: string) {
  const seen = { stdout: '', stderr: '', status: undefined as number | null | undefined };
  const child = execFile(process.execPath, [cli, 'logs', '-f', id], {
    env: { ...process.env, PROCTOR_STATE_DIR: stateDirectory },
  });
  child.stdout?.on('data', (chunk: string) => (seen.stdout += chunk));
  child.stderr?.on('data', (chunk: string) => (seen.stderr += chunk));
  child.once('close', (status) => (seen.status = status));
  return { child, seen };
}

/** Dies as by a crash; another takes its place, before anybody has noticed. */
async function replaceServer(): Promise<void> {
  const { port, child } = server;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
  await until('all of it is gone', () => server.leftovers().length === 0);
  server = await SharedServer.start({ stateDirectory, flags: ['--port', String(port)] });
}

describe('proctor logs -f, when its server was started again', () => {
  it('begins anew with the process that has the id now', async () => {
    await proctor('run', '-n', 'web', '--', 'echo of the old; sleep 60');
    const { child, seen } = follow('web');
    await until('it follows', () => seen.stdout.includes('of the old\n'));
    // It is not to look before the new server has the process.
    child.kill('SIGSTOP');
    await replaceServer();
    await proctor('run', '-n', 'web', '--', 'echo of the new server; sleep 60');
    child.kill('SIGCONT');
    await until('it goes on', () => seen.stdout.includes('server\n'), 15_000);
    await proctor('kill', 'web');
    await until('it ends', () => seen.status !== undefined);
    expect(seen).toEqual({
      stdout: 'of the old\nof the new server\n',
      stderr: '[the server was started again, and web is another process now]\n',
      status: 0,
    });
  });

  it('says that the process is gone where it is', async () => {
    await proctor('run', '-n', 'lost', '--', 'echo begun; printf half; sleep 60');
    const { seen } = follow('lost');
    await until('it follows', () => seen.stdout.includes('begun\n'));
    await replaceServer();
    await until('it ends', () => seen.status !== undefined, 15_000);
    expect(seen).toEqual({
      stdout: 'begun\nhalf\n',
      stderr: expect.stringMatching(/^proctor: lost is gone: .*"proctor ps"/) as string,
      status: 3,
    });
  });
});
