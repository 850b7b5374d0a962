import type { ManagedProcess } from './managed-process.ts';
import type { PortTarget, ProbeResult, Runner } from './runner.ts';
import type { PortOwner } from './types.ts';
import type { Arm } from './wait.ts';

export interface PortWatch {
  /** The process whose tree must own the port; without one any owner will do. */
  process?: ManagedProcess | undefined;
  /** Without it: whichever port the process's tree opens. */
  port?: number | undefined;
  host: string;
  http?: PortTarget['http'];
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
/** A look that is expensive (a tree's sockets on a machine with many) is repeated this many times its cost later. */
const COST_FACTOR = 10;

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
      Math.max(every, cost * COST_FACTOR),
    );
  }

  async #lookOnce(): Promise<PortHit | undefined> {
    const { port, process } = this.#watch;
    if (port !== undefined) return this.#lookAt(port);
    for (const own of (await process?.handle?.ports()) ?? []) {
      const probe = await this.#probe(own);
      if (probe.open) return ready(own, probe);
    }
    return undefined;
  }

  async #lookAt(port: number): Promise<PortHit | undefined> {
    const { process, allowForeign } = this.#watch;
    const probe = await this.#probe(port);
    const taken = probe.open || probe.accepted;
    if (!taken) return undefined;
    if (process === undefined || allowForeign) {
      return probe.open ? ready(port, probe, await this.#owner(port)) : undefined;
    }
    if ((await process.handle?.ports())?.includes(port) === true) {
      return probe.open ? ready(port, probe) : undefined;
    }
    const owner = await this.#owner(port);
    const host = probe.open ? probe.host : this.#watch.host;
    return { outcome: 'foreign', port, host, ...(owner && { owner }) };
  }

  async #probe(port: number): Promise<ProbeResult> {
    const { host, http } = this.#watch;
    const target: PortTarget = { host, port, ...(http && { http }) };
    const result = await this.#lookout.runner.probePort(target, this.#abort.signal);
    if (!result.open) this.#lookout.onLook(result.reason);
    return result;
  }

  async #owner(port: number): Promise<PortOwner | undefined> {
    const owner = await this.#lookout.runner.portOwner(port);
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
