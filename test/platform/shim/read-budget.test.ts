import { expect, it } from 'vitest';
import { ReadBudget } from '../../../src/platform/shim/read-budget.ts';

const nothing = (): void => undefined;
const busy = (ms: number) => (): void => {
  for (const end = performance.now() + ms; performance.now() < end;);
};
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('all readers together stop once a turn has had its time, and go on in the next', async () => {
  const budget = new ReadBudget();
  const resumed: string[] = [];
  expect(budget.spend(nothing, nothing)).toBe(true);
  expect(budget.spend(busy(3), () => resumed.push('a'))).toBe(false);
  expect(budget.spend(nothing, () => resumed.push('b'))).toBe(false);
  expect(resumed).toEqual([]);
  await nextTurn();
  expect(resumed).toEqual(['a', 'b']);
  expect(budget.spend(nothing, nothing)).toBe(true);
});
