import { expect, it } from 'vitest';
import { acceptsFor } from '../../src/core/listeners.ts';

it.each([
  ['127.0.0.1', '127.0.0.1', true],
  ['127.0.0.1', '::1', false],
  ['127.0.0.1', '127.0.0.2', false],
  ['0.0.0.0', '127.0.0.1', true],
  ['0.0.0.0', '::1', false],
  ['::', '127.0.0.1', true],
  ['::', '::1', true],
  ['::1', '::1', true],
  ['::1', '127.0.0.1', false],
  ['::ffff:127.0.0.1', '127.0.0.1', true],
  ['::ffff:7f00:1', '127.0.0.1', true],
  ['192.168.1.2', 'my-host.local', true],
])('a listener on %s takes connections to %s: %s', (address, host, accepts) => {
  expect(acceptsFor({ address }, host)).toBe(accepts);
});

it('a listener on :: that refuses IPv4 takes connections over IPv6 alone', () => {
  const listener = { address: '::', ipv6Only: true };
  expect(acceptsFor(listener, '::1')).toBe(true);
  expect(acceptsFor(listener, '127.0.0.1')).toBe(false);
  expect(acceptsFor(listener, '::ffff:127.0.0.1')).toBe(false);
  expect(acceptsFor({ address: '127.0.0.1', ipv6Only: false }, '127.0.0.1')).toBe(true);
});
