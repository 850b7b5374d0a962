import { describe, expect, it } from 'vitest';
import { History } from '../../src/web/state/history.ts';
import type { Process } from '../../src/web/wire.ts';

function processAt(start: number, over: Partial<Process> = {}): Process {
  return {
    ...{ id: 'web', run: 1, pid: 1, status: 'running', command: 'x', cwd: '/' },
    ...{
      started_at: new Date(start).toISOString(),
      uptime_ms: 0,
      ports: [],
      memory_bytes: 0,
      cpu_percent: 1,
    },
    awaiting_input: false,
    output: { bytes: 0, lines: 0, dropped_bytes: 0, last_line: '' },
    ...over,
  };
}

describe('the history of runs', () => {
  it('is told by events and by listings alike', () => {
    const history = new History();
    history.record({ type: 'started', id: 'web', run: 1, at: 10_000 });
    history.record({ type: 'ready', id: 'web', run: 1, at: 10_500 });
    history.observe([processAt(9990)]);
    history.record({ type: 'exited', id: 'web', run: 1, at: 12_000, status: 'failed' });
    expect(history.runs).toEqual([
      { id: 'web', run: 1, start: 9990, ready: 10_500, end: 12_000, status: 'failed' },
    ]);
  });

  it('keeps a run whose name was forgotten and used again', () => {
    const history = new History();
    history.observe([processAt(10_000, { status: 'completed', ended_at: new Date(11_000).toISOString() })]);
    history.record({ type: 'removed', id: 'web', run: 1, at: 12_000 });
    history.record({ type: 'started', id: 'web', run: 1, at: 20_000 });
    expect(history.runs.map(({ start, end }) => [start, end])).toEqual([
      [10_000, 11_000],
      [20_000, undefined],
    ]);
  });

  it('ends what an earlier server ran, where another begins under its name', () => {
    const history = new History();
    history.observe([processAt(10_000)]);
    history.observe([processAt(50_000)]);
    expect(history.runs).toMatchObject([
      { start: 10_000, end: 50_000, status: 'killed' },
      { start: 50_000, status: 'running' },
    ]);
  });

  it('ends an earlier run when the next begins', () => {
    const history = new History();
    history.observe([processAt(10_000)]);
    history.observe([processAt(30_000, { run: 2 })]);
    expect(history.runs).toMatchObject([{ run: 1, end: 30_000 }, { run: 2 }]);
  });

  it('is bounded', () => {
    const history = new History();
    for (let run = 1; run <= 1000; run++) history.record({ type: 'started', id: 'x', run, at: run });
    history.observe([]);
    expect(history.runs.length).toBeLessThanOrEqual(400);
  });
});
