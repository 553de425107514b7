import { HeadgateError } from '#kernel/errors.ts';
import type { MaybePromise } from '#ports/shared-state.ts';

/** A credential with the moment at which it ends; null: it never does. */
export interface Expiring {
  readonly expiresMs: number | null;
}

export interface SourceParts<T extends Expiring> {
  /** For messages. */
  readonly chain: string;
  /** Asks the platform. Its failure may be told to the operator, never to a caller. */
  readonly fetch: () => Promise<T>;
  readonly now: () => number;
  /** From 0 to below 1: nodes that started together do not ask together. */
  readonly random: () => number;
}

export interface SourceState {
  readonly expiresMs: number | null;
  readonly refreshedMs: number | null;
  /** Of the last refresh, in the platform's words without secrets; null: it went well. */
  readonly lastError: string | null;
}

/** Refreshed when so much of its life is left, and no later than five minutes before its end. */
const REFRESH_AT_SHARE = 0.2;
const LATEST_REFRESH_MS = 5 * 60_000;
/** Shortest pause between two tries while the old credential is still good. */
const RETRY_MS = 5_000;
/** A failure is told to callers for so long without asking again: a metadata service that is down is not stormed. */
const FAILURE_LASTS_MS = 1_000;
/** Clocks differ, and a request may wait: the last seconds of a credential are not used. */
const MARGIN_MS = 10_000;
const TIMEOUT_MS = 20_000;

/**
 * Keeps one credential fresh. While it is good, `current` gives it at once; close to its end it is refreshed in the
 * background, once for all callers; without a good one, callers wait for that one refresh. A source that nobody asks
 * sleeps: its next caller wakes it.
 */
export class CredentialSource<T extends Expiring> {
  readonly #parts: SourceParts<T>;
  #credential: T | null = null;
  #refreshAtMs = 0;
  #refreshedMs: number | null = null;
  #pending: Promise<T> | null = null;
  #failed: { readonly error: HeadgateError; readonly atMs: number; readonly text: string } | null = null;
  #timer: NodeJS.Timeout | null = null;
  #asked = false;

  constructor(parts: SourceParts<T>) {
    this.#parts = parts;
  }

  get state(): SourceState {
    return {
      expiresMs: this.#credential?.expiresMs ?? null,
      refreshedMs: this.#refreshedMs,
      lastError: this.#failed?.text ?? null,
    };
  }

  /** At once where one is good, else a promise that rejects with `provider_credential`. */
  current(): MaybePromise<T> {
    this.#asked = true;
    const now = this.#parts.now();
    const credential = this.#credential;
    if (credential && isGood(credential, now)) {
      if (now >= this.#refreshAtMs && !this.#pending) this.#refreshQuietly();
      return credential;
    }
    if (this.#failed && now - this.#failed.atMs < FAILURE_LASTS_MS) return Promise.reject(this.#failed.error);
    return this.#refresh();
  }

  /** The platform said that it is expired or revoked: the next caller waits for another. */
  refused(credential: T): void {
    if (this.#credential === credential) this.#credential = null;
  }

  /** Single flight. */
  #refresh(): Promise<T> {
    this.#pending ??= this.#ask().finally(() => (this.#pending = null));
    return this.#pending;
  }

  #refreshQuietly(): void {
    // The old one is still good; what went wrong stands in `state`, and the next try comes by itself.
    this.#refresh().catch(() => undefined);
  }

  async #ask(): Promise<T> {
    const { fetch, now } = this.#parts;
    try {
      const credential = await withinTime(fetch(), TIMEOUT_MS);
      if (!isGood(credential, now())) throw new Error('the platform gave a credential that is expired already');
      this.#credential = credential;
      this.#refreshedMs = now();
      this.#failed = null;
      this.#plan(this.#life(credential));
      return credential;
    } catch (thrown) {
      this.#failed = { error: this.#failure(thrown), atMs: now(), text: textOf(thrown) };
      this.#plan(RETRY_MS);
      throw this.#failed.error;
    }
  }

  /** How long until the refresh, jittered by a tenth; null: never. */
  #life({ expiresMs }: T): number | null {
    if (expiresMs === null) return null;
    const life = expiresMs - this.#parts.now();
    const left = Math.min(Math.max(life * REFRESH_AT_SHARE, MARGIN_MS), LATEST_REFRESH_MS);
    return Math.max(0, life - left * (1 + this.#parts.random() / 10));
  }

  #plan(waitMs: number | null): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#refreshAtMs = waitMs === null ? Infinity : this.#parts.now() + waitMs;
    this.#asked = false;
    if (waitMs === null) return;
    this.#timer = setTimeout(() => this.#asked && this.#refreshQuietly(), Math.min(waitMs, LONGEST_TIMER_MS));
    this.#timer.unref();
  }

  #failure(cause: unknown): HeadgateError {
    const message = `The ${this.#parts.chain} gave no credential.`;
    return new HeadgateError('provider_credential', { message }, cause);
  }
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

const isGood = ({ expiresMs }: Expiring, now: number): boolean => expiresMs === null || expiresMs - MARGIN_MS > now;

/** First line, bounded: libraries name what they tried, and some add pages of advice. */
const textOf = (thrown: unknown): string =>
  (thrown instanceof Error ? thrown.message : String(thrown)).split('\n', 1)[0]!.slice(0, 300);

async function withinTime<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms / 1000} s`)), ms);
    timer.unref();
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
