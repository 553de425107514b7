import type { EpochMs } from '#kernel/brand.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { BudgetFigures } from '#capabilities/tenants/index.ts';
import { CallMeter } from './call-meter.ts';
import { RecentMeter } from './recent.ts';
import { StreamMeter } from './stream-meter.ts';

/** Counters of the process. Labels are bounded: closed sets, and a capped number of models. */
export class Meter {
  inFlight = 0;
  readonly refusals = new Map<string, number>();
  readonly outcomes = new Map<string, number>();
  readonly calls = new CallMeter();
  readonly streams = new StreamMeter();
  /** The fullest budgets, as they were a few seconds ago. */
  budgets: readonly BudgetFigures[] = [];
  /** Operations on what providers keep, by kind and action. */
  readonly stored = new Map<string, number>();
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
  storedDone(kind: string, action: string): void {
    const name = `${kind}.${action}`;
    this.stored.set(name, (this.stored.get(name) ?? 0) + 1);
  }
  settled(entry: LedgerEntry, now: EpochMs): void {
    this.outcomes.set(entry.status, (this.outcomes.get(entry.status) ?? 0) + 1);
    this.calls.settled(entry);
    this.streams.settled(entry);
    this.recent.settled(entry, now);
  }
}
