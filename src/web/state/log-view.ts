import { computed, signal } from '@preact/signals';
import { LineStore } from '../log/line-store.ts';
import { Rows, toSearch } from '../log/rows.ts';
import { bytes, clock } from '../format.ts';
import type { OutputEvent } from '../wire.ts';
import { OutputFeed, type OutputSink } from './output-feed.ts';
import type { Store } from './store.ts';

/** One process's log as a person looks at it. Output is taken in as it comes and shown once a frame. */
export class LogView implements OutputSink {
  readonly id: string;
  readonly store = new LineStore();
  readonly rows = new Rows();
  readonly search = signal('');
  readonly regex = signal(false);
  readonly onlyMatches = signal(false);
  readonly stdout = signal(true);
  readonly stderr = signal(true);
  readonly follow = signal(true);
  /** Columns of a row where long lines are wrapped. */
  readonly columns = signal<number | undefined>(undefined);
  /** Which of the matches is the one looked at. */
  readonly current = signal(-1);
  /** Counts up whenever there is something new to draw. */
  readonly revision = signal(0);
  /** A row to bring into sight. */
  readonly target = signal<number | undefined>(undefined);
  /** Rows that went at the top since the last drawing. */
  gone = 0;
  readonly pattern = computed(() => toSearch(this.search.value, this.regex.value));
  readonly #options = computed(() => {
    const [columns, search] = [this.columns.value, this.pattern.value];
    return {
      stdout: this.stdout.value,
      stderr: this.stderr.value,
      onlyMatches: this.onlyMatches.value && search !== undefined,
      ...(columns !== undefined && { columns }),
      ...(search !== undefined && { search }),
    };
  });
  readonly #feed: OutputFeed;
  readonly #stopEffects: () => void;
  #frame = 0;

  constructor(store: Store, id: string) {
    this.id = id;
    this.#feed = new OutputFeed(store, id, this);
    this.#stopEffects = this.#options.subscribe(() => {
      this.#drawSoon();
    });
  }

  close(): void {
    this.#feed.close();
    this.#stopEffects();
    cancelAnimationFrame(this.#frame);
  }

  output(event: OutputEvent): void {
    this.store.push(event);
    this.#drawSoon();
  }

  gap(count: number): void {
    this.#mark(`${bytes(count)}B are no longer held by the server`, Date.now());
  }

  run(run: number, at: number): void {
    this.#mark(`run ${run} · ${clock(at)}`, at);
  }

  exit(how: string, at: number): void {
    this.#mark(`${how} · ${clock(at)}`, at);
  }

  reset(): void {
    this.store.clear();
    this.#drawSoon();
  }

  /** Goes to the next or previous match, round at the ends. */
  step(places: 1 | -1): void {
    const { matches } = this.rows;
    if (matches.length === 0) return;
    const at = this.current.value === -1 && places === -1 ? 0 : this.current.value;
    this.current.value = (at + places + matches.length) % matches.length;
    this.follow.value = false;
    this.target.value = this.rows.rowOf(matches[this.current.value] ?? 0);
  }

  #mark(text: string, at: number): void {
    this.store.mark(text, at);
    this.#drawSoon();
  }

  #drawSoon(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.gone += this.rows.update(this.store, this.#options.value);
      if (this.current.value >= this.rows.matches.length) this.current.value = -1;
      this.revision.value++;
    });
  }
}
