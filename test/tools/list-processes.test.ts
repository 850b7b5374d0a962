import { describe, expect, it } from 'vitest';
import type { ProcessSnapshot } from '../../src/core/types.ts';
import { endedSnapshot, snapshotOf } from '../helpers/fake-service.ts';
import { connect, type Answer } from './connect.ts';

const LONG = 'x'.repeat(200);

function crowd(live: number, gone: number): ProcessSnapshot[] {
  return [
    ...Array.from({ length: live }, (_, index) => snapshotOf({ id: `live-${index}`, command: LONG })),
    ...Array.from({ length: gone }, (_, index) =>
      endedSnapshot({ id: `gone-${index}`, endedAt: 1_800_000_000_000 + index * 1000 }),
    ),
  ];
}

/** Its leader ended before anything else did; what it has started is alive. */
function daemon(): ProcessSnapshot {
  const descendants = [{ pid: 77, command: 'sleep 300' }];
  return endedSnapshot({ id: 'daemon', status: 'completed', live: true, endedAt: 1, descendants });
}

function size({ text, structured }: Answer): number {
  return Math.max(Buffer.byteLength(text), Buffer.byteLength(JSON.stringify(structured ?? null)));
}

/** The lines about one process: its row and what is indented below. */
function told({ text }: Answer, id: string): string {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.startsWith(`${id} `));
  const next = lines.findIndex((line, index) => index > at && !line.startsWith('  '));
  return at === -1 ? '' : lines.slice(at, next === -1 ? undefined : next).join('\n');
}

describe('a crowded list', () => {
  it('fits an answer: texts are cut, then the oldest ended go, never a live one', async () => {
    const { call, service } = await connect();
    service.processes = crowd(20, 200);
    const answer = await call('list_processes');
    expect(size(answer)).toBeLessThan(16_500);
    const omitted = Number(answer.structured?.omitted_ended);
    expect(omitted).toBeGreaterThan(100);
    expect(answer.text).toContain(`${omitted} older ended processes left out`);
    for (let index = 0; index < 20; index++) expect(told(answer, `live-${index}`)).not.toBe('');
    expect(told(answer, 'gone-199')).not.toBe('');
    expect(told(answer, 'gone-0')).toBe('');
  });

  it('keeps a tree that has outlived its leader: it is alive', async () => {
    const { call, service } = await connect();
    service.processes = [daemon(), ...crowd(0, 60)];
    const answer = await call('list_processes');
    expect(Number(answer.structured?.omitted_ended)).toBeGreaterThan(0);
    expect(answer.structured?.processes).toContainEqual(expect.objectContaining({ id: 'daemon' }));
    expect(told(answer, 'daemon')).toContain('77 sleep 300');
  });

  it('names what it leaves out, for ids to tell of: that works whatever the status asked for', async () => {
    const { call, service } = await connect();
    service.processes = crowd(0, 60);
    const answer = await call('list_processes', { status: 'ended' });
    const omitted = Number(answer.structured?.omitted_ended);
    expect(answer.text).toMatch(
      new RegExp(`^${omitted} older ended processes left out; ids .*: gone-0, gone-1, `, 'm'),
    );
    expect(answer.text).not.toMatch(/left out;.* status/);
  });

  it('still tells what each is, what it said last, and what belongs to it', async () => {
    const { call, service } = await connect();
    const output = { bytes: 9, lines: 2, droppedBytes: 0, lastLine: 'listening' };
    const descendants = Array.from({ length: 30 }, (_, index) => ({ pid: 500 + index, command: LONG }));
    const failure = { code: 'SPAWN_FAILED', message: 'no such file' };
    const cwd = `/home/someone/work/${'deep/'.repeat(20)}shop`;
    service.processes = [
      snapshotOf({ id: 'api', command: 'node api.js', cwd, ports: [3000], output, descendants }),
      endedSnapshot({ id: 'typo', pid: null, status: 'error', error: failure }),
      ...crowd(43, 0),
    ];
    const answer = await call('list_processes', { ids: service.processes.map(({ id }) => id) });
    const api = told(answer, 'api');
    for (const fact of ['$ node api.js', 'deep/shop', 'ports 3000', 'last: listening'])
      expect(api).toContain(fact);
    expect(api).toMatch(/descendants: 500 x+…, 501 x+…, 502 x+… and 27 more$/);
    expect(api.length).toBeLessThan(500);
    expect(told(answer, 'typo')).toContain('error: SPAWN_FAILED: no such file');
  });

  it('says that it was shortened, and how to get all', async () => {
    const { call, service } = await connect();
    service.processes = crowd(40, 0);
    const whole = await call('list_processes', { ids: ['live-1', 'live-2'] });
    expect(whole.text).not.toContain('shortened');
    expect(told(whole, 'live-1')).toContain(LONG);
    const answer = await call('list_processes');
    expect(told(answer, 'live-1')).not.toContain(LONG);
    expect(answer.text).toMatch(/^shortened to fit; list_processes with ids /m);
    expect(Buffer.byteLength(answer.text)).toBeLessThan(16_000);
  });

  it('tells of everything that was asked for by id', async () => {
    const { call, service } = await connect();
    service.processes = crowd(0, 100);
    const ids = service.processes.map(({ id }) => id);
    const answer = await call('list_processes', { ids });
    expect(answer.structured?.processes).toHaveLength(100);
  });
});

it('counts a tree that has outlived its leader among the living', async () => {
  const { call, service } = await connect();
  service.processes = [daemon()];
  const { text } = await call('list_processes', { status: 'live' });
  expect(text).toMatch(/^1 processes, 0 of them ended$/m);
  expect(text).toMatch(/^daemon {2}completed \(exit_code 2.* descendants alive .* MB/m);
});
