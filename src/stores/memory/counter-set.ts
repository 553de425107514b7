import type { EpochMs } from '#kernel/brand.ts';
import type { LimitLine, LimitState, LimitUse, LineLeft, SlidingWindow } from '#ports/shared-state.ts';
import { StepRing } from './step-ring.ts';

/** How the lines of a set lie in it: the same for every set that has the same lines. */
interface Layout {
  readonly lines: readonly LimitLine[];
  /** One ring each: places of its lines in the set, and which amount each counts. */
  readonly rings: readonly {
    readonly window: SlidingWindow;
    readonly lines: readonly number[];
    readonly measures: readonly number[];
  }[];
  /** Places of the lines without a window. */
  readonly held: readonly number[];
}

const layouts = new WeakMap<readonly LimitLine[], Layout>();

function layoutOf(lines: readonly LimitLine[]): Layout {
  const known = layouts.get(lines);
  if (known) return known;
  const places = lines.map((_, place) => place);
  const windows = [...new Set(lines.map(({ window }) => window))].filter((window) => window !== null);
  const rings = windows.map((window) => {
    const own = places.filter((place) => lines[place]!.window === window);
    return { window, lines: own, measures: own.map((place) => lines[place]!.measure) };
  });
  const layout = { lines, rings, held: places.filter((place) => lines[place]!.window === null) };
  layouts.set(lines, layout);
  return layout;
}

/** What one call took of a set. */
export interface SetHold {
  readonly set: CounterSet;
  readonly layout: Layout;
  /** Start of the step in each ring. */
  readonly steps: readonly number[];
}

/** Counters that calls take together, with sums over what is live. */
export class CounterSet {
  /** Holds that have not ended. */
  open = 0;
  usedAt: EpochMs;
  /** Nothing was ever taken of it. */
  isNew = true;
  #layout: Layout;
  #rings: readonly StepRing[];
  /** Used and reserved of each line. */
  #sums: Float64Array;

  constructor(lines: readonly LimitLine[], now: EpochMs) {
    this.usedAt = now;
    this.#layout = layoutOf(lines);
    this.#rings = ringsOf(this.#layout);
    this.#sums = new Float64Array(lines.length * 2);
  }

  get isIdle(): boolean {
    return this.open === 0 && this.#sums.every((sum) => sum === 0);
  }

  /** Brings the sums to the present. */
  advance(now: EpochMs): void {
    for (let i = 0; i < this.#rings.length; i++) this.#rings[i]!.advance(now, this.#sums);
  }

  /** What the lines are now: counters keep their names, and what they have counted. */
  use(lines: readonly LimitLine[]): void {
    if (this.#layout.lines === lines) return;
    const [old, rings, sums] = [this.#layout.lines, this.#rings, this.#sums];
    const from = lines.map(({ name }) => old.findIndex((line) => line.name === name));
    this.#layout = layoutOf(lines);
    this.#rings = ringsOf(this.#layout);
    this.#sums = new Float64Array(lines.length * 2);
    for (const [i, { window, lines: places }] of this.#layout.rings.entries()) {
      const before = rings.find((ring) => ring.window === window);
      const there = places.map((place) => from[place]!);
      if (before) this.#rings[i]!.adopt(before, there, this.#sums);
    }
    for (const place of this.#layout.held)
      if (from[place]! >= 0) this.#sums[place * 2 + 1] = sums[from[place]! * 2 + 1]!;
  }

  /** The first line that has no room, or -1. */
  refusing(amounts: readonly number[]): number {
    const { lines } = this.#layout;
    for (let i = 0; i < lines.length; i++) {
      const { limit, measure } = lines[i]!;
      const amount = amounts[measure]!;
      if (amount > 0 && this.#sums[i * 2]! + this.#sums[i * 2 + 1]! + amount > limit) return i;
    }
    return -1;
  }

  /** First instant at which an amount fits because steps leave the window, what is reserved taken as used. */
  fitsAt(line: number, amount: number): EpochMs | null {
    const { limit, window } = this.#layout.lines[line]!;
    if (amount > limit || window === null) return null;
    const { used, reserved } = this.stateOf(line);
    const ring = this.#rings.find((one) => one.window === window)!;
    return ring.freeAt(line, used + reserved + amount - limit);
  }

  stateOf(line: number): LimitState {
    return { used: this.#sums[line * 2]!, reserved: this.#sums[line * 2 + 1]! };
  }

  take(amounts: readonly number[], now: EpochMs): SetHold {
    this.usedAt = now;
    this.isNew = false;
    this.open++;
    const layout = this.#layout;
    for (const place of layout.held) this.#sums[place * 2 + 1]! += amounts[layout.lines[place]!.measure]!;
    const steps = this.#rings.map((ring) => ring.take(amounts, now, this.#sums));
    return { set: this, layout, steps };
  }

  /** Adds use to the windows that are longer than the time in which it was. */
  seed({ amounts, from, to }: LimitUse, now: EpochMs): void {
    this.isNew = false;
    const at = Math.min(Math.max(from, to - 1), now) as EpochMs;
    this.advance(now);
    for (const ring of this.#rings)
      if (to - from <= ring.window.spanMs && ring.covers(at, now)) ring.seed(at, amounts, this.#sums);
  }

  /** Notes in `tightest`, by lane, the line of this set that has less left than the one that stands there. */
  tell(tightest: (LineLeft | undefined)[]): void {
    const { lines } = this.#layout;
    for (let i = 0; i < lines.length; i++) {
      const { lane, limit, window } = lines[i]!;
      if (lane === null) continue;
      const left = limit - this.#sums[i * 2]! - this.#sums[i * 2 + 1]!;
      if (tightest[lane] !== undefined && tightest[lane].left <= left) continue;
      const ring = this.#rings.find((one) => one.window === window);
      tightest[lane] = { line: lines[i]!, left, emptyAt: ring?.emptyAt ?? null };
    }
  }

  /** Ends a hold of this set with what is counted in its place. */
  end({ layout, steps }: SetHold, amounts: readonly number[], actual: readonly number[]): void {
    this.open--;
    if (layout !== this.#layout) return this.#endByName({ layout, steps }, amounts, actual);
    for (const place of layout.held) this.#sums[place * 2 + 1]! -= amounts[layout.lines[place]!.measure]!;
    for (let i = 0; i < this.#rings.length; i++) this.#rings[i]!.end(steps[i]!, amounts, actual, this.#sums);
  }

  /** The lines are others than at admission: what has gone is left, and what came since has nothing of this call. */
  #endByName({ layout, steps }: Omit<SetHold, 'set'>, amounts: readonly number[], actual: readonly number[]): void {
    for (const [i, { name, window, measure }] of layout.lines.entries()) {
      const place = this.#layout.lines.findIndex((line) => line.name === name);
      if (place < 0) continue;
      if (window === null) {
        this.#sums[place * 2 + 1]! -= amounts[measure]!;
        continue;
      }
      const step = steps[layout.rings.findIndex(({ lines }) => lines.includes(i))]!;
      const change = { used: actual[measure]!, reserved: -amounts[measure]! };
      this.#rings.find((ring) => ring.window === window)?.endLine(step, place, change, this.#sums);
    }
  }
}

const ringsOf = ({ rings }: Layout): StepRing[] =>
  rings.map(({ window, lines, measures }) => new StepRing(window, lines, measures));
