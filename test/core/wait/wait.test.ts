import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Listeners, wait, type Arm } from '../../../src/core/wait/wait.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A condition the test settles by hand, which tells whether it is armed. */
function manual<T>(): { arm: Arm<T>; settle: (value: T) => void; armed: () => boolean } {
  const listeners = new Listeners<[T]>();
  return {
    arm: (settle) => listeners.add(settle),
    settle: (v) => listeners.emit(v),
    armed: () => listeners.size > 0,
  };
}

describe('wait', () => {
  it('settles with the first condition, says how long it took, and disarms all of them', async () => {
    const a = manual<string>();
    const b = manual<string>();
    const result = wait({ timeoutMs: 1000 }, a.arm, b.arm);
    await vi.advanceTimersByTimeAsync(300);
    b.settle('b');
    a.settle('a');
    expect(await result).toEqual({ ended: 'settled', value: 'b', waitedMs: 300 });
    expect([a.armed(), b.armed()]).toEqual([false, false]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('does not arm what comes after a condition that holds already', async () => {
    const later = manual<string>();
    const now: Arm<string> = (settle) => {
      settle('now');
      return () => undefined;
    };
    expect(await wait({ timeoutMs: 1000 }, now, later.arm)).toMatchObject({ value: 'now', waitedMs: 0 });
    expect(later.armed()).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('times out with the time really waited', async () => {
    const a = manual<string>();
    const result = wait({ timeoutMs: 250 }, a.arm);
    await vi.advanceTimersByTimeAsync(250);
    expect(await result).toEqual({ ended: 'timeout', waitedMs: 250 });
    expect(a.armed()).toBe(false);
  });

  it('rejects with the reason of the signal, before and during the wait, and leaves nothing armed', async () => {
    const a = manual<string>();
    const controller = new AbortController();
    const during = expect(wait({ timeoutMs: 1000, signal: controller.signal }, a.arm)).rejects.toThrow(
      'enough',
    );
    controller.abort(new Error('enough'));
    await during;
    expect(a.armed()).toBe(false);
    await expect(wait({ timeoutMs: 1000, signal: controller.signal }, a.arm)).rejects.toThrow('enough');
    expect(a.armed()).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('rejects when a condition cannot be armed, and disarms those that were', async () => {
    const a = manual<string>();
    const broken: Arm<string> = () => {
      throw new Error('no such place');
    };
    await expect(wait({ timeoutMs: 1000 }, a.arm, broken)).rejects.toThrow('no such place');
    expect(a.armed()).toBe(false);
    expect(vi.getTimerCount()).toBe(0);
  });
});
