import { describe, expect, it } from 'vitest';
import { checkName, deriveId, describeLaunch } from '../../src/core/ids.ts';

const never = (): boolean => false;
const shell = (line: string) => ({ kind: 'shell', line }) as const;

describe('the id of an unnamed process', () => {
  it.each([
    ['npm run dev', 'npm'],
    ['./node_modules/.bin/vite --port 3000', 'vite'],
    ['FOO=1 BAR="a b" python3 app.py', 'python3'],
    ['cd packages/web && pnpm dev', 'pnpm'],
    ['exec /usr/local/bin/redis-server', 'redis-server'],
    ['(sleep 1; echo hi)', 'sleep'],
    ['"/opt/my app/run.sh"', 'run.sh'],
    ['日本語', 'process'],
    ['> out.txt', 'shell'],
    ['>/dev/null true', 'true'],
    ['2>/dev/null true', 'true'],
    ['2> err.txt >out.txt < in.txt make', 'make'],
    ['&>>log 2>&1 make', 'make'],
    ['FOO=1 >/dev/null make -j2', 'make'],
    ['grep 2>/dev/null x', 'grep'],
    ['"a > b" x', 'a-b'],
    ['env -i /bin/true', 'true'],
    ['/usr/bin/env -u HOME -i A=1 node x.js', 'node'],
    ['sudo -n true', 'true'],
    ['sudo -n -u nobody -- npm run dev', 'npm'],
    ['time -p nohup make', 'make'],
    ['exec -a other sleep 5', 'sleep'],
    ['env', 'env'],
    ['sudo -v', 'sudo'],
  ])('%s → %s', (line, id) => {
    expect(deriveId(shell(line), never)).toBe(id);
  });

  it('is numbered when taken', () => {
    const taken = new Set(['vite', 'vite-2']);
    expect(deriveId(shell('vite'), (id) => taken.has(id))).toBe('vite-3');
  });

  it('is always a valid name', () => {
    for (const line of ['-x', '...', 'a'.repeat(500), '$(rm -rf /)', '\u0000', '🦊🦊']) {
      expect(() => checkName(deriveId(shell(line), never))).not.toThrow();
    }
  });
});

describe('a name', () => {
  it.each(['', ' ', '../x', 'a/b', 'a b', '-rf', 'x'.repeat(65), 'a\u0000', 'ü'])('refuses %j', (name) => {
    expect(() => checkName(name)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
  });
});

it('shows a command on one bounded line, quoted where needed', () => {
  expect(describeLaunch({ kind: 'exec', file: 'echo', args: ['a b', "it's", 'c'] })).toBe(
    `echo 'a b' 'it'\\''s' c`,
  );
  expect(describeLaunch({ kind: 'code', language: 'python', source: 'x = 1\nprint(x)' })).toBe(
    'python: x = 1 print(x)',
  );
  expect(describeLaunch(shell('x'.repeat(1000)))).toHaveLength(200);
});
