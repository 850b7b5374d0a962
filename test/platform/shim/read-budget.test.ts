import { expect, it } from 'vitest';
import { ReadBudget } from '../../../src/platform/shim/read-budget.ts';

const nothing = (): void => undefined;
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('all readers together stop once a turn has had its time, and go on in the next', async () => {
  let now = 0;
  const budget = new ReadBudget(() => now);
  const busy = (ms: number) => (): void => {
    now += ms;
  };
  const resumed: string[] = [];
  expect(budget.spend(nothing, nothing)).toBe(true);
  expect(budget.spend(busy(3), () => resumed.push('a'))).toBe(false);
  expect(budget.spend(nothing, () => resumed.push('b'))).toBe(false);
  expect(resumed).toEqual([]);
  await nextTurn();
  expect(resumed).toEqual(['a', 'b']);
  expect(budget.spend(nothing, nothing)).toBe(true);
});
