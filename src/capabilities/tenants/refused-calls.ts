import type { EpochMs } from '#kernel/brand.ts';
import { BoundedMap } from '#kernel/bounded-map.ts';

const MINUTE_MS = 60_000;
/** Minutes that are kept. */
const KEPT = 60;
/** Limits whose refusals are kept: half a kilobyte each. */
const MOST_LIMITS = 5_000;

interface Minutes {
  readonly counts: Uint32Array;
  /** The latest minute in which something was noted. */
  latest: number;
}

/** Calls that limits refused in each minute of the last hour, by limit. */
export class RefusedCalls {
  readonly #byLimit = new BoundedMap<string, Minutes>(MOST_LIMITS);

  note(limit: string, now: EpochMs): void {
    const minute = Math.floor(now / MINUTE_MS);
    let own = this.#byLimit.get(limit);
    if (own === undefined) this.#byLimit.set(limit, (own = { counts: new Uint32Array(KEPT), latest: minute }));
    // What lies between was without refusals; a clock that goes back counts in the minute that it had reached.
    const passed = Math.min(KEPT, Math.max(0, minute - own.latest));
    for (let i = 1; i <= passed; i++) own.counts[(own.latest + i) % KEPT] = 0;
    if (passed === KEPT) own.counts.fill(0);
    own.latest = Math.max(own.latest, minute);
    own.counts[own.latest % KEPT]! += 1;
  }

  /** Refusals of the last `ms`, the minute in which that began included. */
  within(limit: string, now: EpochMs, ms: number): number {
    const own = this.#byLimit.get(limit);
    if (own === undefined) return 0;
    const from = Math.max(0, Math.floor((now - ms) / MINUTE_MS), own.latest - KEPT + 1);
    let sum = 0;
    for (let minute = from; minute <= own.latest; minute++) sum += own.counts[minute % KEPT]!;
    return sum;
  }
}
