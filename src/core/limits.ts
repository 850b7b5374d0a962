/** Bounds and defaults of the core. Sizes in bytes, durations in milliseconds. Set once, from configuration. */
export interface Limits {
  /** Retained output of one process. */
  ringBytes: number;
  /** Retained output of all processes together. */
  totalRingBytes: number;
  /** Processes whose tree may be alive at the same time. */
  maxLive: number;
  /** Ended records kept with their output; the oldest goes first. */
  keepEnded: number;
  /** Longest any wait may take: many clients cut a call off at 60 s. */
  waitCapMs: number;
  /** Default time between a polite signal and SIGKILL. */
  graceMs: number;
  /** Working directories must lie inside one of these; empty means anywhere. Absolute, symlinks resolved. */
  roots: readonly string[];
}

export const DEFAULT_LIMITS: Limits = {
  ringBytes: 4 * 1024 * 1024,
  totalRingBytes: 256 * 1024 * 1024,
  maxLive: 64,
  keepEnded: 50,
  waitCapMs: 50_000,
  graceMs: 5000,
  roots: [],
};

/** Time a wait takes where the caller names none. */
export const DEFAULT_WAIT_MS = 25_000;
/**
 * Longest wait of a caller that holds no connection open for it: a day, which is also the most that the configured cap
 * may be set to. What takes longer is a schedule and no wait.
 */
export const PATIENT_WAIT_MS = 24 * 60 * 60_000;
/** Output bytes in an answer where the caller names no budget. */
export const DEFAULT_PAGE_BYTES = 16_000;
/** `run_background` watches this long for a process that dies at once (a typo, a missing module). */
export const EARLY_EXIT_MS = 100;
