import { acceptsFor, portsOf } from '../listeners.ts';
import type { ManagedProcess } from '../process/managed-process.ts';
import type { Listener, ProbeResult, Runner } from '../runner.ts';
import type { PortOwner } from '../types.ts';

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

export type Refusal = Extract<ProbeResult, { open: false }>;

/** What a look needs of its surroundings. */
export interface PortSight {
  runner: Pick<Runner, 'probePort' | 'portOwner'>;
  /** Adds our id to an owner that belongs to a process we started. */
  identify: (pid: number) => Promise<string | undefined>;
}

/** What "localhost" may mean. */
const LOOPBACK = ['127.0.0.1', '::1'];
/**
 * A server that still compiles its first page may hold a request, and answer the next one; or it takes its time for
 * each. So a request is given up after this time, and the one after it is given twice as long, unless other ports may
 * be ready meanwhile.
 */
const HTTP_LIMIT_MS = 2000;
/** A holder that cannot be seen, such as another user's, is foreign after this time; a process ends within it. */
const UNSEEN_MS = 100;

/** Looks at a port once each time it is asked to: is it ready, and whose is it? An aborted look rejects. */
export class PortLook {
  readonly #watch: PortWatch;
  readonly #sight: PortSight;
  readonly #onRefusal: (refusal: Refusal) => void;
  /** Since when the port has been taken by somebody who cannot be seen. */
  #unseenSince: number | undefined;
  #httpLimitMs = HTTP_LIMIT_MS;
  #listingMs = 0;

  /** `onRefusal` is told what each unsuccessful look saw. */
  constructor(watch: PortWatch, sight: PortSight, onRefusal: (refusal: Refusal) => void) {
    this.#watch = watch;
    this.#sight = sight;
    this.#onRefusal = onRefusal;
  }

  /** What the last look took to find out which ports the tree has, in milliseconds. */
  get listingMs(): number {
    return this.#listingMs;
  }

  async look(signal: AbortSignal): Promise<PortHit | undefined> {
    const { port, process } = this.#watch;
    if (port !== undefined) return this.#lookAt(port, signal);
    const begun = performance.now();
    const listeners = (await process?.handle?.listeners()) ?? [];
    this.#listingMs = performance.now() - begun;
    // The first that is ready will do, whatever the others take to answer.
    return new Promise((resolve, reject) => {
      const looks = portsOf(listeners).map(async (own) => {
        const hit = await this.#lookAtOwn(own, signal, listeners);
        if (hit?.outcome === 'ready') resolve(hit);
      });
      Promise.all(looks).then(() => {
        resolve(undefined);
      }, reject);
    });
  }

  /** Whether the port is a stranger's, without an HTTP request: its answer may be long in coming. */
  async lookForStranger(signal: AbortSignal): Promise<PortHit | undefined> {
    const { port, process, allowForeign } = this.#watch;
    if (port === undefined || process === undefined || allowForeign) return undefined;
    const hit = await this.#judge(port, await this.#probes(port, signal, false));
    return hit?.outcome === 'foreign' ? hit : undefined;
  }

  async #lookAt(port: number, signal: AbortSignal): Promise<PortHit | undefined> {
    const { process, allowForeign, host } = this.#watch;
    if (process !== undefined && !allowForeign) return this.#lookAtOwn(port, signal);
    const probe = await this.#probe(port, host, signal);
    this.#tell([probe]);
    return probe.open ? ready(port, probe, await this.#owner(port, probe.host)) : undefined;
  }

  async #lookAtOwn(
    port: number,
    signal: AbortSignal,
    listeners?: readonly Listener[],
  ): Promise<PortHit | undefined> {
    const probes = await this.#probes(port, signal);
    this.#tell(probes.map(({ probe }) => probe));
    return this.#judge(port, probes, listeners);
  }

  /**
   * Each address by itself: on 127.0.0.1 and ::1 the same port may belong to two programs. One that is taken by
   * others is foreign only if none is the tree's own.
   */
  async #judge(
    port: number,
    probes: readonly Probed[],
    known?: readonly Listener[],
  ): Promise<PortHit | undefined> {
    const taken = probes.filter(({ probe }) => probe.open || probe.accepted);
    const [first] = taken;
    const listeners = first && (known ?? (await this.#watch.process?.handle?.listeners()));
    const own = taken.filter(({ host }) =>
      listeners?.some((listener) => listener.port === port && acceptsFor(listener, host)),
    );
    for (const { probe } of own) if (probe.open) return ready(port, probe);
    if (first !== undefined && own.length === 0) return this.#foreign(port, first.host);
    this.#unseenSince = undefined;
    return undefined;
  }

  /**
   * What took the connection may have been the tree's own: one that ended of it is no longer listed, and while it
   * ends it is listed nowhere. So the holder is asked for now, and one that cannot be seen has to stay.
   */
  async #foreign(port: number, host: string): Promise<PortHit | undefined> {
    const owner = await this.#owner(port, host);
    if (owner === undefined) {
      const now = performance.now();
      this.#unseenSince ??= now;
      return now - this.#unseenSince < UNSEEN_MS ? undefined : { outcome: 'foreign', port, host };
    }
    this.#unseenSince = undefined;
    // It may have come up again since its listeners were looked up.
    const isOwn = owner.id !== undefined && owner.id === this.#watch.process?.id;
    return isOwn ? undefined : { outcome: 'foreign', port, host, owner };
  }

  async #probes(port: number, signal: AbortSignal, asksHttp = true): Promise<Probed[]> {
    const { host } = this.#watch;
    const hosts = host === 'localhost' ? LOOPBACK : [host];
    return Promise.all(
      hosts.map(async (each) => {
        const probe = await this.#probe(port, each, signal, asksHttp);
        return { host: probe.host ?? each, probe };
      }),
    );
  }

  async #probe(port: number, host: string, signal: AbortSignal, asksHttp = true): Promise<ProbeResult> {
    const { http, host: name } = this.#watch;
    if (!asksHttp || http === undefined) return this.#sight.runner.probePort({ host, port }, signal);
    const limitMs = this.#httpLimitMs;
    const begun = performance.now();
    const result = await this.#sight.runner.probePort(
      { host, port, http: { ...http, name, limitMs } },
      signal,
    );
    const late = performance.now() - begun >= limitMs;
    if (late && this.#watch.port !== undefined) this.#httpLimitMs = limitMs * 2;
    return result;
  }

  /** Of several addresses the one that came furthest counts: that nobody listens on ::1 as well is no news. */
  #tell(results: readonly ProbeResult[]): void {
    const refusals = results.filter((result) => !result.open);
    if (refusals.length < results.length) return;
    const furthest = refusals.find(({ accepted }) => accepted) ?? refusals[0];
    if (furthest) this.#onRefusal(furthest);
  }

  async #owner(port: number, host: string): Promise<PortOwner | undefined> {
    const owner = await this.#sight.runner.portOwner(port, host);
    if (owner === undefined) return undefined;
    const id = await this.#sight.identify(owner.pid);
    return { ...owner, ...(id !== undefined && { id }) };
  }
}

interface Probed {
  /** The address that served, else the one that was asked. */
  host: string;
  probe: ProbeResult;
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
