/** Limits of an account at the simulated provider: token buckets that fill steadily, as the real APIs' do. */
export interface AccountLimits {
  readonly requestsPerMinute: number;
  /** Input and output together. */
  readonly tokensPerMinute: number;
}

/** What is left of one limit. */
export interface Left {
  readonly limit: number;
  readonly remaining: number;
  /** Until it is full again. */
  readonly resetMs: number;
}

export interface AccountState {
  readonly requests: Left;
  readonly tokens: Left;
}

const MINUTE_MS = 60_000;

class Bucket {
  readonly limit: number;
  #level: number;
  #at: number;

  constructor(limit: number, nowMs: number) {
    this.limit = limit;
    this.#level = limit;
    this.#at = nowMs;
  }

  /** Milliseconds until so much is there; 0: now. */
  waitFor(amount: number, nowMs: number): number {
    this.#fill(nowMs);
    return Math.max(0, ((Math.min(amount, this.limit) - this.#level) / this.limit) * MINUTE_MS);
  }
  take(amount: number): void {
    this.#level -= amount;
  }
  left(nowMs: number): Left {
    this.#fill(nowMs);
    const remaining = Math.max(0, Math.floor(this.#level));
    return { limit: this.limit, remaining, resetMs: Math.ceil(((this.limit - this.#level) / this.limit) * MINUTE_MS) };
  }
  #fill(nowMs: number): void {
    this.#level = Math.min(this.limit, this.#level + ((nowMs - this.#at) / MINUTE_MS) * this.limit);
    this.#at = nowMs;
  }
}

export class Account {
  readonly #requests: Bucket;
  readonly #tokens: Bucket;

  constructor({ requestsPerMinute, tokensPerMinute }: AccountLimits, nowMs: number) {
    this.#requests = new Bucket(requestsPerMinute, nowMs);
    this.#tokens = new Bucket(tokensPerMinute, nowMs);
  }

  /** Takes a request and its tokens, both or neither. Returns 0, or the milliseconds after which it would fit. */
  take(tokens: number, nowMs: number): number {
    const waitMs = Math.max(this.#requests.waitFor(1, nowMs), this.#tokens.waitFor(tokens, nowMs));
    if (waitMs > 0) return waitMs;
    this.#requests.take(1);
    this.#tokens.take(tokens);
    return 0;
  }

  state(nowMs: number): AccountState {
    return { requests: this.#requests.left(nowMs), tokens: this.#tokens.left(nowMs) };
  }
}
