import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { act, command } from '../helpers/command.ts';
import { SharedServer } from '../helpers/http-server.ts';
import { cli } from '../helpers/start-server.ts';

let server: SharedServer;
const env = () => ({ PROCTOR_STATE_DIR: server.stateDirectory });
const proctor = (...args: string[]) => act(args, { env: env() });

beforeAll(async () => {
  server = await SharedServer.start({ flags: ['--max-body', '1M'] });
  expect(await proctor('run', '-n', 'cat', '--', 'cat')).toMatchObject({ status: 0 });
});
afterAll(async () => {
  await proctor('kill', '--all');
  await server.close();
});

describe('a wrong command line', () => {
  it.each([
    [['kill', '-s', 'BOGUS', 'cat'], /"SIGBOGUS" is not a signal/],
    [['run', '-n', 'bad!', '--', 'ls'], /"bad!"/],
    [['run', '--lifetime', '0', '--', 'ls'], /at least 1/],
    [['logs', '-g', '(', 'cat'], /missing closing \)/],
    [['wait', '--log', '(', 'cat'], /missing closing \)/],
    [['wait', '--port', 'cat'], /Without one the flag goes after the id, or before "--"/],
    [['restart', '--wait-port', 'cat'], /Without one the flag goes after the id, or before "--"/],
    [['wait', '--failure', 'x', 'cat'], /--log/],
    [['ps', '--json', '-q'], /'-q, --quiet' cannot be used with option '--json'/],
    [['run', '--timeout', '5s', '--', 'ls'], /name one with --wait-for, --wait-port/],
    [['send', 'cat', 'x', '--timeout', '5s'], /name one with --wait-for, --wait-idle$/m],
  ])('%j exits with 2, whoever finds it', async (args, words) => {
    const { status, stderr } = await proctor(...args);
    expect({ status, stderr }).toEqual({ status: 2, stderr: expect.stringMatching(words) as string });
  });

  it('may name no port before "--" or after the id', async () => {
    for (const args of [
      ['wait', '--port', '--timeout', '0', '--', 'cat'],
      ['wait', '--timeout', '0', '--port', '--', 'cat'],
      ['wait', '--timeout', '0', 'cat', '--port'],
    ])
      expect(await proctor(...args)).toMatchObject({ status: 124 });
  });
});

describe('proctor send -', () => {
  it('refuses what is no text, and keeps what is as it came', async () => {
    const script = (bytes: string) =>
      promisify(execFile)('bash', ['-c', `printf '${bytes}' | "${process.execPath}" "${cli}" send cat -`], {
        env: { ...process.env, ...env() },
      });
    await expect(script('a\\xff\\xfeb\\n')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no UTF-8 text, and was not sent') as string,
    });
    await script('\\xef\\xbb\\xbfmarked\\n');
    expect(await proctor('wait', 'cat', '--log', 'marked')).toMatchObject({ stdout: '\ufeffmarked\n' });
    expect(await proctor('logs', 'cat')).toMatchObject({ stdout: '\ufeffmarked\n' });
  });

  it('fails where that is more than the server takes', async () => {
    const answer = await act(['send', 'cat', '-'], { env: env(), input: 'x'.repeat(1_100_000) });
    expect(answer).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/at most 1048576 bytes|cut the connection/) as string,
    });
  });
});

describe('an address', () => {
  it('may be the one that serve prints', async () => {
    const { mcpUrl, token } = server;
    for (const url of [mcpUrl.href, `${mcpUrl.href}/`])
      expect(await act(['ps', '-q', '--url', url, '--token', token])).toMatchObject({
        status: 0,
        stdout: 'cat\n',
      });
  });

  it.each([404, 200])('of something else is none of a server (%d)', async (status) => {
    const foreign = createServer((_, response) => {
      response.writeHead(status).end('<html>');
    });
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}`;
    expect(await act(['ps', '--url', url])).toMatchObject({
      status: 69,
      stderr: `proctor: There is no Proctor at ${url}: something else answers.\n`,
    });
    foreign.close();
  });
});

describe('a reader that goes away', () => {
  it.each(['--help', '--version', 'ps --help', 'nonsense 2>&1'])('%s ends without a word', async (args) => {
    // The pipe has no reader any more before anything is written.
    const script = `exec 3> >(true); wait $!; "${process.execPath}" "${cli}" ${args} >&3; echo $? >&2`;
    const { stderr } = await promisify(execFile)('bash', ['-c', script.replace('2>&1 >&3', '>&3 2>&3')]);
    expect(stderr).toBe(args.startsWith('nonsense') ? '2\n' : '0\n');
  });
});

describe('what agents chose', () => {
  it('does not drive the terminal of the person who looks', async () => {
    const escape = 'sleep 60 # \x1b[41m\x1b]0;title\x07';
    await proctor('run', '-n', 'evil', '--', escape);
    for (const args of [['ps'], ['ps', '--json'], ['kill', 'evil'], ['run', '--', '\x1b[2Jmissing', 'x']]) {
      const { stdout, stderr } = await command(args, { env: env() });
      expect(stdout + stderr).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f]/);
      expect(stdout + stderr).not.toBe('');
    }
    expect((await proctor('ps', 'evil')).stdout).toContain('sleep 60 # ␛[41m␛]0;title␇');
  });
});
