/** What one tenant waits with, and what it was given. */
interface Client<T> {
  readonly name: string;
  weight: number;
  /** Service so far, in tokens divided by the weight. */
  counter: number;
  /** Oldest first. A place is null once its work was taken back. */
  readonly waiting: (Place<T> | null)[];
  /** Of `waiting`: places before it are served. */
  head: number;
  /** Of `waiting`: work that is still wanted. */
  size: number;
  /** In the heap; -1: nothing of it waits. */
  at: number;
}

/** Work in the queue; by it the work can be taken back. */
export interface Place<T> {
  readonly client: string;
  readonly work: T;
}

interface Entry<T> extends Place<T> {
  readonly of: Client<T>;
  readonly index: number;
}

/** Served places at the head of a client's list that may stay before the list is cut. */
const MOST_SERVED = 64;

/**
 * Whose turn is it? Virtual Token Counter of “Fairness in Serving Large Language Models” (OSDI 2024): the tenant that
 * waits and has been given least, by weight, is next. Whoever joins those that wait begins at the level of the least of
 * them: time away is no credit. Once nobody waits, what was given is forgotten: what a tenant took while the others left
 * it idle is no debt. An operation is O(log tenants that wait).
 */
export class FairQueue<T> {
  readonly #clients = new Map<string, Client<T>>();
  /** Those that wait, as a binary heap by counter. */
  readonly #heap: Client<T>[] = [];
  #size = 0;

  /** Work that waits. */
  get size(): number {
    return this.#size;
  }
  /** Tenants that are remembered: those that have waited since somebody began to wait. */
  get clients(): number {
    return this.#clients.size;
  }

  /** @param weight Share against the others, above zero. It holds from now on for all that the client is given. */
  push(name: string, weight: number, work: T): Place<T> {
    const client = this.#client(name);
    if (client.weight !== weight) client.weight = weight;
    const place: Entry<T> = { client: name, work, of: client, index: client.waiting.length };
    client.waiting.push(place);
    client.size++;
    this.#size++;
    if (client.at < 0) {
      client.counter = Math.max(client.counter, this.#heap[0]?.counter ?? client.counter);
      this.#insert(client);
    }
    return place;
  }

  /** The work whose turn it is; it stays. Null: none waits. */
  peek(): T | null {
    return this.#next()?.work ?? null;
  }

  /** Takes the work whose turn it is. Whoever takes it {@link charge}s its client with what it costs. */
  pop(): Place<T> | null {
    const place = this.#next();
    if (place) this.#leave(place);
    return place;
  }

  /** Takes work back that waits. False: it does not. */
  drop(place: Place<T>): boolean {
    const entry = place as Entry<T>;
    if (entry.of.waiting[entry.index] !== entry) return false;
    this.#leave(entry);
    return true;
  }

  /**
   * A tenant was given so many tokens, or gives back what was charged and not used (negative). While nobody waits it
   * is nobody's loss, and is not counted.
   */
  charge(name: string, weight: number, tokens: number): void {
    if (this.#size === 0) return;
    const client = this.#client(name);
    client.weight = weight;
    client.counter += tokens / weight;
    if (client.at >= 0) this.#moved(client);
  }

  #client(name: string): Client<T> {
    let client = this.#clients.get(name);
    if (!client) {
      client = { name, weight: 1, counter: this.#heap[0]?.counter ?? 0, waiting: [], head: 0, size: 0, at: -1 };
      this.#clients.set(name, client);
    }
    return client;
  }

  #next(): Entry<T> | null {
    const client = this.#heap[0];
    if (!client) return null;
    while (client.waiting[client.head] === null) client.head++;
    return client.waiting[client.head] as Entry<T>;
  }

  #leave({ of: client, index }: Entry<T>): void {
    client.waiting[index] = null;
    client.size--;
    this.#size--;
    if (client.size > 0) return this.#shorten(client);
    client.waiting.length = 0;
    client.head = 0;
    this.#remove(client);
    if (this.#size === 0) this.#clients.clear();
  }

  /** Places keep their index, so the list is cut only when nothing waits in it, or made anew with its rest. */
  #shorten(client: Client<T>): void {
    while (client.waiting[client.head] === null) client.head++;
    if (client.head < MOST_SERVED || client.head * 2 < client.waiting.length) return;
    const rest = client.waiting.slice(client.head);
    client.waiting.length = 0;
    client.head = 0;
    for (const place of rest) {
      if (place === null) continue;
      (place as { -readonly [K in keyof Entry<T>]: Entry<T>[K] }).index = client.waiting.length;
      client.waiting.push(place);
    }
  }

  #insert(client: Client<T>): void {
    client.at = this.#heap.length;
    this.#heap.push(client);
    this.#up(client);
  }

  #remove(client: Client<T>): void {
    const last = this.#heap.pop()!;
    const { at } = client;
    client.at = -1;
    if (last === client) return;
    this.#set(last, at);
    this.#moved(last);
  }

  #moved(client: Client<T>): void {
    this.#up(client);
    this.#down(client);
  }

  #up(client: Client<T>): void {
    while (client.at > 0) {
      const above = this.#heap[(client.at - 1) >> 1]!;
      if (above.counter <= client.counter) return;
      const { at } = above;
      this.#set(above, client.at);
      this.#set(client, at);
    }
  }

  #down(client: Client<T>): void {
    for (;;) {
      const left = client.at * 2 + 1;
      const [a, b] = [this.#heap[left], this.#heap[left + 1]];
      if (!a) return;
      const least = b && b.counter < a.counter ? b : a;
      if (least.counter >= client.counter) return;
      const { at } = least;
      this.#set(least, client.at);
      this.#set(client, at);
    }
  }

  #set(client: Client<T>, at: number): void {
    client.at = at;
    this.#heap[at] = client;
  }
}
