import { batch, computed, signal } from '@preact/signals';
import { ApiError, Unreachable, type Api } from '../api.ts';
import { parseFields, toLifeEvent, type Process } from '../wire.ts';
import { History, type RunRecord } from './history.ts';

/** `locked`: the server asks for a token, or for another one. */
export type Phase = 'loading' | 'locked' | 'online' | 'offline';

export type ListFilter = 'all' | 'live' | 'ended';

export interface Notice {
  key: number;
  text: string;
}

/** Processor time and memory change without an event: they are asked for this often, in milliseconds. */
const REFRESH_MS = 2000;
/** Events in a burst are answered by one listing, this long after the first. */
const GATHER_MS = 60;
/** Pause before the first and before every further attempt to reach a server that is away. */
const RETRY_MS = { first: 300, most: 3000 };
const NOTICE_MS = 8000;

export const LIVE: readonly string[] = ['queued', 'starting', 'running'];

/** True while anything of it can still print, listen or be ended. */
export function isLive({ status, descendants }: Process): boolean {
  return LIVE.includes(status) || (descendants?.length ?? 0) > 0;
}

/** What the page knows, kept up with the server. */
export class Store {
  readonly api: Api;
  readonly phase = signal<Phase>('loading');
  readonly processes = signal<readonly Process[]>([]);
  readonly warning = signal<string | undefined>(undefined);
  readonly runs = signal<readonly RunRecord[]>([]);
  readonly selectedId = signal<string | undefined>(undefined);
  readonly filter = signal<ListFilter>('all');
  readonly query = signal('');
  readonly notices = signal<readonly Notice[]>([]);
  /** The present, in milliseconds since the epoch; moves once a second. */
  readonly now = signal(Date.now());
  readonly history = new History();
  readonly selected = computed(() => this.find(this.selectedId.value));
  readonly shown = computed(() => this.processes.value.filter((process) => this.#isShown(process)));
  #gathering = false;
  #notices = 0;
  #lastEventId: string | undefined;

  constructor(api: Api) {
    this.api = api;
  }

  find(id: string | undefined): Process | undefined {
    return this.processes.value.find((process) => process.id === id);
  }

  /** Follows the server for as long as the page is open. */
  start(): void {
    setInterval(() => {
      this.now.value = Date.now();
    }, 1000);
    setInterval(() => {
      if (this.phase.value === 'online' && document.visibilityState === 'visible') void this.#tryRefresh();
    }, REFRESH_MS);
    void this.#follow();
  }

  /** Asks for the listing. Rejects as the API does, after noting what that says about the server. */
  async refresh(): Promise<void> {
    try {
      const { processes, warning } = await this.api.list();
      batch(() => {
        this.phase.value = 'online';
        this.processes.value = processes;
        this.warning.value = warning;
        this.now.value = Date.now();
        this.history.observe(processes);
        this.runs.value = this.history.runs;
      });
    } catch (error) {
      if (error instanceof Unreachable) this.phase.value = 'offline';
      else if (error instanceof ApiError && error.status === 401) this.phase.value = 'locked';
      throw error;
    }
  }

  /** Does what a person asked for, and tells them if it cannot be done. */
  async act(action: () => Promise<void>): Promise<boolean> {
    try {
      await action();
      await this.#tryRefresh();
      return true;
    } catch (error) {
      this.notify(error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  notify(text: string): void {
    const notice = { key: ++this.#notices, text };
    this.notices.value = [...this.notices.value, notice];
    setTimeout(() => {
      this.dismiss(notice.key);
    }, NOTICE_MS);
  }

  dismiss(key: number): void {
    this.notices.value = this.notices.value.filter((notice) => notice.key !== key);
  }

  /** Selects the process so many places further down the list. */
  step(places: number): void {
    const ids = inOrder(this.shown.value).map(({ id }) => id);
    const at = ids.indexOf(this.selectedId.value ?? '');
    const next = at === -1 ? (places > 0 ? 0 : ids.length - 1) : at + places;
    this.selectedId.value = ids[Math.max(0, Math.min(ids.length - 1, next))] ?? this.selectedId.value;
  }

  #isShown(process: Process): boolean {
    const filter = this.filter.value;
    if (filter !== 'all' && isLive(process) !== (filter === 'live')) return false;
    const query = this.query.value.trim().toLowerCase();
    const { id, command, client = '', ports } = process;
    return query === '' || `${id} ${command} ${client} ${ports.join(' ')}`.toLowerCase().includes(query);
  }

  async #tryRefresh(): Promise<boolean> {
    return this.refresh().then(
      () => true,
      () => false,
    );
  }

  async #follow(): Promise<void> {
    let pause = RETRY_MS.first;
    for (;;) {
      if (await this.#tryRefresh()) {
        pause = RETRY_MS.first;
        await this.#followEvents().catch(() => undefined);
      } else if (this.phase.value === 'locked') await this.#unlocked();
      else {
        await sleep(pause);
        pause = Math.min(RETRY_MS.most, pause * 1.6);
        continue;
      }
      await sleep(RETRY_MS.first);
    }
  }

  async #followEvents(): Promise<void> {
    for await (const { event, data, id } of this.api.life(this.#lastEventId)) {
      this.#lastEventId = id ?? this.#lastEventId;
      const fields = parseFields(data);
      const life = fields && toLifeEvent(event, fields);
      if (life === undefined) continue;
      this.history.record(life);
      this.#refreshSoon();
    }
  }

  #refreshSoon(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    setTimeout(() => {
      this.#gathering = false;
      void this.#tryRefresh();
    }, GATHER_MS);
  }

  #unlocked(): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.phase.subscribe((phase) => {
        if (phase === 'locked') return;
        resolve();
        queueMicrotask(() => {
          stop();
        });
      });
    });
  }
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** By who started them, then the live ones first, the latest first of all. */
export function inOrder(processes: readonly Process[]): readonly Process[] {
  return [...processes].sort(
    (a, b) =>
      (a.client ?? '~').localeCompare(b.client ?? '~') ||
      Number(isLive(b)) - Number(isLive(a)) ||
      b.started_at.localeCompare(a.started_at),
  );
}
