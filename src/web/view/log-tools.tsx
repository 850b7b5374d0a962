import type { Signal } from '@preact/signals';
import { count } from '../format.ts';
import type { LogView } from '../state/log-view.ts';
import type { Preferences } from '../state/preferences.ts';

interface LogToolsProps {
  view: LogView;
  preferences: Preferences;
  /** Changes whenever the rows have. */
  revision: number;
}

export function LogTools({ view, preferences }: LogToolsProps) {
  const searching = view.search.value !== '';
  const invalid = searching && view.pattern.value === undefined;
  const { matches, rows } = view.rows;
  return (
    <div class="log-tools">
      <span class={`search ${invalid ? 'is-invalid' : ''}`}>
        <input
          id="search"
          type="search"
          placeholder="Search"
          aria-label="Search the log"
          title="Search (/)"
          value={view.search.value}
          onInput={(event) => {
            view.search.value = event.currentTarget.value;
            view.current.value = -1;
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') view.step(event.shiftKey ? -1 : 1);
          }}
        />
        <Toggle on={view.regex} label=".*" title="Regular expression" />
      </span>
      {searching && (
        <span class="hits">
          <output>
            {invalid
              ? 'no valid pattern'
              : view.current.value >= 0
                ? `${view.current.value + 1} of ${matches.length}`
                : count(matches.length, 'line')}
          </output>
          <button
            class="quiet icon"
            aria-label="Previous match"
            title="Previous match (N)"
            onClick={() => {
              view.step(-1);
            }}
          >
            ↑
          </button>
          <button
            class="quiet icon"
            aria-label="Next match"
            title="Next match (n)"
            onClick={() => {
              view.step(1);
            }}
          >
            ↓
          </button>
          <Toggle on={view.onlyMatches} label="only these" title="Show only lines that match" />
        </span>
      )}
      <span class="spring" />
      <span class="extent">
        {count(searching && view.onlyMatches.value ? rows.length : view.store.lines.length, 'line')}
      </span>
      <Toggle on={view.stdout} label="stdout" title="Show stdout (o)" />
      <Toggle on={view.stderr} label="stderr" title="Show stderr (e)" />
      <Toggle on={preferences.timestamps} label="time" title="Timestamps (m)" />
      <Toggle on={preferences.wrap} label="wrap" title="Wrap long lines (w)" />
      <Toggle on={view.follow} label="follow" title="Follow (G)" />
    </div>
  );
}

function Toggle({ on, label, title }: { on: Signal<boolean>; label: string; title: string }) {
  return (
    <button
      class="toggle"
      aria-pressed={on.value}
      title={title}
      onClick={() => {
        on.value = !on.value;
      }}
    >
      {label}
    </button>
  );
}
