import { signal } from '@preact/signals';

const KEY = 'proctor.token';

/**
 * The token this tab was given. It comes in the address's fragment, which browsers send to no server, or from the
 * form; it stays in the tab's own storage and is not seen in the address again.
 */
export class Session {
  readonly token = signal('');
  readonly #storage: Storage;

  constructor(storage: Storage, location: Location, history: History) {
    this.#storage = storage;
    this.token.value = storage.getItem(KEY) ?? '';
    const given = new URLSearchParams(location.hash.slice(1)).get('token');
    if (given === null) return;
    this.enter(given);
    history.replaceState(null, '', location.pathname);
  }

  enter(token: string): void {
    this.token.value = token.trim();
    this.#storage.setItem(KEY, this.token.value);
  }
}
