import { computed, effect, signal, type ReadonlySignal } from '@preact/signals';
import { LogView } from './log-view.ts';
import type { Preferences } from './preferences.ts';
import type { Session } from './session.ts';
import type { Store } from './store.ts';

export type Tab = 'log' | 'terminal';
export type Dialog = 'start' | 'stop' | 'remove' | 'help';

/** What is on the screen: which process, which of its faces, which dialog. */
export class App {
  readonly store: Store;
  readonly session: Session;
  readonly preferences: Preferences;
  readonly dialog = signal<Dialog | undefined>(undefined);
  readonly tab = signal<Tab>('log');
  /** Whether the selected process runs in a terminal; undefined until the server has told. */
  readonly hasTerminal = signal<boolean | undefined>(undefined);
  readonly log = signal<LogView | undefined>(undefined);
  /** The run that is looked at: the next one may have another kind of terminal. */
  readonly #runKey: ReadonlySignal<string>;

  constructor(store: Store, session: Session, preferences: Preferences) {
    this.store = store;
    this.session = session;
    this.preferences = preferences;
    this.#runKey = computed(() => {
      const process = store.selected.value;
      return process === undefined ? '' : `${process.id}#${process.run}#${process.started_at}`;
    });
    effect(() => {
      void this.#lookForTerminal(this.#runKey.value);
    });
    effect(() => {
      const id = store.selected.value?.id;
      const open = this.log.peek();
      if (open?.id === id) return;
      open?.close();
      this.log.value = id === undefined ? undefined : new LogView(store, id);
    });
  }

  async restart(id: string): Promise<void> {
    await this.store.act(() => this.store.api.restart(id));
  }

  async #lookForTerminal(key: string): Promise<void> {
    this.hasTerminal.value = undefined;
    const id = this.store.selectedId.peek();
    if (key === '' || id === undefined) return;
    const end = await this.store.api.terminalEnd(id).catch(() => undefined);
    if (key !== this.#runKey.peek()) return;
    this.hasTerminal.value = end !== undefined;
    this.tab.value = end === undefined ? 'log' : 'terminal';
  }
}
