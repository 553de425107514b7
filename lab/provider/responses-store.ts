import type { Frame } from './answer.ts';

// Enough for any test; the oldest goes first.
const MAX_STORED = 10_000;

export interface StoredResponse {
  readonly response: Record<string, unknown>;
  /** Input and output items: what a continuing response starts from. */
  readonly items: readonly unknown[];
  /** Items of the request alone. */
  readonly input: readonly unknown[];
  /** Every event of the stream of it, so that a stream can be taken up again. */
  readonly frames: readonly Frame[];
}

/** A background response before it is done. */
interface Unfinished {
  readonly response: Record<string, unknown>;
  readonly doneAtMs: number;
}

/** Responses that the provider keeps (`store` is true unless the request says no). */
export class ResponseStore {
  readonly #byId = new Map<string, StoredResponse>();
  readonly #unfinished = new Map<string, Unfinished>();

  put(id: string, stored: StoredResponse): void {
    this.#byId.set(id, stored);
    if (this.#byId.size > MAX_STORED) this.#byId.delete(this.#byId.keys().next().value!);
  }

  /** Until then the response reads as the queued one. */
  later(id: string, queued: Record<string, unknown>, doneAtMs: number): void {
    this.#unfinished.set(id, { response: queued, doneAtMs });
  }

  get(id: string): StoredResponse | null {
    const stored = this.#byId.get(id) ?? null;
    const unfinished = this.#unfinished.get(id);
    if (!stored || !unfinished) return stored;
    if (Date.now() < unfinished.doneAtMs) return { ...stored, response: unfinished.response };
    this.#unfinished.delete(id);
    return stored;
  }

  /** A background response that is not done ends now, with what it has: nothing. Null: it is done, or was never one. */
  cancel(id: string): StoredResponse | null {
    const stored = this.get(id);
    if (!stored || !this.#unfinished.delete(id)) return null;
    const cancelled = { ...stored, response: { ...stored.response, status: 'cancelled', output: [], usage: null } };
    this.#byId.set(id, cancelled);
    return cancelled;
  }

  delete(id: string): void {
    this.#byId.delete(id);
    this.#unfinished.delete(id);
  }
}
