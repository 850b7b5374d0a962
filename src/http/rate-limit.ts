export interface RateLimitOptions {
  /** Requests a second that may go on for ever. */
  perSecond: number;
  /** Requests at once after a time of rest. */
  burst: number;
  /** The current time in milliseconds, monotonic. */
  now?: () => number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/** Addresses remembered at the same time; beyond it the one unseen for longest is forgotten. */
const MAX_ADDRESSES = 4096;

/** A token bucket for each address. */
export class RateLimit {
  readonly #options: Required<RateLimitOptions>;
  /** In order of last use. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: RateLimitOptions) {
    this.#options = { now: () => performance.now(), ...options };
  }

  /** Takes one token. Returns 0 when there was one, else the milliseconds until there will be. */
  take(address: string): number {
    const { perSecond, burst, now } = this.#options;
    const at = now();
    const bucket = this.#buckets.get(address) ?? { tokens: burst, at };
    const tokens = Math.min(burst, bucket.tokens + ((at - bucket.at) / 1000) * perSecond);
    this.#buckets.delete(address);
    this.#buckets.set(address, { tokens: tokens >= 1 ? tokens - 1 : tokens, at });
    if (this.#buckets.size > MAX_ADDRESSES) {
      const [oldest] = this.#buckets.keys();
      if (oldest !== undefined) this.#buckets.delete(oldest);
    }
    return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) / perSecond) * 1000);
  }
}
