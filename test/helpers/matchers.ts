import { expect } from 'vitest';
import { isAlive } from './alive.ts';

interface Answered {
  isError: boolean;
  text: string;
}

interface Matchers<R = unknown> {
  /** The tool refused with `CODE: what happened. What to do next.`, and what it says matches. */
  toBeRefused(code: string, saying?: RegExp): R;
  /** Nothing runs under this pid. */
  toBeGone(): R;
}

declare module 'vitest' {
  // The matchers of a Vitest extension are declared by merging this interface.
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type, @typescript-eslint/no-explicit-any
  interface Assertion<T = any> extends Matchers<T> {}
}

/** A full sentence of advice after the sentence that says what happened. */
const REFUSAL = /^([A-Z_]+): (\S[\s\S]*?[.!?")]) (\S[\s\S]*[.?])$/;

expect.extend({
  toBeRefused(received: Answered, code: string, saying?: RegExp) {
    const [, found] = REFUSAL.exec(received.text) ?? [];
    const pass = received.isError && found === code && (saying === undefined || saying.test(received.text));
    const wanted = `an error "${code}: what happened. What to do next."${saying ? ` saying ${String(saying)}` : ''}`;
    return {
      pass,
      message: () =>
        `expected ${wanted}, got ${received.isError ? 'the error' : 'the answer'}:\n${received.text.slice(0, 2000)}`,
    };
  },
  toBeGone(received: number) {
    return { pass: !isAlive(received), message: () => `expected pid ${received} to be gone` };
  },
});
