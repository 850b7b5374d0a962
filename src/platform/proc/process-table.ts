import { TREE_MARKER } from '../launch/child-env.ts';
import { listeningSockets, type ListeningSocket } from './listening-socket.ts';
import { environmentValue, readProcesses, type ProcStat } from './proc-fs.ts';

/** Tells the listening sockets far quicker than /proc; undefined when it cannot. */
type SocketSource = () => Promise<readonly ListeningSocket[] | undefined>;

/**
 * One picture of the machine's processes and sockets for all that look in the same turn of the event loop: a listing
 * of many trees costs one scan of /proc, not one each.
 */
export class ProcessTable {
  #processes: ReadonlyMap<number, ProcStat> | undefined;
  #listening: Promise<readonly ListeningSocket[]> | undefined;
  readonly #sources = new Set<SocketSource>();
  #markers = new Map<number, { startTicks: number; marker: string | undefined }>();

  /** Every process alive, by pid. */
  processes(): ReadonlyMap<number, ProcStat> {
    if (this.#processes === undefined) {
      this.#forgetNextTurn();
      this.#processes = readProcesses();
      this.#forgetMarkers(this.#processes);
    }
    return this.#processes;
  }

  /** Every listening TCP socket of this network namespace. */
  listening(): Promise<readonly ListeningSocket[]> {
    if (this.#listening === undefined) {
      this.#forgetNextTurn();
      this.#listening = this.#askForListening();
    }
    return this.#listening;
  }

  /** Has sockets asked for there, for as long as `gone` is pending. */
  addSource(source: SocketSource, gone: Promise<unknown>): void {
    this.#sources.add(source);
    void gone.then(() => this.#sources.delete(source));
  }

  /** All sources see the same sockets: any of them will do. */
  async #askForListening(): Promise<readonly ListeningSocket[]> {
    const [source] = this.#sources;
    return (await source?.()) ?? listeningSockets();
  }

  /** The tree marker a process was started with; read once a process, since environments are the costly part. */
  marker({ pid, startTicks }: ProcStat): string | undefined {
    const known = this.#markers.get(pid);
    if (known?.startTicks === startTicks) return known.marker;
    const marker = environmentValue(pid, TREE_MARKER);
    this.#markers.set(pid, { startTicks, marker });
    return marker;
  }

  #forgetNextTurn(): void {
    setImmediate(() => {
      this.#processes = undefined;
      this.#listening = undefined;
    });
  }

  #forgetMarkers(alive: ReadonlyMap<number, ProcStat>): void {
    for (const [pid, { startTicks }] of this.#markers) {
      if (alive.get(pid)?.startTicks !== startTicks) this.#markers.delete(pid);
    }
  }
}
