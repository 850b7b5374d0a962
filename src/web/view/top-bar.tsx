import type { App } from '../state/app.ts';
import { isLive } from '../state/store.ts';

export function TopBar({ app }: { app: App }) {
  const { store, preferences } = app;
  const phase = store.phase.value;
  const live = store.processes.value.filter(isLive).length;
  const ended = store.processes.value.length - live;
  const state =
    phase === 'online' ? 'connected' : phase === 'offline' ? 'offline, trying again' : 'connecting';
  return (
    <header class="top">
      <h1 class="wordmark">proctor</h1>
      <span class={`link ${phase}`}>
        <i aria-hidden="true" />
        <span>{location.host}</span>
        <span class="link-state">{state}</span>
      </span>
      <span class="tally">
        <b>{live}</b> live <b>{ended}</b> ended
      </span>
      <span class="spring" />
      <button
        class="primary"
        title="Start a process (c)"
        onClick={() => {
          app.dialog.value = 'start';
        }}
      >
        Start…
      </button>
      <button
        class="quiet wide-only"
        aria-pressed={preferences.timeline.value}
        title="Timeline (y)"
        onClick={() => {
          preferences.timeline.value = !preferences.timeline.value;
        }}
      >
        Timeline
      </button>
      <button
        class="quiet icon"
        title="Dark or light (d)"
        aria-label="Dark or light"
        onClick={() => {
          preferences.nextTheme(matchMedia('(prefers-color-scheme: dark)').matches);
        }}
      >
        ◐
      </button>
      <button
        class="quiet icon"
        title="Keys (?)"
        aria-label="Keys"
        onClick={() => {
          app.dialog.value = 'help';
        }}
      >
        ?
      </button>
    </header>
  );
}
