interface Mark {
  readonly count: number;
  readonly atMs: number;
}

/** Marks a quarter of a second apart are fine enough for an alarm on lag. */
const MARK_EVERY_MS = 250;
/** Two minutes of marks at the finest; then every second one goes, so that an hour costs no more memory. */
const MAX_MARKS = 512;

/** How old the oldest of a growing count of things is that are not done, without a time for each of them. */
export class LagMeter {
  #marks: Mark[] = [];

  /** `count` things have been made by now. */
  mark(count: number, nowMs: number): void {
    const last = this.#marks.at(-1);
    if (last && (last.count === count || nowMs - last.atMs < MARK_EVERY_MS)) return;
    this.#marks.push({ count, atMs: nowMs });
    if (this.#marks.length > MAX_MARKS) this.#marks = this.#marks.filter((_, index) => index % 2 === 0);
  }

  /** Age of the oldest of `made` things of which the first `done` are done; null: none is left. */
  oldestMs(made: number, done: number, nowMs: number): number | null {
    let from = 0;
    while (from < this.#marks.length && this.#marks[from]!.count <= done) from += 1;
    // The last mark that is done stays: what is oldest now was made after it.
    if (from > 1) this.#marks = this.#marks.slice(from - 1);
    if (made <= done) return null;
    const first = this.#marks.find((mark) => mark.count > done);
    return first ? Math.max(0, nowMs - first.atMs) : 0;
  }
}
