/** From figures to readings, one function a kind of rule. Pure. */
import { iso } from '#kernel/clock.ts';
import { count, duration, money, share } from '#kernel/format.ts';
import { nanoUsd } from '#kernel/money.ts';
import { DdSketch } from '#math/ddsketch.ts';
import type { SpendRow } from '#ports/ledger-store.ts';
import type { ApiKey, Limit } from '#ports/state-store.ts';
import type { RuleOf } from '../config.ts';
import type { Reading } from './reading.ts';

type Labels = Reading['labels'];

const labelsOf = (each: string | undefined, row: SpendRow): Labels =>
  each === undefined ? {} : { [each]: row.by[0] ?? '–' };

const naming = (labels: Labels): string => {
  const text = Object.entries(labels).map(([name, value]) => `${name} ${value}: `);
  return text.join('');
};

/** `rows`: calls of the window, by `each` where the rule has it. */
export const judgeErrorRate = (rule: RuleOf<'error-rate'>, rows: readonly SpendRow[]): Reading[] =>
  rows.map((row) => {
    const labels = labelsOf(rule.each, row);
    const enough = row.calls >= rule.minCalls;
    const value = row.calls === 0 ? 0 : row.errors / row.calls;
    const text = `${naming(labels)}${count(row.errors)} of ${count(row.calls)} calls failed (${share(value)}, at most ${share(rule.threshold)})`;
    return { labels, value: enough ? value : null, breached: enough && value > rule.threshold, text };
  });

const QUANTILES = { p50: 0.5, p95: 0.95, p99: 0.99 } as const;

export const judgeFirstToken = (rule: RuleOf<'first-token'>, rows: readonly SpendRow[]): Reading[] =>
  rows.map((row) => {
    const labels = labelsOf(rule.each, row);
    const sketch = DdSketch.fromText(row.firstTokenMsSketch);
    const value = sketch.count >= rule.minCalls ? sketch.quantile(QUANTILES[rule.quantile]) : null;
    const text = `${naming(labels)}${rule.quantile} of the time to the first token is ${duration(value)} (at most ${duration(rule.threshold)}; ${count(sketch.count)} streams)`;
    return { labels, value, breached: value !== null && value > rule.threshold, text };
  });

export function judgeSpoolLag(rule: RuleOf<'spool-lag'>, oldestMs: number | null): Reading[] {
  const value = oldestMs ?? 0;
  const text = `the store is ${duration(value)} behind (at most ${duration(rule.threshold)})`;
  return [{ labels: {}, value, breached: value > rule.threshold, text }];
}

/** `rows`: calls of the window by model. */
export const judgePriceUnknown = (rule: RuleOf<'price-unknown'>, rows: readonly SpendRow[]): Reading[] =>
  rows
    .filter(({ unknownCostCalls }) => unknownCostCalls > 0)
    .map(({ by, unknownCostCalls: value }) => {
      const labels = { model: by[0] ?? '–' };
      const text = `${naming(labels)}${count(value)} ${value === 1 ? 'call has' : 'calls have'} no known price`;
      return { labels, value, breached: value >= rule.threshold, text };
    });

/** A budget's spending in both windows. */
export interface Burn {
  readonly budget: string;
  readonly limitNanoUsd: bigint;
  /** Length of the budget's own window. */
  readonly periodMs: number;
  readonly longNanoUsd: bigint;
  readonly shortNanoUsd: bigint;
}

export const judgeBudgetBurn = (rule: RuleOf<'budget-burn'>, burns: readonly Burn[]): Reading[] =>
  burns
    .filter(({ limitNanoUsd }) => limitNanoUsd > 0n)
    .map((burn) => {
      const rate = (spent: bigint, windowMs: number): number =>
        Number(spent) / windowMs / (Number(burn.limitNanoUsd) / burn.periodMs);
      const [long, short] = [rate(burn.longNanoUsd, rule.window), rate(burn.shortNanoUsd, rule.shortWindow)];
      const spent = `${money(nanoUsd(burn.longNanoUsd))} in ${duration(rule.window)}`;
      const text = `budget ${burn.budget} burns ${long.toFixed(1)} times as fast as its ${money(nanoUsd(burn.limitNanoUsd))} allow (${spent}; at most ${rule.threshold})`;
      return {
        labels: { budget: burn.budget },
        value: Math.min(long, short),
        breached: long > rule.threshold && short > rule.threshold,
        text,
      };
    });

/** What a budget has spent, in all and in both windows. */
export interface Pace {
  readonly budget: string;
  readonly limitNanoUsd: bigint;
  readonly spentNanoUsd: bigint;
  /** Wall clock; null: its window does not begin anew. */
  readonly resetsAt: number | null;
  /** Length of a rolling window; null: it is no such. */
  readonly rollingMs: number | null;
  readonly fastNanoUsd: bigint;
  readonly slowNanoUsd: bigint;
}

/**
 * Is the money going to be gone before the window ends, at the slower of two paces? Two windows as burn rates have them
 * (Google, The Site Reliability Workbook, chapter 5): the slow one keeps a peak quiet, the fast one ends the alert with
 * its cause.
 */
export const judgeBurn = (rule: RuleOf<'burn'>, paces: readonly Pace[], now: number): Reading[] =>
  paces.filter(({ limitNanoUsd }) => limitNanoUsd > 0n).map((pace) => burnReading(rule, pace, now));

function burnReading(rule: RuleOf<'burn'>, pace: Pace, now: number): Reading {
  const { budget, limitNanoUsd, spentNanoUsd } = pace;
  const labels = { budget };
  const limit = money(nanoUsd(limitNanoUsd));
  const left = limitNanoUsd - spentNanoUsd;
  if (left <= 0n) return { labels, value: 0, breached: true, text: `budget ${budget} is spent: its ${limit} are gone` };
  const perMs = Math.min(Number(pace.fastNanoUsd) / rule.window, Number(pace.slowNanoUsd) / rule.longWindow);
  const leftMs = perMs > 0 ? Number(left) / perMs : Infinity;
  const endMs = pace.resetsAt === null ? rule.horizon : Math.max(0, pace.resetsAt - now);
  // What a rolling window has spent leaves it again: it fills up where a whole window at this pace is more than its limit.
  const fills = pace.rollingMs === null ? leftMs < endMs : perMs * pace.rollingMs > Number(limitNanoUsd);
  const enough = Number(spentNanoUsd) >= rule.minSpent * Number(limitNanoUsd);
  const breached = enough && fills;
  // In hours; none where nothing is spent: what fired is then over after a while.
  const value = Number.isFinite(leftMs) ? leftMs / 3_600_000 : null;
  return { labels, value, breached, text: burnText(pace, { perMs, leftMs, endMs, now }) };
}

function burnText(
  { budget, limitNanoUsd, spentNanoUsd, resetsAt, rollingMs }: Pace,
  { perMs, leftMs, endMs, now }: { perMs: number; leftMs: number; endMs: number; now: number },
): string {
  const dollars = (amount: number | bigint): string =>
    money(nanoUsd(typeof amount === 'bigint' ? amount : BigInt(Math.round(amount))));
  const head = `budget ${budget} has spent ${dollars(spentNanoUsd)} of ${dollars(limitNanoUsd)}`;
  if (!Number.isFinite(leftMs)) return `${head} and spends nothing now`;
  // Beyond this a date is of no use, and past the last one that a clock can write.
  const gone =
    leftMs > MOST_AHEAD_MS ? 'in more than a year' : `at ${iso(now + leftMs).slice(0, 16)}Z, in ${duration(leftMs)}`;
  const end =
    resetsAt === null
      ? rollingMs === null
        ? 'it never resets'
        : `its window is ${duration(rollingMs)}`
      : `its window ends in ${duration(endMs)}`;
  return `${head}; at ${dollars(perMs * 3_600_000)} an hour the rest is gone ${gone} (${end})`;
}

const MOST_AHEAD_MS = 366 * 86_400_000;
/** A limit with its use now; `taken` null: one for each of many. */
export interface LimitUsed {
  readonly limit: Limit;
  readonly most: number;
  readonly taken: number | null;
  readonly refused: number;
}

const limitText = ({ limit: { id, scope, unit, window } }: LimitUsed): string => {
  const whose = scope.tenant === null ? 'operator' : `${scope.level.replace('_', ' ')} of ${scope.tenant}`;
  return `limit ${id} (${unit.replace('_', ' ')}${window === null ? '' : ` a ${window}`}, ${whose})`;
};

const limitLabels = ({ limit: { id, scope } }: LimitUsed): Labels => ({
  limit: id,
  ...(scope.tenant !== null && { tenant: scope.tenant }),
});

/** A limit of nothing is a door that somebody has shut: no news. */
export const judgeLimitUse = (rule: RuleOf<'limit-use'>, limits: readonly LimitUsed[]): Reading[] =>
  limits.flatMap((one) => {
    const { taken, most } = one;
    if (taken === null || most === 0) return [];
    const value = taken / most;
    const text = `${limitText(one)} has ${count(taken)} of ${count(most)} taken (${share(value)}, alert from ${share(rule.threshold)})`;
    return [{ labels: limitLabels(one), value, breached: value >= rule.threshold, text }];
  });

export const judgeLimitRefused = (rule: RuleOf<'limit-refused'>, limits: readonly LimitUsed[]): Reading[] =>
  limits
    .filter(({ refused }) => refused > 0)
    .map((one) => {
      const { refused: value } = one;
      const text = `${limitText(one)} refused ${count(value)} ${value === 1 ? 'call' : 'calls'} in ${duration(rule.window)}`;
      return { labels: limitLabels(one), value, breached: value >= rule.threshold, text };
    });

const works = (key: ApiKey, now: number): boolean =>
  key.revokedAt === null && (key.expiresAt === null || key.expiresAt > now);
const nameOf = ({ id, tenant, name }: ApiKey): string => `key ${id} (“${name}” of ${tenant})`;

export interface KeyFigures {
  readonly keys: Iterable<ApiKey>;
  readonly now: number;
}

/** `used`: ids of keys with a call since the threshold. */
export function judgeKeyUnused(
  rule: RuleOf<'key-unused'>,
  used: ReadonlySet<string>,
  { keys, now }: KeyFigures,
): Reading[] {
  const out: Reading[] = [];
  for (const key of keys) {
    if (!works(key, now) || used.has(key.id) || now - key.createdAt < rule.threshold) continue;
    if (rule.scope.tenant !== undefined && key.tenant !== rule.scope.tenant) continue;
    const text = `${nameOf(key)} has made no call for ${duration(rule.threshold)}`;
    out.push({ labels: { key: key.id, tenant: key.tenant }, value: rule.threshold, breached: true, text });
  }
  return out;
}

/** Spending of one key in the window and in the baseline before it. */
export interface KeySpending {
  readonly calls: number;
  readonly costNanoUsd: bigint;
}

export interface KeyWindows extends KeyFigures {
  readonly window: ReadonlyMap<string, KeySpending>;
  readonly baseline: ReadonlyMap<string, KeySpending>;
}

/** A key that was silent for the whole baseline and calls now, or spends far above its own usual. */
export function judgeKeyUnusual(rule: RuleOf<'key-unusual'>, { keys, now, window, baseline }: KeyWindows): Reading[] {
  const out: Reading[] = [];
  for (const key of keys) {
    const spent = window.get(key.id);
    if (!spent || spent.calls === 0) continue;
    // A key younger than its baseline has no usual.
    if (now - key.createdAt < rule.window + rule.baseline) continue;
    out.push(unusualReading(rule, key, spent, baseline.get(key.id)));
  }
  return out;
}

function unusualReading(
  rule: RuleOf<'key-unusual'>,
  key: ApiKey,
  spent: KeySpending,
  before: KeySpending | undefined,
): Reading {
  const labels = { key: key.id, tenant: key.tenant };
  if (!before || before.calls === 0) {
    const text = `${nameOf(key)} was silent for ${duration(rule.baseline)} and made ${count(spent.calls)} calls in ${duration(rule.window)}`;
    return { labels, value: spent.calls, breached: true, text };
  }
  const usual = (Number(before.costNanoUsd) * rule.window) / rule.baseline;
  const value = usual > 0 ? Number(spent.costNanoUsd) / usual : Infinity;
  const enough = Number(spent.costNanoUsd) >= Number(rule.minUsd) * 1e9;
  const times = Number.isFinite(value) ? `${value.toFixed(1)} times its usual` : 'it usually spends nothing';
  const text = `${nameOf(key)} spent ${money(nanoUsd(spent.costNanoUsd))} in ${duration(rule.window)}, ${times}`;
  return { labels, value: Number.isFinite(value) ? value : null, breached: enough && value > rule.threshold, text };
}
