import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownIdentity } from '../src/platform/identity.ts';
import { StateDirectory, type ServerState } from '../src/state-file.ts';

const NOBODY = { pid: 2 ** 22 + 1, startTicks: 1 };

let path: string;
let directory: StateDirectory;
const listener = createServer((socket) => socket.destroy());

beforeEach(async () => {
  path = mkdtempSync(join(tmpdir(), 'proctor-state-file-'));
  directory = new StateDirectory(path);
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  rmSync(path, { recursive: true });
  if (listener.listening) await new Promise((resolve) => listener.close(resolve));
});

function stateOf(more: Partial<ServerState> = {}): ServerState {
  const { port } = listener.address() as AddressInfo;
  const url = `http://127.0.0.1:${port}`;
  return { url, ...ownIdentity(), version: '1', startedAt: 'now', token: 'file', ...more };
}

describe('the running server', () => {
  it('is the one that published its address', async () => {
    expect(await directory.runningServer()).toBeUndefined();
    await directory.publish(stateOf());
    expect(await directory.runningServer()).toEqual(stateOf());
  });

  it.each<[string, Partial<ServerState>]>([
    ['the process has ended', NOBODY],
    ['another process has its pid now', { startTicks: 1 }],
    ['nothing tells which process had its pid', { startTicks: undefined }],
  ])('is none where %s, whoever holds the port', async (_, more) => {
    await directory.publish(stateOf(more));
    expect(await directory.runningServer()).toBeUndefined();
  });

  it('is none where nobody listens at its address', async () => {
    await directory.publish(stateOf());
    await new Promise((resolve) => listener.close(resolve));
    expect(await directory.runningServer()).toBeUndefined();
  });

  it('is none where the file makes no sense', async () => {
    for (const text of ['', '{}', JSON.stringify(stateOf({ url: 'somewhere' }))]) {
      writeFileSync(join(path, 'server.json'), text);
      expect(await directory.runningServer()).toBeUndefined();
    }
  });

  it('takes back its own address, and nobody else’s', async () => {
    const other = new StateDirectory(path);
    await directory.publish(stateOf());
    await other.publish(stateOf({ startedAt: 'later' }));
    await directory.withdraw();
    expect(await other.runningServer()).toMatchObject({ startedAt: 'later' });
    await other.withdraw();
    expect(existsSync(join(path, 'server.json'))).toBe(false);
  });
});

describe('the token', () => {
  it('is made once', async () => {
    const token = await directory.token();
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(await directory.token()).toBe(token);
  });

  it.each(['', 'short', 'two words of some length'])('is no such text as "%s"', async (text) => {
    writeFileSync(directory.tokenFile, `${text}\n`, { mode: 0o600 });
    await expect(directory.token()).rejects.toThrow(/holds no token: expected at least 16.* Delete it/);
  });
});

describe('what is done exclusively', () => {
  const lock = (): string => join(path, '.starting');

  /** Several programs at once; each looks whether it is alone. */
  async function race(): Promise<number> {
    let [inside, most] = [0, 0];
    const act = async (): Promise<void> => {
      most = Math.max(most, ++inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    };
    await Promise.all(Array.from({ length: 8 }, () => new StateDirectory(path).exclusively(act)));
    return most;
  }

  it('is done by one at a time, and leaves nothing behind', async () => {
    expect(await race()).toBe(1);
    expect(readdirSync(path)).toEqual([]);
  });

  it.each(['', JSON.stringify(NOBODY), JSON.stringify({ pid: process.pid, startTicks: 1 })])(
    'is not held up by a holder that has ended: %s',
    async (text) => {
      writeFileSync(lock(), text);
      expect(await race()).toBe(1);
      expect(readdirSync(path)).toEqual([]);
    },
  );

  it('gives the lock back when it fails', async () => {
    await expect(directory.exclusively(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await directory.exclusively(() => Promise.resolve(readFileSync(lock(), 'utf8')))).toBe(
      JSON.stringify(ownIdentity()),
    );
  });
});
