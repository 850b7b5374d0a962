import { describe, expect, it } from 'vitest';
import { hostCheck, isLoopback, originCheck } from '../../src/http/hosts.ts';
import { RateLimit } from '../../src/http/rate-limit.ts';
import { tokenCheck } from '../../src/http/token.ts';

const LOCAL = {
  bindHost: '127.0.0.1',
  allowHosts: ['Proctor.Example'],
  allowOrigins: ['https://app.example'],
};
const OPEN = { bindHost: '0.0.0.0', allowHosts: [], allowOrigins: [] };

describe('loopback', () => {
  it.each(['localhost', '127.0.0.1', '127.8.9.10', '::1', '[::1]'])('is %s', (host) => {
    expect(isLoopback(host)).toBe(true);
  });
  it.each(['0.0.0.0', '::', '10.0.0.1', 'localhost.evil.example', '127.0.0.1.evil.example', ''])(
    'is not %j',
    (host) => {
      expect(isLoopback(host)).toBe(false);
    },
  );
});

describe('the Host header', () => {
  it.each(['127.0.0.1:7433', 'localhost', 'LOCALHOST:80', '[::1]:7433', 'proctor.example:443'])(
    'may be %s on loopback',
    (host) => {
      expect(hostCheck(LOCAL)(host)).toBe(true);
    },
  );
  it.each([
    'evil.example',
    'evil.example:7433',
    'localhost.evil.example',
    'localhost@evil.example',
    'evil.example#localhost',
    'localhost:7433, evil.example',
    '10.0.0.1:7433',
    'localhost.',
    '',
    undefined,
  ])('may not be %j on loopback', (host) => {
    expect(hostCheck(LOCAL)(host)).toBe(false);
  });
  it('may be any address, but no unknown name, on an open bind', () => {
    const check = hostCheck(OPEN);
    expect(['10.0.0.1:7433', '[fe80::1]:7433', 'localhost'].map(check)).toEqual([true, true, true]);
    expect(check('evil.example:7433')).toBe(false);
  });
});

describe('the Origin header', () => {
  const check = originCheck(LOCAL);
  it('is judged by whether it is the page of this very server, or an allowed one', () => {
    const host = 'localhost:7433';
    expect(check(undefined, host)).toBe('none');
    expect(check('http://localhost:7433', host)).toBe('own');
    expect(check('https://APP.example', host)).toBe('allowed');
    for (const origin of ['http://localhost:3000', 'http://localhost', 'null', '', 'https://evil.example'])
      expect(check(origin, host), origin).toBe('foreign');
  });
});

describe('the token', () => {
  const check = tokenCheck('a-token-of-some-length');
  it('is recognised, with the scheme in any case', () => {
    expect(check('Bearer a-token-of-some-length')).toBe(true);
    expect(check('bearer  a-token-of-some-length ')).toBe(true);
  });
  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'a-token-of-some-length',
    'Basic a-token-of-some-length',
    'Bearer a-token-of-some-lengt',
    'Bearer a-token-of-some-length-and-more',
    'Bearer A-token-of-some-length',
    'Bearer a-token-of-some-length x',
  ])('is not %j', (header) => {
    expect(check(header)).toBe(false);
  });
});

describe('the rate limit', () => {
  it('lets a burst pass, then a steady rate, each address by itself', () => {
    let now = 0;
    const limit = new RateLimit({ perSecond: 10, burst: 3, now: () => now });
    expect([1, 2, 3].map(() => limit.take('a'))).toEqual([0, 0, 0]);
    expect(limit.take('a')).toBe(100);
    expect(limit.take('b')).toBe(0);
    now = 50;
    expect(limit.take('a')).toBe(50);
    now = 100;
    expect(limit.take('a')).toBe(0);
    now = 10_000;
    expect([1, 2, 3, 4].map(() => limit.take('a') > 0)).toEqual([false, false, false, true]);
  });

  it('forgets who was longest away, so that many addresses cost bounded memory', () => {
    const limit = new RateLimit({ perSecond: 1, burst: 1, now: () => 0 });
    expect(limit.take('first')).toBe(0);
    expect(limit.take('first')).toBeGreaterThan(0);
    for (let index = 0; index < 5000; index++) limit.take(`other-${index}`);
    expect(limit.take('first')).toBe(0);
  });
});
