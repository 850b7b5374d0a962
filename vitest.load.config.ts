import { defineConfig } from 'vitest/config';

// By itself and not beside other tests: it takes the whole machine, and its figures are of the whole machine.
export default defineConfig({ test: { include: ['test/load/*.load.ts'] } });
