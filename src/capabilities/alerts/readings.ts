import { epochMs } from '#kernel/brand.ts';
import { namedOr } from '#kernel/whose.ts';
import type { Dimension, LedgerFilter, LedgerStore, SpendRow } from '#ports/ledger-store.ts';
import type { ApiKey, Budget } from '#ports/state-store.ts';
import type { AlertRule, RuleOf } from './config.ts';
import {
  judgeBudgetBurn,
  judgeBurn,
  judgeErrorRate,
  judgeFirstToken,
  judgeKeyUnused,
  judgeKeyUnusual,
  judgeLimitRefused,
  judgeLimitUse,
  judgePriceUnknown,
  judgeSpoolLag,
  type Burn,
  type KeySpending,
  type LimitUsed,
  type Pace,
} from './core/judge.ts';
import type { Reading } from './core/reading.ts';

/** A budget that is one pot, with its limit now and the length of its window; null length: it never ends. */
export interface BudgetNow {
  readonly budget: Budget;
  readonly limitNanoUsd: bigint;
  readonly periodMs: number | null;
}

/** A budget that is one pot, with its money and the end of its window now. */
export interface BudgetSpent {
  readonly budget: Budget;
  readonly limitNanoUsd: bigint;
  readonly spentNanoUsd: bigint;
  /** When its window begins anew; null: it never does, or it is rolling. */
  readonly resetsAt: number | null;
}

/** What rules are looked up in. */
export interface Sources {
  readonly ledger: Pick<LedgerStore, 'spend'>;
  readonly keys: () => Iterable<ApiKey>;
  readonly budgets: () => Iterable<BudgetNow>;
  readonly budgetsSpent: () => Promise<readonly BudgetSpent[]>;
  /** Limits, with what they refused in the last so much time. Needs no store. */
  readonly limits: (sinceMs: number) => Promise<readonly LimitUsed[]>;
  /** Age of the oldest entry that the store has not; null: there is none. */
  readonly spoolLagMs: () => number | null;
}

/** Looks at one rule now. Throws where the store is away. */
export async function readingsOf(rule: AlertRule, sources: Sources, now: number): Promise<Reading[]> {
  switch (rule.kind) {
    case 'error-rate':
      return judgeErrorRate(rule, await spend(sources, rule, now, { by: rule.each }));
    case 'first-token':
      return judgeFirstToken(rule, await spend(sources, rule, now, { by: rule.each, sketches: true }));
    case 'price-unknown':
      return judgePriceUnknown(rule, await spend(sources, rule, now, { by: 'model' }));
    case 'spool-lag':
      return judgeSpoolLag(rule, sources.spoolLagMs());
    case 'budget-burn':
      return judgeBudgetBurn(rule, await burns(rule, sources, now));
    case 'burn':
      return judgeBurn(rule, await paces(rule, sources, now), now);
    case 'limit-use':
      return judgeLimitUse(rule, await limits(rule, sources));
    case 'limit-refused':
      return judgeLimitRefused(rule, await limits(rule, sources));
    case 'key-unused':
      return judgeKeyUnused(rule, await usedKeys(rule, sources, now), { keys: sources.keys(), now });
    case 'key-unusual':
      return unusualKeys(rule, sources, now);
  }
}

interface Windowed {
  readonly window: number;
  readonly scope: { readonly tenant?: string | undefined; readonly feature?: string | undefined };
}

/** A rule is the operator's: without a tenant it watches all of them. */
const filterOf = ({ tenant, feature }: Windowed['scope']): Omit<LedgerFilter, 'from' | 'to'> => ({
  whose: namedOr(tenant, 'a rule of the operator’s file that names no tenant'),
  ...(feature !== undefined && { feature }),
});

/** Calls that were admitted in the rule's window. A minute's rollup is read whole. */
async function spend(
  { ledger }: Sources,
  { window, scope }: Windowed,
  now: number,
  { by, sketches = false }: { by?: Dimension | undefined; sketches?: boolean },
): Promise<readonly SpendRow[]> {
  const [from, to] = [epochMs(now - window), epochMs(now + 1)];
  return ledger.spend({ ...filterOf(scope), from, to, by: by ? [by] : [], sketches });
}

async function usedKeys(rule: RuleOf<'key-unused'>, sources: Sources, now: number): Promise<ReadonlySet<string>> {
  const rows = await spend(sources, { window: rule.threshold, scope: rule.scope }, now, { by: 'key' });
  return new Set(rows.map(({ by }) => by[0]!));
}

async function unusualKeys(rule: RuleOf<'key-unusual'>, sources: Sources, now: number): Promise<Reading[]> {
  const window = await keySpending(rule, sources, now - rule.window, now + 1);
  if (window.size === 0) return [];
  const start = now - rule.window;
  const baseline = await keySpending(rule, sources, start - rule.baseline, start);
  return judgeKeyUnusual(rule, { keys: sources.keys(), now, window, baseline });
}

async function keySpending(
  { scope }: RuleOf<'key-unusual'>,
  { ledger }: Sources,
  from: number,
  to: number,
): Promise<Map<string, KeySpending>> {
  const window = { from: epochMs(from), to: epochMs(to) };
  const rows = await ledger.spend({ ...filterOf(scope), ...window, by: ['key'], sketches: false });
  return new Map(rows.map(({ by, calls, costNanoUsd }) => [by[0]!, { calls, costNanoUsd }]));
}

type Level = Budget['scope']['level'];
/** What tells the budgets of a level apart in the ledger. End users are in no rollup. */
const DIMENSIONS: Readonly<Partial<Record<Level, readonly Dimension[]>>> = {
  operator: [],
  tenant: ['tenant'],
  team: ['tenant', 'team'],
  feature: ['tenant', 'feature'],
  key: ['tenant', 'key'],
};

/** One question a level and window, however many budgets there are. */
async function burns(rule: RuleOf<'budget-burn'>, sources: Sources, now: number): Promise<Burn[]> {
  const budgets = [...sources.budgets()].filter(({ budget: { scope } }) => inScope(rule, scope));
  const levels = new Set(budgets.map(({ budget }) => budget.scope.level).filter((level) => DIMENSIONS[level]));
  const spent = new Map<Level, { long: Map<string, bigint>; short: Map<string, bigint> }>();
  for (const level of levels) {
    const long = await spentBy(level, rule, sources, now, rule.window);
    const short = await spentBy(level, rule, sources, now, rule.shortWindow);
    spent.set(level, { long, short });
  }
  return budgets.flatMap(({ budget, limitNanoUsd, periodMs }) => {
    const ofLevel = spent.get(budget.scope.level);
    if (!ofLevel || periodMs === null) return [];
    const key = keyOf(budget.scope);
    const money = { longNanoUsd: ofLevel.long.get(key) ?? 0n, shortNanoUsd: ofLevel.short.get(key) ?? 0n };
    return [{ budget: budget.id, limitNanoUsd, periodMs, ...money }];
  });
}

/** What each budget spent in both windows of a rule. One question a level and window, however many there are. */
async function paces(rule: RuleOf<'burn'>, sources: Sources, now: number): Promise<Pace[]> {
  const budgets = (await sources.budgetsSpent()).filter(({ budget }) => inScope(rule, budget.scope));
  const levels = new Set(budgets.map(({ budget }) => budget.scope.level).filter((level) => DIMENSIONS[level]));
  const spent = new Map<Level, { fast: Map<string, bigint>; slow: Map<string, bigint> }>();
  for (const level of levels) {
    const fast = await spentBy(level, rule, sources, now, rule.window);
    const slow = await spentBy(level, rule, sources, now, rule.longWindow);
    spent.set(level, { fast, slow });
  }
  return budgets.flatMap(({ budget, limitNanoUsd, spentNanoUsd, resetsAt }) => {
    const ofLevel = spent.get(budget.scope.level);
    if (!ofLevel) return [];
    const key = keyOf(budget.scope);
    const { window } = budget;
    return [
      {
        ...{ budget: budget.id, limitNanoUsd, spentNanoUsd, resetsAt },
        rollingMs: window.kind === 'rolling' ? window.ms : null,
        fastNanoUsd: ofLevel.fast.get(key) ?? 0n,
        slowNanoUsd: ofLevel.slow.get(key) ?? 0n,
      },
    ];
  });
}

/** What a limit has taken now needs no time to look back on. */
async function limits(rule: RuleOf<'limit-use' | 'limit-refused'>, sources: Sources): Promise<LimitUsed[]> {
  const all = await sources.limits(rule.kind === 'limit-refused' ? rule.window : 0);
  return all.filter(({ limit }) => inScope(rule, limit.scope));
}

type ScopedRule = RuleOf<'budget-burn' | 'burn' | 'limit-use' | 'limit-refused'>;

const inScope = ({ scope: wanted }: ScopedRule, scope: Budget['scope']): boolean =>
  (wanted.tenant === undefined || wanted.tenant === scope.tenant) &&
  (wanted.feature === undefined || (scope.level === 'feature' && scope.id === wanted.feature));

const keyOf = ({ level, tenant, id }: Budget['scope']): string =>
  JSON.stringify(level === 'operator' ? [] : level === 'tenant' ? [tenant] : [tenant, id]);

async function spentBy(
  level: Level,
  { scope }: ScopedRule,
  { ledger }: Sources,
  now: number,
  windowMs: number,
): Promise<Map<string, bigint>> {
  const rows = await ledger.spend({
    whose: filterOf(scope).whose,
    from: epochMs(now - windowMs),
    to: epochMs(now + 1),
    by: DIMENSIONS[level]!,
    sketches: false,
  });
  return new Map(rows.map(({ by, costNanoUsd }) => [JSON.stringify(by), costNanoUsd]));
}
