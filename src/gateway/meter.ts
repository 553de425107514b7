import type { LedgerEntry } from '#ports/entry.ts';
import type { BudgetFigures } from '#capabilities/tenants/index.ts';
import { CallMeter } from './call-meter.ts';

/** Counters of the process. Labels are bounded: closed sets, and a capped number of models. */
export class Meter {
  inFlight = 0;
  readonly refusals = new Map<string, number>();
  readonly outcomes = new Map<string, number>();
  readonly calls = new CallMeter();
  /** The fullest budgets, as they were a few seconds ago. */
  budgets: readonly BudgetFigures[] = [];

  started(): void {
    this.inFlight++;
  }
  ended(): void {
    this.inFlight--;
  }
  /** A refusal before admission is a counter, not an entry. */
  refused(code: string): void {
    this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }
  settled(entry: LedgerEntry): void {
    this.outcomes.set(entry.status, (this.outcomes.get(entry.status) ?? 0) + 1);
    this.calls.settled(entry);
  }
}
