import type { App } from './state/app.ts';
import { isLive } from './state/store.ts';

export interface Shortcut {
  keys: readonly string[];
  does: string;
  run: (app: App) => void;
}

/** False where there is nothing to focus. */
function focus(selector: string): boolean {
  const element = document.querySelector(selector);
  if (!(element instanceof HTMLInputElement)) return false;
  element.focus();
  element.select();
  return true;
}

function withSelected(app: App, live: boolean, act: (id: string) => void): void {
  const process = app.store.selected.value;
  if (process !== undefined && (!live || isLive(process))) act(process.id);
}

/** Every key of the page, in the order the help shows them. */
export const SHORTCUTS: readonly Shortcut[] = [
  {
    keys: ['j', 'ArrowDown'],
    does: 'next process',
    run: ({ store }) => {
      store.step(1);
    },
  },
  {
    keys: ['k', 'ArrowUp'],
    does: 'previous process',
    run: ({ store }) => {
      store.step(-1);
    },
  },
  {
    keys: ['f'],
    does: 'filter the processes',
    run: () => {
      focus('#filter');
    },
  },
  {
    keys: ['/'],
    does: 'search the log',
    run: (app) => {
      app.tab.value = 'log';
      // At once where the log is shown already: what is typed next belongs to the search.
      if (!focus('#search')) requestAnimationFrame(() => focus('#search'));
    },
  },
  { keys: ['n'], does: 'next match', run: ({ log }) => log.value?.step(1) },
  { keys: ['N'], does: 'previous match', run: ({ log }) => log.value?.step(-1) },
  {
    keys: ['G', 'End'],
    does: 'follow the log',
    run: ({ log }) => {
      if (log.value) log.value.follow.value = true;
    },
  },
  {
    keys: ['o'],
    does: 'show or hide stdout',
    run: ({ log }) => {
      if (log.value) log.value.stdout.value = !log.value.stdout.value;
    },
  },
  {
    keys: ['e'],
    does: 'show or hide stderr',
    run: ({ log }) => {
      if (log.value) log.value.stderr.value = !log.value.stderr.value;
    },
  },
  {
    keys: ['m'],
    does: 'show or hide timestamps',
    run: ({ preferences: { timestamps } }) => {
      timestamps.value = !timestamps.value;
    },
  },
  {
    keys: ['w'],
    does: 'wrap long lines',
    run: ({ preferences: { wrap } }) => {
      wrap.value = !wrap.value;
    },
  },
  {
    keys: ['l'],
    does: 'log',
    run: (app) => {
      app.tab.value = 'log';
    },
  },
  {
    keys: ['t'],
    does: 'terminal (Shift+Escape leaves it)',
    run: (app) => {
      if (app.hasTerminal.value === true) app.tab.value = 'terminal';
    },
  },
  {
    keys: ['i'],
    does: 'send input',
    run: () => {
      focus('#stdin');
    },
  },
  {
    keys: ['c'],
    does: 'start a process',
    run: (app) => {
      app.dialog.value = 'start';
    },
  },
  {
    keys: ['s'],
    does: 'stop',
    run: (app) => {
      withSelected(app, true, () => (app.dialog.value = 'stop'));
    },
  },
  {
    keys: ['r'],
    does: 'restart',
    run: (app) => {
      withSelected(app, false, (id) => {
        void app.restart(id);
      });
    },
  },
  {
    keys: ['x'],
    does: 'remove an ended process',
    run: (app) => {
      withSelected(app, false, () => (app.dialog.value = 'remove'));
    },
  },
  {
    keys: ['y'],
    does: 'show or hide the timeline',
    run: ({ preferences: { timeline } }) => {
      timeline.value = !timeline.value;
    },
  },
  {
    keys: ['d'],
    does: 'dark or light',
    run: ({ preferences }) => {
      preferences.nextTheme(matchMedia('(prefers-color-scheme: dark)').matches);
    },
  },
  {
    keys: ['Escape'],
    does: 'back, close',
    run: (app) => {
      leave(app);
    },
  },
  {
    keys: ['?'],
    does: 'this help',
    run: (app) => {
      app.dialog.value = 'help';
    },
  },
];

function leave({ store, log }: App): void {
  const active = document.activeElement;
  if (active instanceof HTMLInputElement) active.blur();
  else if (log.value !== undefined && log.value.search.value !== '') log.value.search.value = '';
  else if (matchMedia('(max-width: 760px)').matches) store.selectedId.value = undefined;
}

/** Keys belong to what is typed into; elsewhere to the page. */
export function handleKey(app: App, event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (app.dialog.value !== undefined || app.store.phase.value === 'locked') return;
  const { target } = event;
  const typing =
    target instanceof HTMLInputElement ||
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement;
  if (typing && (event.key !== 'Escape' || target instanceof HTMLTextAreaElement)) return;
  const found = SHORTCUTS.find(({ keys }) => keys.includes(event.key));
  if (found === undefined) return;
  event.preventDefault();
  found.run(app);
}
