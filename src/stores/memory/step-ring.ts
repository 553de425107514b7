import type { EpochMs } from '#kernel/brand.ts';
import { invariant } from '#kernel/invariant.ts';
import type { SlidingWindow } from '#ports/shared-state.ts';

/** Most counters are idle, or have few steps: the array grows to the most that are live. */
const FIRST_STEPS = 2;

/**
 * Steps of time that still count for the lines of one window, oldest first, in one array: start, then used and reserved
 * of each line. `sums` are those of the whole set: used and reserved of each line, over all that is live.
 */
export class StepRing {
  readonly window: SlidingWindow;
  /** Places of its lines in the set, and which amount each counts. */
  readonly #lines: readonly number[];
  readonly #measures: readonly number[];
  readonly #stride: number;
  #cells: Float64Array;
  #first = 0;
  #length = 0;
  /**
   * What the ring's own time is ahead of the clock. Its time never goes back: a clock that does would else keep what is
   * counted for as long as it has jumped, and a minute's limit would be shut for an hour.
   */
  #aheadMs = 0;
  /** The ring's own time. It never comes to a step twice, where a call that is over would end in another's. */
  #latest = -Infinity;

  constructor(window: SlidingWindow, lines: readonly number[], measures: readonly number[]) {
    this.window = window;
    this.#lines = lines;
    this.#measures = measures;
    this.#stride = 1 + lines.length * 2;
    this.#cells = new Float64Array(FIRST_STEPS * this.#stride);
  }

  /** Takes what has left the window out of the sums. */
  advance(now: EpochMs, sums: Float64Array): void {
    this.#latest = Math.max(this.#latest, now + this.#aheadMs);
    this.#aheadMs = this.#latest - now;
    while (this.#length > 0 && this.#expiryOf(0) <= now + this.#aheadMs) this.#drop(sums);
  }

  #drop(sums: Float64Array): void {
    const row = this.#row(0);
    for (let k = 0; k < this.#lines.length; k++) {
      const sum = this.#lines[k]! * 2;
      sums[sum]! -= this.#cells[row + 1 + k * 2]!;
      sums[sum + 1]! -= this.#cells[row + 2 + k * 2]!;
    }
    this.#first = (this.#first + 1) % (this.#cells.length / this.#stride);
    this.#length--;
  }

  /** Reserves in the present step; returns its start. {@link advance} comes first. */
  take(amounts: readonly number[], now: EpochMs, sums: Float64Array): number {
    const step = this.#present(now);
    const row = this.#row(this.#length - 1);
    for (let k = 0; k < this.#lines.length; k++) {
      const amount = amounts[this.#measures[k]!]!;
      this.#cells[row + 2 + k * 2]! += amount;
      sums[this.#lines[k]! * 2 + 1]! += amount;
    }
    return step;
  }

  /** Puts what was used in the place of what was reserved, where the step still counts. */
  end(step: number, amounts: readonly number[], actual: readonly number[], sums: Float64Array): void {
    const row = this.#find(step);
    if (row < 0) return;
    for (let k = 0; k < this.#lines.length; k++) {
      const measure = this.#measures[k]!;
      this.#count(row, k, { used: actual[measure]!, reserved: -amounts[measure]! }, sums);
    }
  }

  /** Does what was used at an instant still count? */
  covers(at: EpochMs, now: EpochMs): boolean {
    const { stepMs, spanMs } = this.window;
    return Math.floor(at / stepMs) * stepMs + stepMs + spanMs > now;
  }

  /** Adds use of a time that is past. Where a later step is there already it counts in that one: never too short. */
  seed(at: EpochMs, amounts: readonly number[], sums: Float64Array): void {
    const { stepMs } = this.window;
    const step = Math.floor(at / stepMs) * stepMs;
    let index = 0;
    while (index < this.#length && this.#cells[this.#row(index)]! < step) index++;
    if (index === this.#length) this.#push(step);
    const row = this.#row(index);
    for (let k = 0; k < this.#lines.length; k++)
      this.#count(row, k, { used: amounts[this.#measures[k]!]!, reserved: 0 }, sums);
  }

  /** The same for one line alone, by its place in the set. */
  endLine(
    step: number,
    line: number,
    change: { readonly used: number; readonly reserved: number },
    sums: Float64Array,
  ) {
    const [row, k] = [this.#find(step), this.#lines.indexOf(line)];
    if (row >= 0 && k >= 0) this.#count(row, k, change, sums);
  }

  #count(
    row: number,
    k: number,
    { used, reserved }: { readonly used: number; readonly reserved: number },
    sums: Float64Array,
  ): void {
    const sum = this.#lines[k]! * 2;
    this.#cells[row + 1 + k * 2]! += used;
    this.#cells[row + 2 + k * 2]! += reserved;
    sums[sum]! += used;
    sums[sum + 1]! += reserved;
    invariant(sums[sum + 1]! >= 0, 'no more is given back than was taken');
  }

  /** First instant at which a line has room for `needed` less than it counts now; null: time alone never makes it. */
  freeAt(line: number, needed: number): EpochMs | null {
    const k = this.#lines.indexOf(line);
    let freed = 0;
    for (let index = 0; index < this.#length; index++) {
      const row = this.#row(index);
      freed += this.#cells[row + 1 + k * 2]! + this.#cells[row + 2 + k * 2]!;
      if (freed >= needed) return (this.#expiryOf(index) - this.#aheadMs) as EpochMs;
    }
    return null;
  }

  /** When all that counts now has left. */
  get emptyAt(): EpochMs | null {
    return this.#length === 0 ? null : ((this.#expiryOf(this.#length - 1) - this.#aheadMs) as EpochMs);
  }

  /** Takes over the steps of a ring of the same window; `from`: the place there of each line here, -1: it is new. */
  adopt(old: StepRing, from: readonly number[], sums: Float64Array): void {
    this.#aheadMs = old.#aheadMs;
    this.#latest = old.#latest;
    for (let index = 0; index < old.#length; index++) {
      const row = old.#row(index);
      this.#push(old.#cells[row]!);
      for (let k = 0; k < from.length; k++) {
        const there = old.#lines.indexOf(from[k]!);
        if (there < 0) continue;
        const [used, reserved] = [old.#cells[row + 1 + there * 2]!, old.#cells[row + 2 + there * 2]!];
        this.#count(this.#row(index), k, { used, reserved }, sums);
      }
    }
  }

  #present(now: EpochMs): number {
    const { stepMs } = this.window;
    const step = Math.floor((now + this.#aheadMs) / stepMs) * stepMs;
    if (this.#length === 0) this.#push(step);
    const newest = this.#cells[this.#row(this.#length - 1)]!;
    if (newest >= step) return newest;
    this.#push(step);
    return step;
  }

  #push(step: number): void {
    if (this.#length * this.#stride === this.#cells.length) this.#grow();
    const row = this.#row(this.#length++);
    this.#cells.fill(0, row, row + this.#stride);
    this.#cells[row] = step;
  }

  #grow(): void {
    const cells = new Float64Array(this.#cells.length * 2);
    const head = this.#cells.subarray(this.#first * this.#stride);
    cells.set(head);
    cells.set(this.#cells.subarray(0, this.#first * this.#stride), head.length);
    this.#cells = cells;
    this.#first = 0;
  }

  #find(step: number): number {
    // Nearly always one of the last.
    for (let index = this.#length - 1; index >= 0; index--) {
      const row = this.#row(index);
      if (this.#cells[row] === step) return row;
      if (this.#cells[row]! < step) return -1;
    }
    return -1;
  }

  #row(index: number): number {
    const row = (this.#first + index) * this.#stride;
    return row < this.#cells.length ? row : row - this.#cells.length;
  }

  #expiryOf(index: number): number {
    return this.#cells[this.#row(index)]! + this.window.stepMs + this.window.spanMs;
  }
}
