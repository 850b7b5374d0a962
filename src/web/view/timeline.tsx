import { useSignal } from '@preact/signals';
import { clock, duration, pad } from '../format.ts';
import type { App } from '../state/app.ts';
import type { RunRecord } from '../state/history.ts';

const MINUTE = 60_000;
/** Lengths to choose from, in milliseconds. */
const SPANS = [1, 10, 60, 6 * 60, 24 * 60].map((minutes) => minutes * MINUTE);
/** Distances between two times on the axis, in milliseconds: the first that leaves few enough is taken. */
const STEPS = [1 / 6, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 240].map((minutes) => minutes * MINUTE);
const MOST_TICKS = 9;
/** A run that was over at once is still seen, in percent of the width. */
const LEAST_WIDTH = 0.35;

/** When each run started, was ready and ended; the right edge is now. */
export function Timeline({ app: { store } }: { app: App }) {
  const chosen = useSignal<number | undefined>(undefined);
  const now = store.now.value;
  const runs = store.runs.value;
  const oldest = Math.min(now, ...runs.map(({ start }) => start));
  const span =
    chosen.value ?? SPANS.find((length) => length > (now - oldest) * 1.02) ?? SPANS.at(-1) ?? MINUTE;
  const from = now - span;
  const inSight = runs.filter(({ end = now }) => end >= from);
  const lanes = [...Map.groupBy(inSight, ({ id }) => id)].sort(
    ([, a], [, b]) => Number(isOpen(b)) - Number(isOpen(a)) || latest(b) - latest(a),
  );
  const place = (at: number): number => Math.max(0, Math.min(100, ((at - from) / span) * 100));
  return (
    <section class="timeline" aria-label="Timeline">
      <div class="timeline-tools">
        <h2>Timeline</h2>
        <div class="choice" role="group" aria-label="Length of the timeline">
          {SPANS.map((length) => (
            <button
              key={length}
              aria-pressed={length === span}
              onClick={() => {
                chosen.value = chosen.value === length ? undefined : length;
              }}
            >
              {duration(length).split(' ')[0]}
            </button>
          ))}
        </div>
      </div>
      <div class="timeline-chart">
        <div class="axis" aria-hidden="true">
          {ticks(from, now, span).map((at) => (
            <span key={at} style={{ left: `${place(at)}%` }}>
              {timeOfDay(at, span)}
            </span>
          ))}
        </div>
        <div class="lanes">
          {lanes.map(([id, records]) => (
            <div key={id} class={`lane ${store.selectedId.value === id ? 'is-selected' : ''}`}>
              <button
                class="lane-name"
                onClick={() => {
                  if (store.find(id) !== undefined) store.selectedId.value = id;
                }}
              >
                {id}
              </button>
              <div class="lane-bars">
                {records.map((record) => (
                  <Bar key={record.start} record={record} now={now} place={place} />
                ))}
              </div>
            </div>
          ))}
          {lanes.length === 0 && <p class="empty">Starts, readiness and ends appear here.</p>}
        </div>
      </div>
    </section>
  );
}

function isOpen(records: readonly RunRecord[]): boolean {
  return records.some(({ end }) => end === undefined);
}

function latest(records: readonly RunRecord[]): number {
  return Math.max(...records.map(({ start }) => start));
}

interface BarProps {
  record: RunRecord;
  now: number;
  place: (at: number) => number;
}

function Bar({ record: { id, run, start, ready, end, status }, now, place }: BarProps) {
  const [left, right] = [place(start), place(end ?? now)];
  const width = Math.max(LEAST_WIDTH, right - left);
  const facts = [
    `${id}, run ${run}: ${status}`,
    `started ${clock(start)}`,
    ...(ready === undefined ? [] : [`ready ${clock(ready)}, after ${duration(ready - start)}`]),
    ...(end === undefined ? [] : [`ended ${clock(end)}, after ${duration(end - start)}`]),
  ];
  return (
    <>
      <i
        class={`bar is-${status} ${end === undefined ? 'is-open' : ''}`}
        style={{ left: `${Math.min(left, 100 - width)}%`, width: `${width}%` }}
        title={facts.join('\n')}
      />
      {ready !== undefined && (
        <i class="ready" style={{ left: `${place(ready)}%` }} title={facts.join('\n')} />
      )}
    </>
  );
}

function ticks(from: number, to: number, span: number): number[] {
  const step = STEPS.find((length) => span / length <= MOST_TICKS) ?? span / MOST_TICKS;
  const offset = new Date(to).getTimezoneOffset() * MINUTE;
  const first = Math.ceil((from - offset) / step) * step + offset;
  const found: number[] = [];
  for (let at = first; at < to - span * 0.02; at += step) found.push(at);
  return found;
}

function timeOfDay(at: number, span: number): string {
  const date = new Date(at);
  const minutes = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  return span <= 2 * MINUTE ? `${minutes}:${pad(date.getSeconds())}` : minutes;
}
