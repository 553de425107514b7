/** What may stand in a ring: one at a time. */
export interface RingNode {
  ringPrevious: RingNode | null;
  ringNext: RingNode | null;
}

/**
 * What is under way, in the order in which it began; adding and dropping change two links. Not a Set: one to which each
 * call adds and from which it deletes leaves outgrown tables behind, each of which holds its last members alive until
 * a full collection (measured: 4.3 MB of 23 survived each young one, and 0.7 with links).
 */
export class Ring<T extends RingNode> implements Iterable<T> {
  readonly #head: RingNode = { ringPrevious: null, ringNext: null };

  constructor() {
    this.#head.ringPrevious = this.#head.ringNext = this.#head;
  }

  get isEmpty(): boolean {
    return this.#head.ringNext === this.#head;
  }

  add(node: T): void {
    const last = this.#head.ringPrevious!;
    node.ringPrevious = last;
    node.ringNext = this.#head;
    last.ringNext = this.#head.ringPrevious = node;
  }

  /** False: it was in no ring. */
  drop(node: T): boolean {
    const { ringPrevious: before, ringNext: after } = node;
    if (before === null || after === null) return false;
    before.ringNext = after;
    after.ringPrevious = before;
    node.ringPrevious = node.ringNext = null;
    return true;
  }

  /** The one that it gave last may be dropped meanwhile. */
  *[Symbol.iterator](): Iterator<T> {
    for (let node = this.#head.ringNext!; node !== this.#head;) {
      const next = node.ringNext!;
      yield node as T;
      node = next;
    }
  }
}
