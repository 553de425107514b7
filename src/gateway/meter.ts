import type { EpochMs } from '#kernel/brand.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { RecentMeter } from './recent.ts';

/** Counters of the process. Labels are bounded: outcomes and error codes are closed sets. */
export class Meter {
  inFlight = 0;
  readonly refusals = new Map<string, number>();
  readonly outcomes = new Map<string, number>();
  readonly recent: RecentMeter;

  constructor(since: number = Date.now()) {
    this.recent = new RecentMeter(since);
  }

  started(): void {
    this.inFlight++;
  }
  ended(): void {
    this.inFlight--;
  }
  /** A refusal before admission is a counter, not an entry. */
  refused(code: string, tenant: string | null, now: EpochMs): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
    this.recent.refused(code, tenant, now);
  }
  settled(entry: LedgerEntry, now: EpochMs): void {
    this.outcomes.set(entry.status, (this.outcomes.get(entry.status) ?? 0) + 1);
    this.recent.settled(entry, now);
  }
}
