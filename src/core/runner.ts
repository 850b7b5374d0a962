import type { LeaderExit, Launch, ProcessBrief, StreamName, Supervision, TerminalSize } from './types.ts';

/** What a runner is asked to start; see ProcessSpec for the meaning of each part. */
export interface SpawnSpec {
  launch: Launch;
  cwd: string;
  env: Readonly<Record<string, string | null>>;
  stdin: 'open' | 'closed';
  terminal?: TerminalSize;
}

/** Receives output as it arrives. The chunk is only valid during the call: keep a copy, not a reference. */
export type OutputSink = (stream: StreamName, chunk: Uint8Array) => void;

/** A TCP socket that accepts connections. */
export interface Listener {
  port: number;
  /** Numeric address it is bound to; `0.0.0.0` and `::` stand for every address, `::` for those of IPv4, too. */
  address: string;
  /** True for one that takes no connections over IPv4, where that is known; matters for `::` alone. */
  ipv6Only?: boolean;
}

export interface PortTarget {
  host: string;
  port: number;
  /** Present for an HTTP probe. */
  http?: {
    path: string;
    status: readonly [number, number];
    /** For the Host header; default `host`. */
    name?: string;
    /** How long the answer may take, in milliseconds. */
    limitMs: number;
  };
}

/** What one look at a port saw. `open` means the TCP or HTTP condition holds; `host` is the address that served. */
export type ProbeResult =
  | { open: true; host: string; httpStatus?: number }
  | {
      open: false;
      reason: string;
      /** Something accepted the connection but failed the HTTP condition. */
      accepted: boolean;
      /** The address that accepted it. */
      host?: string;
    };

export interface Termination {
  /** Pids of the tree that were alive when termination began, or appeared during it, and are gone. */
  killed: number[];
  /** Pids known to be alive still; empty is a proof only as strong as the runner's supervision. */
  survivors: number[];
}

/** How the leader ended, as its runner saw it. */
export interface LeaderEnd extends LeaderExit {
  /** A termination has been asked for, but the leader had ended before that began. Absent where this is not known. */
  beforeTermination?: true;
}

/** Facts about a tree that are only looked up when asked for. */
export interface TreeInspection {
  /** Members other than the leader, oldest first. */
  descendants: ProcessBrief[];
  memoryBytes: number;
  cpuPercent: number;
  /** Listening TCP ports of the tree, ascending. */
  ports: number[];
  /** True when a member is blocked reading its standard input or its terminal. */
  awaitingInput: boolean;
}

/** One started process and its tree. */
export interface ProcessHandle {
  readonly pid: number;
  /** Settles once the leader has ended and every byte it wrote has reached the sink. Never rejects. */
  readonly exited: Promise<LeaderEnd>;
  /** Settles once nothing of the tree is alive. Never rejects. */
  readonly empty: Promise<void>;
  /**
   * Writes to standard input. Resolves with the bytes the kernel accepted: fewer than given when the signal aborts
   * while the pipe is full. Rejects with a ProcessError STDIN_CLOSED when nobody can read it any more.
   */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<number>;
  /** Closes standard input. Idempotent. */
  endInput(): void;
  /**
   * Delivers a signal to the leader; SIGSTOP and SIGCONT to the whole tree, also when its leader has ended. False when
   * nobody is left to take it.
   */
  signal(name: string): boolean;
  /**
   * Ends the whole tree: the signal to every member, SIGKILL after the grace, until nothing is left. A second call
   * while one is under way shortens the grace to its own and shares the result.
   */
  terminate(signal: string, graceMs: number): Promise<Termination>;
  inspect(): Promise<TreeInspection>;
  /** Where the tree listens, by ascending port: cheaper than inspect. */
  listeners(): Promise<Listener[]>;
  /** True when a member of the tree is blocked reading its standard input or terminal: cheaper than inspect. */
  awaitingInput(): Promise<boolean>;
  resize?(size: TerminalSize): void;
}

/** What the core needs of a machine. Spawn, probe and listeners share it, since "localhost" is the runner's host. */
export interface Runner {
  supervision(): Supervision;
  /**
   * The absolute form of a directory, symlinks resolved, relative to `base` (default: the server's own). Rejects with
   * SPAWN_FAILED or PERMISSION_DENIED when it is missing, no directory, or out of reach.
   */
  resolveDirectory(path: string, base?: string): Promise<string>;
  /** Rejects with a ProcessError SPAWN_FAILED or PERMISSION_DENIED that carries the errno's meaning. */
  spawn(spec: SpawnSpec, onOutput: OutputSink): Promise<ProcessHandle>;
  probePort(target: PortTarget, signal: AbortSignal): Promise<ProbeResult>;
  /** Who takes connections to this numeric address and port, if that can be seen from here. */
  portOwner(port: number, host: string): Promise<ProcessBrief | undefined>;
  /** Ends what is kept for starts to come, and keeps nothing from now on; starts still work. Never rejects. */
  close(): Promise<void>;
}
