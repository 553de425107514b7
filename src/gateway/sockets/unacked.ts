interface Mark {
  /** Last event under this mark. */
  seq: number;
  bytes: number;
  readonly at: number;
}

/** Events within so long, in milliseconds, or so many bytes share a mark: what is kept is bounded, whatever is sent. */
const MARK_MS = 100;
const MARK_BYTES = 4_096;

/** What a client has not acknowledged, once it has begun to: before that nothing is kept against it. */
export class Unacked {
  #marks: Mark[] | null = null;
  #bytes = 0;

  /** Has the client begun? */
  get counts(): boolean {
    return this.#marks !== null;
  }

  sent(seq: number, bytes: number, now: number): void {
    if (this.#marks === null) return;
    this.#bytes += bytes;
    const last = this.#marks.at(-1);
    if (last === undefined || now - last.at > MARK_MS || last.bytes > MARK_BYTES)
      return void this.#marks.push({ seq, bytes, at: now });
    last.seq = seq;
    last.bytes += bytes;
  }

  acked(seq: number): void {
    this.#marks ??= [];
    while (this.#marks.length > 0 && this.#marks[0]!.seq <= seq) this.#bytes -= this.#marks.shift()!.bytes;
  }

  exceeds(bytes: number, before: number): boolean {
    if (this.#marks === null) return false;
    const oldest = this.#marks[0];
    return this.#bytes > bytes || (oldest !== undefined && oldest.at < before);
  }
}
