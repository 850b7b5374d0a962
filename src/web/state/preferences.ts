import { effect, signal, type Signal } from '@preact/signals';

export type Theme = 'auto' | 'light' | 'dark';

/** What a person set up once and finds again. */
export class Preferences {
  readonly theme: Signal<Theme>;
  readonly wrap: Signal<boolean>;
  readonly timestamps: Signal<boolean>;
  readonly timeline: Signal<boolean>;

  constructor(storage: Storage, root: HTMLElement) {
    const stored = storage.getItem('proctor.theme');
    this.theme = signal(stored === 'light' || stored === 'dark' ? stored : 'auto');
    this.wrap = kept(storage, 'wrap', true);
    this.timestamps = kept(storage, 'timestamps', false);
    this.timeline = kept(storage, 'timeline', true);
    effect(() => {
      root.dataset.theme = this.theme.value;
      storage.setItem('proctor.theme', this.theme.value);
    });
  }

  /** On from what is seen: the other scheme first, whatever the system prefers. */
  nextTheme(systemIsDark: boolean): void {
    const seen = this.theme.value === 'auto' ? (systemIsDark ? 'dark' : 'light') : this.theme.value;
    this.theme.value = seen === 'dark' ? 'light' : 'dark';
  }
}

function kept(storage: Storage, name: string, fallback: boolean): Signal<boolean> {
  const key = `proctor.${name}`;
  const stored = storage.getItem(key);
  const value = signal(stored === null ? fallback : stored === 'true');
  effect(() => {
    storage.setItem(key, String(value.value));
  });
  return value;
}
