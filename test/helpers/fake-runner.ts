import { ProcessError } from '../../src/core/errors.ts';
import type {
  LeaderEnd,
  Listener,
  OutputSink,
  ProcessHandle,
  Runner,
  SpawnSpec,
  Termination,
  TreeInspection,
} from '../../src/core/runner.ts';
import { reachesTree } from '../../src/core/signals.ts';
import type { ProcessBrief, StreamName, Supervision } from '../../src/core/types.ts';

/** A process that does what the test tells it to. */
export class FakeHandle implements ProcessHandle {
  readonly pid: number;
  readonly exited: Promise<LeaderEnd>;
  readonly empty: Promise<void>;
  readonly spec: SpawnSpec;
  /** What it has been sent on stdin. */
  input = '';
  inputEnded = false;
  /** Bytes of stdin it still takes. */
  room = Infinity;
  /** True: only SIGKILL ends it. */
  ignoresTerm = false;
  /** True: nothing ends it. */
  immortal = false;
  listening: number[] = [];
  /** Where it listens. */
  address = '127.0.0.1';
  descendants: ProcessBrief[] = [];
  atPrompt = false;
  readonly signals: string[] = [];
  readonly #sink: OutputSink;
  #settleExit!: (exit: LeaderEnd) => void;
  #settleEmpty!: () => void;
  #leaderAlive = true;

  constructor(pid: number, spec: SpawnSpec, sink: OutputSink) {
    this.pid = pid;
    this.spec = spec;
    this.#sink = sink;
    this.exited = new Promise((resolve) => (this.#settleExit = resolve));
    this.empty = new Promise((resolve) => (this.#settleEmpty = resolve));
  }

  print(text: string, stream: StreamName = 'stdout'): void {
    this.#sink(stream, Buffer.from(text));
  }

  /** Ends the leader; with no descendants the tree is empty, too. */
  exit(
    code: number | null,
    signal: string | null = null,
    known: Pick<LeaderEnd, 'beforeTermination'> = {},
  ): void {
    this.#leaderAlive = false;
    this.#settleExit({ code, signal, ...known });
    if (this.descendants.length === 0) this.#settleEmpty();
  }

  emptied(): void {
    this.descendants = [];
    this.#settleEmpty();
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.inputEnded) {
      return Promise.reject(
        new ProcessError('STDIN_CLOSED', 'stdin is closed.', { hint: 'Start it again.' }),
      );
    }
    const accepted = Math.min(bytes.length, this.room);
    this.input += Buffer.from(bytes.subarray(0, accepted)).toString();
    return Promise.resolve(accepted);
  }

  endInput(): void {
    this.inputEnded = true;
  }

  signal(name: string): boolean {
    const taken = this.#leaderAlive || (reachesTree(name) && this.descendants.length > 0);
    if (taken) this.signals.push(name);
    return taken;
  }

  async terminate(signal: string, graceMs: number): Promise<Termination> {
    this.signals.push(signal);
    const members = [...(this.#leaderAlive ? [this.pid] : []), ...this.descendants.map((d) => d.pid)];
    if (this.immortal) return { killed: [], survivors: members };
    let last = signal;
    if (this.ignoresTerm && signal !== 'SIGKILL') {
      await new Promise((resolve) => setTimeout(resolve, graceMs));
      last = 'SIGKILL';
      this.signals.push(last);
    }
    this.descendants = [];
    if (this.#leaderAlive) this.exit(null, last);
    this.emptied();
    return { killed: members, survivors: [] };
  }

  inspect(): Promise<TreeInspection> {
    const { descendants, listening, atPrompt } = this;
    return Promise.resolve({
      descendants,
      memoryBytes: 1000,
      cpuPercent: 0,
      ports: listening,
      awaitingInput: atPrompt,
    });
  }

  listeners(): Promise<Listener[]> {
    return Promise.resolve(this.listening.map((port) => ({ port, address: this.address })));
  }

  awaitingInput(): Promise<boolean> {
    return Promise.resolve(this.atPrompt);
  }
}

/** A machine in memory: checked against Runner by the type checker. */
export class FakeRunner implements Runner {
  readonly handles: FakeHandle[] = [];
  /** Ports that answer, on one address, with who holds them. */
  ownersAddress = '127.0.0.1';
  readonly owners = new Map<number, ProcessBrief>();
  failure: ProcessError | undefined;
  /** A start is under way until this settles. */
  gate: Promise<void> | undefined;
  #nextPid = 1000;

  supervision(): Supervision {
    return { mode: 'shim' };
  }

  resolveDirectory(path: string, base = '/work'): Promise<string> {
    return Promise.resolve(path.startsWith('/') ? path : path === '.' ? base : `${base}/${path}`);
  }

  async spawn(spec: SpawnSpec, onOutput: OutputSink): Promise<ProcessHandle> {
    if (this.gate) await this.gate;
    if (this.failure) throw this.failure;
    const handle = new FakeHandle(this.#nextPid++, spec, onOutput);
    this.handles.push(handle);
    return handle;
  }

  get last(): FakeHandle {
    const handle = this.handles.at(-1);
    if (!handle) throw new Error('nothing was started');
    return handle;
  }

  /** Tests put others in its place. */
  probePort: Runner['probePort'] = (target) => {
    const { port } = target;
    const host = target.host === 'localhost' ? '127.0.0.1' : target.host;
    const taken = this.owners.has(port) && host === this.ownersAddress;
    const open = taken || this.handles.some((h) => h.listening.includes(port) && h.address === host);
    return Promise.resolve(open ? { open, host } : { open, reason: 'connection refused', accepted: false });
  };

  portOwner(port: number): Promise<ProcessBrief | undefined> {
    return Promise.resolve(this.owners.get(port));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
