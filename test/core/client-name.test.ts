import { expect, it } from 'vitest';
import { clientName } from '../../src/core/client-name.ts';

it.each([
  ['curl/8.5.0', 'curl/8.5.0'],
  ['Größe 日本 1.0', 'Größe 日本 1.0'],
  ['a\nb\r\u001B[2Jc\u2028d\u202Ee\u0085', 'ab[2Jcde'],
  ['x'.repeat(20_000), 'x'.repeat(100)],
  [`${'x'.repeat(99)}😀`, 'x'.repeat(99)],
  ['\u0007', undefined],
  ['', undefined],
])('the name %j is shown as %j', (told, shown) => {
  expect(clientName(told)).toBe(shown);
});
