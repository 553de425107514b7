// Enough for any test; the oldest goes first.
const MAX_STORED = 10_000;

export interface StoredResponse {
  readonly response: Record<string, unknown>;
  /** Input and output items: what a continuing response starts from. */
  readonly items: readonly unknown[];
}

/** Responses that the provider keeps (`store` is true unless the request says no). */
export class ResponseStore {
  readonly #byId = new Map<string, StoredResponse>();

  put(id: string, stored: StoredResponse): void {
    this.#byId.set(id, stored);
    if (this.#byId.size > MAX_STORED) this.#byId.delete(this.#byId.keys().next().value!);
  }

  get(id: string): StoredResponse | null {
    return this.#byId.get(id) ?? null;
  }

  delete(id: string): void {
    this.#byId.delete(id);
  }
}
