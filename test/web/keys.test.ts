import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SHORTCUTS } from '../../src/web/keys.ts';

describe('the keys of the dashboard', () => {
  it('are each taken once', () => {
    const keys = SHORTCUTS.flatMap((shortcut) => shortcut.keys);
    expect(keys).toEqual([...new Set(keys)]);
  });

  it('are all in README', () => {
    const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
    const section = readme.slice(readme.indexOf('## Dashboard'), readme.indexOf('## Tools'));
    const missing = SHORTCUTS.filter(
      ({ keys }) => !keys.some((key) => section.includes(`\`${key.replace('Escape', 'Esc')}\``)),
    );
    expect(missing).toEqual([]);
  });
});
