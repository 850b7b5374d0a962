import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Real processes on a small machine: a slow start is not a failure.
    testTimeout: 20_000,
    hookTimeout: 20_000,
    // More than the cores of a small machine: most of a test's time is spent waiting.
    maxWorkers: 3,
    // Time is fake where a test says so; the turns of the event loop never are.
    fakeTimers: {
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'],
    },
    // A machine that others use as well can miss a deadline of milliseconds; a fault fails each time.
    retry: process.env.CI === undefined ? 0 : 2,
  },
});
