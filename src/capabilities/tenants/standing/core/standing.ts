/** How each tenant stands: what it used and cost, what it pays, how near its limits it is, how well it is served. Pure. */
import { nanoUsd, type NanoUsd } from '#kernel/money.ts';
import type { MarginLine } from '../../attribution/core/margin.ts';
import type { BudgetFigures } from '../../budget-figures.ts';
import type { LimitShare } from '../../limit-shares.ts';
import type { QualityLine } from '../../quality/core/quality.ts';

/** Calls of a window. */
export interface WindowSums {
  readonly calls: number;
  readonly errors: number;
  readonly costNanoUsd: NanoUsd;
  /** Calls whose cost is unknown: their money is in no sum. */
  readonly unknownCostCalls: number;
  readonly estimatedNanoUsd: NanoUsd;
}

export interface Standing extends WindowSums {
  readonly tenant: string;
  /** Null: there is no such tenant, but there were calls of one. */
  readonly name: string | null;
  readonly plan: string | null;
  readonly disabled: boolean;
  /** Of whole calls; null: nothing was measured, or it is still being read. */
  readonly p99Ms: number | null;
  /** Null: nothing was billed for it in the month. */
  readonly month: MarginLine | null;
  /** Its fullest limit of any level; null: it has none that names it. */
  readonly limit: LimitShare | null;
  readonly limits: number;
  /** Its fullest budget of any level that is one pot. */
  readonly budget: (BudgetFigures & { readonly share: number }) | null;
  readonly budgets: number;
  /** The worst of its lines; null: no answer was scored. */
  readonly quality: QualityLine | null;
}

/** From here on somebody is near a limit or a budget. */
export const NEAR = 0.8;
/** From here on a tenant's calls fail. */
const FAILING = 0.02;

export const SORTS = [
  'tenant',
  'calls',
  'errors',
  'p99',
  'cost',
  'attributed',
  'revenue',
  'margin',
  'limit',
  'budget',
  'quality',
] as const;
export type Sort = (typeof SORTS)[number];

/** `near`: a limit or a budget of which four fifths are taken. `loss`: pays less than it costs. */
export const ONLY = ['near', 'failing', 'fell', 'loss'] as const;
export type Only = (typeof ONLY)[number];

const QUALITY = { fell: 3, fell_for_all: 2, no_change: 1, not_enough: 0 } as const;

/** What a sort looks at; null comes last either way. */
const KEYS: Readonly<Record<Exclude<Sort, 'tenant'>, (one: Standing) => number | bigint | null>> = {
  calls: ({ calls }) => calls,
  errors: ({ errors, calls }) => (calls === 0 ? null : errors / calls),
  p99: ({ p99Ms }) => p99Ms,
  cost: ({ costNanoUsd, calls }) => (calls === 0 ? null : costNanoUsd),
  attributed: ({ month }) => month && month.costNanoUsd,
  revenue: ({ month }) => (month?.pricedBy ? month.revenueNanoUsd : null),
  margin: ({ month }) => (month?.pricedBy ? month.marginNanoUsd : null),
  limit: ({ limit }) => limit && limit.share,
  budget: ({ budget }) => budget && budget.share,
  quality: ({ quality }) => quality && QUALITY[quality.verdict] + Math.min(1, quality.evidence / 1e9),
};

const TESTS: Readonly<Record<Only, (one: Standing) => boolean>> = {
  near: ({ limit, budget }) => (limit?.share ?? 0) >= NEAR || (budget?.share ?? 0) >= NEAR,
  failing: ({ errors, calls }) => errors > 0 && errors >= calls * FAILING,
  fell: ({ quality }) => quality?.verdict === 'fell' || quality?.change?.fell === true,
  loss: ({ month }) => month?.pricedBy != null && month.marginNanoUsd < 0n,
};

interface Looking {
  readonly search?: string | undefined;
  readonly only?: Only | undefined;
  readonly sort: Sort;
  readonly order: 'asc' | 'desc';
}

/** Those that match, in the order that was asked for; those of one value by name. */
export function ordered(all: readonly Standing[], { search, only, sort, order }: Looking): readonly Standing[] {
  const words = (search ?? '').trim().toLowerCase();
  const matches = (one: Standing): boolean =>
    (words === '' || one.tenant.toLowerCase().includes(words) || (one.name?.toLowerCase().includes(words) ?? false)) &&
    (only === undefined || TESTS[only](one));
  const sign = order === 'asc' ? 1 : -1;
  const byName = (a: Standing, b: Standing): number => (a.tenant < b.tenant ? -1 : a.tenant > b.tenant ? 1 : 0);
  const found = all.filter(matches);
  if (sort === 'tenant') return found.sort((a, b) => sign * byName(a, b));
  const keyed = found.map((one) => ({ one, key: KEYS[sort](one) }));
  keyed.sort((a, b) => {
    if (a.key === b.key) return byName(a.one, b.one);
    if (a.key === null || b.key === null) return a.key === null ? 1 : -1;
    return a.key < b.key ? -sign : sign;
  });
  return keyed.map(({ one }) => one);
}

/** How many there are of each kind that somebody looks for. */
export const countsOf = (all: readonly Standing[]): Readonly<Record<Only, number>> =>
  Object.fromEntries(ONLY.map((name) => [name, all.filter(TESTS[name]).length])) as Record<Only, number>;

export interface StandingSums extends WindowSums {
  readonly attributedNanoUsd: NanoUsd;
  /** Of those that have a price, and margin is of what those cost. */
  readonly revenueNanoUsd: NanoUsd;
  readonly marginNanoUsd: NanoUsd;
  readonly priced: number;
}

export function sumsOf(all: readonly Standing[]): StandingSums {
  const count = (pick: (one: Standing) => number): number => all.reduce((sum, one) => sum + pick(one), 0);
  const money = (pick: (one: Standing) => bigint): NanoUsd => nanoUsd(all.reduce((sum, one) => sum + pick(one), 0n));
  const priced = all.filter(({ month }) => month?.pricedBy != null);
  const ofPriced = (pick: (line: MarginLine) => bigint): NanoUsd =>
    nanoUsd(priced.reduce((sum, { month }) => sum + pick(month!), 0n));
  return {
    calls: count(({ calls }) => calls),
    errors: count(({ errors }) => errors),
    costNanoUsd: money(({ costNanoUsd }) => costNanoUsd),
    unknownCostCalls: count(({ unknownCostCalls }) => unknownCostCalls),
    estimatedNanoUsd: money(({ estimatedNanoUsd }) => estimatedNanoUsd),
    attributedNanoUsd: money(({ month }) => month?.costNanoUsd ?? 0n),
    revenueNanoUsd: ofPriced(({ revenueNanoUsd }) => revenueNanoUsd),
    marginNanoUsd: ofPriced(({ marginNanoUsd }) => marginNanoUsd),
    priced: priced.length,
  };
}
