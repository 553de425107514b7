import type { EpochMs } from '#kernel/brand.ts';
import type { Attempt, LedgerEntry } from '#ports/entry.ts';
import { isError } from '#ports/rollups.ts';

const MINUTE_MS = 60_000;
/** What an incident is looked at by while the ledger's store is away. */
const MINUTES = 120;
/** Names of a minute: tenants and error codes come from outside and have no bound of their own. */
const MOST_NAMES = 256;
export const OTHERS = '(others)';

export interface Tally {
  calls: number;
  errors: number;
}

/** A minute of this process. */
interface Minute {
  readonly at: number;
  readonly tenants: Map<string, Tally>;
  readonly deployments: Map<string, Tally>;
  readonly failures: Map<string, number>;
  readonly refusals: Map<string, number>;
}

export interface Recent {
  /** Start of what is known: the process may be younger than the window. */
  readonly from: number;
  readonly tenants: ReadonlyMap<string, Tally>;
  /** By deployment: attempts, and those that failed. */
  readonly deployments: ReadonlyMap<string, Tally>;
  /** By the JSON of `[deployment, status, httpStatus, errorCode]`. */
  readonly failures: ReadonlyMap<string, number>;
  /** By the JSON of `[code, tenant]`. */
  readonly refusals: ReadonlyMap<string, number>;
}

/** The last two hours of this process, by minutes: what it can tell without a store. */
export class RecentMeter {
  readonly #since: number;
  readonly #minutes: Minute[] = [];

  constructor(since: number) {
    this.#since = since;
  }

  refused(code: string, tenant: string | null, now: EpochMs): void {
    bump(this.#minute(now).refusals, JSON.stringify([code, tenant]));
  }

  settled(entry: LedgerEntry, now: EpochMs): void {
    const minute = this.#minute(now);
    tally(minute.tenants, entry.tenant, isError(entry.status));
    for (const attempt of entry.attempts) {
      const failed = isError(attempt.status);
      tally(minute.deployments, attempt.deployment, failed);
      if (failed) bump(minute.failures, failureName(attempt));
    }
  }

  /** Sums of the minutes since a time. */
  since(from: number): Recent {
    const wanted = this.#minutes.filter(({ at }) => at + MINUTE_MS > from);
    const first = this.#minutes.length === MINUTES ? this.#minutes[0]!.at : this.#since;
    const sums = {
      tenants: new Map<string, Tally>(),
      deployments: new Map<string, Tally>(),
      failures: new Map<string, number>(),
      refusals: new Map<string, number>(),
    };
    for (const minute of wanted) {
      for (const kind of ['tenants', 'deployments'] as const)
        for (const [name, { calls, errors }] of minute[kind]) tally(sums[kind], name, false, { calls, errors });
      for (const kind of ['failures', 'refusals'] as const)
        for (const [name, count] of minute[kind]) bump(sums[kind], name, count);
    }
    return { from: Math.max(from, first), ...sums };
  }

  #minute(now: EpochMs): Minute {
    const at = now - (now % MINUTE_MS);
    const last = this.#minutes.at(-1);
    // A clock that was set back goes on in the minute that there is.
    if (last && last.at >= at) return last;
    const maps = { tenants: new Map(), deployments: new Map(), failures: new Map(), refusals: new Map() };
    const minute: Minute = { at, ...maps };
    this.#minutes.push(minute);
    if (this.#minutes.length > MINUTES) this.#minutes.shift();
    return minute;
  }
}

const failureName = ({ deployment, status, httpStatus, errorCode }: Attempt): string =>
  JSON.stringify([deployment, status, httpStatus, errorCode]);

function bump(counts: Map<string, number>, name: string, by = 1): void {
  const known = counts.has(name) || counts.size < MOST_NAMES ? name : OTHERS;
  counts.set(known, (counts.get(known) ?? 0) + by);
}

function tally(tallies: Map<string, Tally>, name: string, failed: boolean, sums?: Tally): void {
  let one = tallies.get(name);
  if (!one) {
    const known = tallies.size < MOST_NAMES ? name : OTHERS;
    one = tallies.get(known);
    if (!one) tallies.set(known, (one = { calls: 0, errors: 0 }));
  }
  one.calls += sums?.calls ?? 1;
  one.errors += sums?.errors ?? (failed ? 1 : 0);
}
