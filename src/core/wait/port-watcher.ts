import { acceptsFor } from '../listeners.ts';
import type { ManagedProcess } from '../process/managed-process.ts';
import type { Listener, PortTarget, ProbeResult, Runner } from '../runner.ts';
import type { PortOwner } from '../types.ts';
import type { Arm } from './wait.ts';

export interface PortWatch {
  /** The process whose tree must own the port; without one any owner will do. */
  process?: ManagedProcess | undefined;
  /** Without it: whichever port the process's tree opens. */
  port?: number | undefined;
  host: string;
  http?: { path: string; status: readonly [number, number] };
  allowForeign: boolean;
}

export type PortHit =
  | { outcome: 'ready' | 'foreign'; port: number; host: string; httpStatus?: number; owner?: PortOwner }
  | { outcome: 'exited' };

/** What the watcher needs of its surroundings. */
export interface PortLookout {
  runner: Pick<Runner, 'probePort' | 'portOwner'>;
  /** Adds our id to an owner that belongs to a process we started. */
  identify: (pid: number) => Promise<string | undefined>;
  /** Told what each unsuccessful look saw, for the answer to a timeout. */
  onLook: (seen: string) => void;
}

/**
 * No event exists for listen(2), so the port is looked at: every 10 ms while a server typically comes up, then every
 * 50, then every 250, and at once whenever the process prints. A connect to loopback costs some 0.1 ms.
 */
const LOOK_INTERVALS: readonly { untilMs: number; everyMs: number }[] = [
  { untilMs: 10_000, everyMs: 10 },
  { untilMs: 30_000, everyMs: 50 },
  { untilMs: Infinity, everyMs: 250 },
];
/** What "localhost" may mean. */
const LOOPBACK = ['127.0.0.1', '::1'];
/** A look that is expensive (a tree's sockets on a machine with many) is repeated this many times its cost later. */
const COST_FACTOR = 4;

/** Settles when the port is ready, held by somebody else, or when the process it should belong to has ended. */
export function portCondition(watch: PortWatch, lookout: PortLookout): Arm<PortHit> {
  return (settle) => {
    const watcher = new PortWatcher(watch, lookout, settle);
    watcher.start();
    return () => {
      watcher.stop();
    };
  };
}

class PortWatcher {
  readonly #watch: PortWatch;
  readonly #lookout: PortLookout;
  readonly #settle: (hit: PortHit) => void;
  readonly #abort = new AbortController();
  readonly #begun = performance.now();
  /** A leader that has ended already leaves its descendants to wait for: a daemon that is still coming up. */
  readonly #waitsForTree: boolean;
  readonly #removes: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #looking = false;
  #lookAgain = false;

  constructor(watch: PortWatch, lookout: PortLookout, settle: (hit: PortHit) => void) {
    this.#watch = watch;
    this.#lookout = lookout;
    this.#settle = settle;
    this.#waitsForTree = watch.process?.ended === true;
  }

  start(): void {
    const { process } = this.#watch;
    if (process) {
      const end = this.#waitsForTree ? process.treeEnded : process.leaderEnded;
      this.#removes.push(
        process.outputArrived.add(() => {
          this.#look();
        }),
        end.add(() => {
          this.#look();
        }),
      );
    }
    this.#look();
  }

  stop(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
    for (const remove of this.#removes.splice(0)) remove();
  }

  #look(): void {
    if (this.#looking) {
      this.#lookAgain = true;
      return;
    }
    this.#looking = true;
    this.#lookAgain = false;
    clearTimeout(this.#timer);
    const begun = performance.now();
    const over = this.#processOver();
    void this.#lookOnce().then(
      (hit) => {
        this.#looking = false;
        if (this.#abort.signal.aborted) return;
        if (hit) this.#settle(hit);
        else if (over) this.#settle({ outcome: 'exited' });
        else if (this.#lookAgain) this.#look();
        else this.#schedule(performance.now() - begun);
      },
      (error: unknown) => {
        this.#looking = false;
        this.#lookout.onLook(error instanceof Error ? error.message : String(error));
        if (!this.#abort.signal.aborted) this.#schedule(performance.now() - begun);
      },
    );
  }

  /** Sampled before a look, so that the look after the end still sees what descendants have opened. */
  #processOver(): boolean {
    const { process } = this.#watch;
    if (!process) return false;
    return this.#waitsForTree ? !process.live : process.ended;
  }

  #schedule(cost: number): void {
    const elapsed = performance.now() - this.#begun;
    const every = LOOK_INTERVALS.find((step) => elapsed < step.untilMs)?.everyMs ?? 250;
    this.#timer = setTimeout(
      () => {
        this.#look();
      },
      this.#watch.port === undefined ? Math.max(every, cost * COST_FACTOR) : every,
    );
  }

  async #lookOnce(): Promise<PortHit | undefined> {
    const { port, process } = this.#watch;
    if (port !== undefined) return this.#lookAt(port);
    const listeners = (await process?.handle?.listeners()) ?? [];
    for (const own of new Set(listeners.map((listener) => listener.port))) {
      const hit = await this.#lookAtOwn(own, listeners);
      if (hit?.outcome === 'ready') return hit;
    }
    return undefined;
  }

  async #lookAt(port: number): Promise<PortHit | undefined> {
    const { process, allowForeign } = this.#watch;
    if (process !== undefined && !allowForeign) return this.#lookAtOwn(port);
    const probe = await this.#probe(port, this.#watch.host);
    this.#tell([probe]);
    return probe.open ? ready(port, probe, await this.#owner(port, probe.host)) : undefined;
  }

  /**
   * Each address by itself: on 127.0.0.1 and ::1 the same port may belong to two programs. One that is taken by
   * others is foreign only if none is the tree's own.
   */
  async #lookAtOwn(port: number, known?: readonly Listener[]): Promise<PortHit | undefined> {
    const hosts = this.#watch.host === 'localhost' ? LOOPBACK : [this.#watch.host];
    const probes = await Promise.all(
      hosts.map(async (host) => ({ host, probe: await this.#probe(port, host) })),
    );
    this.#tell(probes.map(({ probe }) => probe));
    const taken = probes.filter(({ probe }) => probe.open || probe.accepted);
    const [first] = taken;
    if (first === undefined) return undefined;
    const listeners = known ?? (await this.#watch.process?.handle?.listeners()) ?? [];
    const own = taken.filter(({ host }) =>
      listeners.some((listener) => listener.port === port && acceptsFor(listener, host)),
    );
    for (const { probe } of own) if (probe.open) return ready(port, probe);
    if (own.length > 0) return undefined;
    const owner = await this.#owner(port, first.host);
    return { outcome: 'foreign', port, host: first.host, ...(owner && { owner }) };
  }

  #probe(port: number, host: string): Promise<ProbeResult> {
    const { http } = this.#watch;
    const target: PortTarget = { host, port, ...(http && { http: { ...http, name: this.#watch.host } }) };
    return this.#lookout.runner.probePort(target, this.#abort.signal);
  }

  /** Of several addresses the one that came furthest counts: that nobody listens on ::1 as well is no news. */
  #tell(results: readonly ProbeResult[]): void {
    const refusals = results.filter((result) => !result.open);
    const furthest = refusals.find(({ accepted }) => accepted) ?? refusals[0];
    if (furthest) this.#lookout.onLook(furthest.reason);
  }

  async #owner(port: number, host: string): Promise<PortOwner | undefined> {
    const owner = await this.#lookout.runner.portOwner(port, host);
    if (owner === undefined) return undefined;
    const id = await this.#lookout.identify(owner.pid);
    return { ...owner, ...(id !== undefined && { id }) };
  }
}

function ready(port: number, probe: Extract<ProbeResult, { open: true }>, owner?: PortOwner): PortHit {
  const { host, httpStatus } = probe;
  return {
    outcome: 'ready',
    port,
    host,
    ...(httpStatus !== undefined && { httpStatus }),
    ...(owner && { owner }),
  };
}
