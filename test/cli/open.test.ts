import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { open, type Desktop } from '../../src/cli/open.ts';
import { removeLater } from '../../src/platform/remove-later.ts';
import { StateDirectory } from '../../src/state-file.ts';
import { FakeService } from '../helpers/fake-service.ts';
import { until } from '../helpers/until.ts';

const URL_WITH_TOKEN = 'http://127.0.0.1:7433/#token=a%2Bsecret%2Ftoken';

let path: string;
beforeEach(() => {
  path = join(mkdtempSync(join(tmpdir(), 'proctor-open-')), 'state');
});
afterEach(() => {
  rmSync(join(path, '..'), { recursive: true });
});

interface Opened {
  status: number;
  stdout: string;
  stderr: string;
  /** What the opener was given. */
  given: string | undefined;
  removing: string[];
}

async function act(token: string | undefined, works = true): Promise<Opened> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
  const address = { url: 'http://127.0.0.1:7433', ...(token !== undefined && { token }) };
  let given: string | undefined;
  const removing: string[] = [];
  const desktop: Desktop = {
    openUrl: (url) => {
      given = url;
      return Promise.resolve(works);
    },
    removeLater: (file) => void removing.push(file),
  };
  const connection = { address, service: new FakeService(), local: true };
  const io = { stdin, stdout, stderr, env: {}, cwd: '/', version: '0' };
  const status = await open({}, connection, new StateDirectory(path), desktop, io);
  const read = (stream: PassThrough): string => String(stream.read() ?? '');
  return { status, stdout: read(stdout), stderr: read(stderr), given, removing };
}

describe('proctor open', () => {
  it('shows the token to no other user: the opener is given a page that leads there', async () => {
    const { status, given = '', stdout, stderr, removing } = await act('a+secret/token');
    expect(status).toBe(0);
    expect(`${given}${stdout}${stderr}`).not.toContain('secret');
    const file = fileURLToPath(given);
    expect(readFileSync(file, 'utf8')).toContain(`content="0; url=${URL_WITH_TOKEN}"`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(removing).toEqual([file]);
  });

  it('needs no page where there is no token', async () => {
    expect(await act(undefined)).toMatchObject({ given: 'http://127.0.0.1:7433/', removing: [] });
    expect(existsSync(path)).toBe(false);
  });

  it('prints the address where there is no desktop, and leaves no page', async () => {
    expect(await act('a+secret/token', false)).toMatchObject({ stdout: `${URL_WITH_TOKEN}\n`, removing: [] });
    expect(readdirSync(path)).toEqual([]);
  });

  it('removes pages that were left, and none that may still be read', async () => {
    const { given: left = '' } = await act('a+secret/token');
    const { given: fresh = '' } = await act('a+secret/token');
    utimesSync(fileURLToPath(left), 0, 0);
    await act('a+secret/token');
    expect(existsSync(fileURLToPath(left))).toBe(false);
    expect(existsSync(fileURLToPath(fresh))).toBe(true);
  });
});

it('removes a file later, whoever has ended by then', async () => {
  const file = `${path}-file`;
  writeFileSync(file, '');
  removeLater(file, 1);
  await until('it is removed', () => !existsSync(file));
});
