/** What a store that is away is still to be told. Past a bound the oldest is forgotten. */
export class Owed {
  readonly #most: { readonly count: number; readonly bytes: number };
  #owed: { readonly send: () => void; readonly bytes: number }[] = [];
  #bytes = 0;

  constructor(most: { readonly count: number; readonly bytes: number }) {
    this.#most = most;
  }

  add(bytes: number, send: () => void): void {
    this.#owed.push({ send, bytes });
    this.#bytes += bytes;
    while (this.#owed.length > this.#most.count || this.#bytes > this.#most.bytes)
      this.#bytes -= this.#owed.shift()!.bytes;
  }

  /** In the order in which it came to be owed. */
  pay(): void {
    const owed = this.#owed;
    this.#owed = [];
    this.#bytes = 0;
    for (const { send } of owed) send();
  }
}
