import type { ManagedProcess } from '../process/managed-process.ts';
import type { PortWaitRequest } from '../service.ts';
import type { PortWaitOutcome } from '../types.ts';
import type { PortHit, PortSight, PortWatch } from './port-look.ts';
import { portCondition } from './port-watcher.ts';
import type { Arm } from './wait.ts';

/** Any HTTP answer that is not an error of the client's or the server's counts as ready. */
const HTTP_READY: readonly [number, number] = [200, 399];

export type PortNews = Pick<
  PortWaitOutcome,
  'outcome' | 'port' | 'host' | 'httpStatus' | 'url' | 'owner' | 'lastProbe'
>;

/** The part of a wait that is about a port: the condition, and what there is to tell of it. */
export class PortWait {
  readonly arm: Arm<PortHit>;
  readonly #watch: PortWatch;
  #lastProbe: string | undefined;

  constructor(process: ManagedProcess | undefined, request: PortWaitRequest, sight: PortSight) {
    this.#watch = portWatchOf(process, request);
    this.arm = portCondition(this.#watch, {
      ...sight,
      onLook: (seen) => {
        this.#lastProbe = seen;
      },
    });
  }

  describe(hit: PortHit | { outcome: 'timeout' }): PortNews {
    const { port } = this.#watch;
    const url = hit.outcome === 'ready' ? urlOf(this.#watch, hit.host, hit.port) : undefined;
    const lastProbe = hit.outcome === 'timeout' ? this.#lastProbe : undefined;
    return {
      ...(port !== undefined && { port }),
      ...hit,
      ...(url !== undefined && { url }),
      ...(lastProbe !== undefined && { lastProbe }),
    };
  }
}

function portWatchOf(process: ManagedProcess | undefined, request: PortWaitRequest): PortWatch {
  const { port, mode, path, httpStatus } = request;
  const http = mode === 'http' || path !== undefined || httpStatus !== undefined;
  return {
    ...(process && { process }),
    ...(port !== undefined && { port }),
    // As in a URL, where an IPv6 address stands in brackets.
    host: (request.host ?? 'localhost').replace(/^\[(.*)\]$/, '$1'),
    ...(http && { http: { path: path ?? '/', status: httpStatus ?? HTTP_READY } }),
    allowForeign: request.allowForeign ?? false,
  };
}

/** An address people can open: the one that really answered. */
function urlOf(watch: PortWatch, host: string, port: number): string {
  const shown = host.includes(':') ? `[${host}]` : host;
  return `http://${shown}:${port}${watch.http?.path ?? '/'}`;
}
