/** How tenants stand, as the admin API says it. Money is nano-dollars, shares are 0 and up, times milliseconds. */
import type { NanoUsd } from '#kernel/money.ts';
import { read, type Query } from '../../session/client.ts';
import { PRESETS, type Place } from '../../state/place.ts';
import { moneyIn } from '../../state/money-in.ts';
import type { LimitUse } from '../limits/view.ts';

export interface QualityView {
  readonly tenant: string;
  readonly feature: string | null;
  readonly score: string;
  readonly verdict: 'fell' | 'fell_for_all' | 'no_change' | 'not_enough';
  readonly scored: { readonly n: number; readonly mean: number };
  readonly past: { readonly n: number; readonly mean: number } | null;
  readonly now: { readonly n: number; readonly mean: number } | null;
  readonly evidence: number;
  readonly missing: number;
  readonly basis: string;
}

export interface MonthLine {
  /** Null: it has no price. */
  readonly pricedBy: string | null;
  readonly revenueNanoUsd: NanoUsd;
  readonly ownCostNanoUsd: NanoUsd;
  readonly sharedCostNanoUsd: NanoUsd;
  readonly costNanoUsd: NanoUsd;
  readonly marginNanoUsd: NanoUsd;
  readonly marginRatio: number | null;
}

export interface BudgetUse {
  readonly id: string;
  readonly scope: { readonly level: string; readonly tenant: string | null; readonly id: string | null };
  readonly window: unknown;
  readonly mode: string;
  readonly warnAt: readonly number[];
  /** Spent of the limit. */
  readonly share: number;
  readonly limitNanoUsd: NanoUsd;
  readonly spentNanoUsd: NanoUsd;
}

interface Sums {
  readonly calls: number;
  readonly errors: number;
  readonly costNanoUsd: NanoUsd;
  readonly unknownCostCalls: number;
  readonly estimatedNanoUsd: NanoUsd;
}

export interface TenantLine extends Sums {
  readonly tenant: string;
  readonly name: string | null;
  readonly plan: string | null;
  readonly disabled: boolean;
  readonly p99Ms: number | null;
  readonly month: MonthLine | null;
  readonly limits: number;
  readonly limit: LimitUse | null;
  readonly budgets: number;
  readonly budget: BudgetUse | null;
  readonly quality: Omit<QualityView, 'tenant'> | null;
}

export const ONLY = ['near', 'failing', 'fell', 'loss'] as const;
export type Only = (typeof ONLY)[number];

export interface TenantReport {
  readonly at: string;
  readonly from: string;
  readonly to: string;
  /** What is not read yet. */
  readonly reading: readonly ('month' | 'latency')[];
  readonly month: {
    readonly month: string;
    readonly timeZone: string;
    readonly at: string;
    readonly knownFrom: string | null;
    readonly billedNanoUsd: NanoUsd;
    readonly nobodyNanoUsd: NanoUsd;
  } | null;
  readonly sort: string;
  readonly order: 'asc' | 'desc';
  /** All tenants, and those that match. */
  readonly tenants: number;
  readonly total: number;
  readonly counts: Readonly<Record<Only, number>>;
  readonly sums: Sums & {
    readonly attributedNanoUsd: NanoUsd;
    readonly revenueNanoUsd: NanoUsd;
    readonly marginNanoUsd: NanoUsd;
    readonly priced: number;
  };
  readonly rows: readonly TenantLine[];
}

/** A window that ends now is named, so that the gate knows the same question again. */
const windowOf = ({ window }: Place): Query =>
  typeof window === 'string' ? { since: `${PRESETS[window] / 3_600_000}h` } : { from: window.from, to: window.to };

export const tenantReport = async (place: Place, query: Query): Promise<TenantReport> =>
  moneyIn(
    await read('/tenant-report', { ...windowOf(place), environment: place.asked['environment'], ...query }),
  ) as TenantReport;
