/** Bytes that one stream may hold: at 250 to 330 bytes an event, more than 12,000 tokens. */
const MOST_OF_ONE = 4 * 1024 * 1024;
/** Bytes that all streams of the process may hold. */
const MOST_OF_ALL = 64 * 1024 * 1024;
/** What a buffer costs beside its bytes. */
const BUFFER_BYTES = 256;

/** The room that all kept streams share. */
export class KeptRoom {
  #used = 0;
  readonly #most: number;

  constructor(most = MOST_OF_ALL) {
    this.#most = most;
  }
  get usedBytes(): number {
    return this.#used;
  }
  take(bytes: number): boolean {
    if (this.#used + bytes > this.#most) return false;
    this.#used += bytes;
    return true;
  }
  give(bytes: number): void {
    this.#used -= bytes;
  }
}

/**
 * What a provider sent of one answer, by reference: nothing is copied while the stream runs. A stream that outgrows its
 * room lets go of all of it, since a part cannot be counted.
 */
export class KeptBytes {
  readonly #room: KeptRoom;
  #chunks: Buffer[] | null = [];
  #taken = 0;

  constructor(room: KeptRoom) {
    this.#room = room;
  }

  add(chunk: Buffer): void {
    if (this.#chunks === null) return;
    const bytes = chunk.length + BUFFER_BYTES;
    if (this.#taken + bytes > MOST_OF_ONE || !this.#room.take(bytes)) return this.release();
    this.#taken += bytes;
    this.#chunks.push(chunk);
  }

  /** The chunks in order, to be released when they are counted; null: there was no room for all. */
  get chunks(): readonly Buffer[] | null {
    return this.#chunks;
  }

  release(): void {
    this.#chunks = null;
    this.#room.give(this.#taken);
    this.#taken = 0;
  }
}
