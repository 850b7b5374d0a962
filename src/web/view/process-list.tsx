import { useEffect, useRef } from 'preact/hooks';
import { bytes, duration, percent } from '../format.ts';
import type { App } from '../state/app.ts';
import { inOrder, isLive, type ListFilter } from '../state/store.ts';
import type { Process } from '../wire.ts';
import { Ports } from './ports.tsx';
import { Glyph, statusText } from './status.tsx';

const FILTERS: readonly ListFilter[] = ['all', 'live', 'ended'];

export function ProcessList({ app: { store } }: { app: App }) {
  const shown = inOrder(store.shown.value);
  const groups = Map.groupBy(shown, ({ client }) => client ?? '');
  return (
    <nav class="list" aria-label="Processes">
      <div class="list-tools">
        <input
          id="filter"
          type="search"
          placeholder="Filter"
          aria-label="Filter processes"
          title="Filter (f)"
          value={store.query.value}
          onInput={(event) => {
            store.query.value = event.currentTarget.value;
          }}
        />
        <div class="choice" role="group" aria-label="Which processes">
          {FILTERS.map((filter) => (
            <button
              key={filter}
              aria-pressed={store.filter.value === filter}
              onClick={() => {
                store.filter.value = filter;
              }}
            >
              {filter}
            </button>
          ))}
        </div>
      </div>
      <div class="list-body">
        {[...groups].map(([client, processes]) => (
          <section key={client}>
            <h2>
              <span>{client === '' ? 'no client named' : client}</span>
              <span class="count">{processes.length}</span>
            </h2>
            {processes.map((process) => (
              <Entry
                key={process.id}
                process={process}
                now={store.now.value}
                selected={store.selectedId.value === process.id}
                onSelect={() => {
                  store.selectedId.value = process.id;
                }}
              />
            ))}
          </section>
        ))}
        {shown.length === 0 && store.phase.value !== 'loading' && (
          <p class="empty">
            {store.processes.value.length === 0
              ? 'Nothing runs yet. What agents start appears here; “Start…” starts something by hand.'
              : 'No process fits the filter.'}
          </p>
        )}
      </div>
    </nav>
  );
}

interface EntryProps {
  process: Process;
  now: number;
  selected: boolean;
  onSelect: () => void;
}

function Entry({ process, now, selected, onSelect }: EntryProps) {
  const row = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (selected) row.current?.scrollIntoView({ block: 'nearest' });
  }, [selected]);
  const { id, run, command, ports, cpu_percent, memory_bytes, started_at, uptime_ms } = process;
  const live = isLive(process);
  return (
    <div
      ref={row}
      class={`entry ${live ? '' : 'is-over'}`}
      role="button"
      tabIndex={0}
      aria-current={selected}
      data-id={id}
      title={`${id}: ${statusText(process)}`}
      onClick={onSelect}
      onKeyDown={(event) => {
        if (event.key === 'Enter' || event.key === ' ') onSelect();
      }}
    >
      <Glyph process={process} />
      <span class="entry-id">
        {id}
        {run > 1 && <small> ×{run}</small>}
      </span>
      <span class="entry-ports">
        <Ports ports={ports.slice(0, 3)} />
      </span>
      <span class="entry-command">{command}</span>
      <span class="entry-facts">
        {live ? (
          <>
            <span>{percent(cpu_percent)}</span>
            <span>{bytes(memory_bytes)}</span>
            <span>{duration(now - Date.parse(started_at))}</span>
          </>
        ) : (
          <span>
            {shortEnd(process)} · {duration(uptime_ms)}
          </span>
        )}
      </span>
    </div>
  );
}

function shortEnd({ status, exit_code, signal }: Process): string {
  if (signal !== undefined) return signal.replace('SIG', '');
  return exit_code === undefined ? status : `exit ${exit_code}`;
}
