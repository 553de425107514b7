import { usedShare, type BudgetFigures } from '#capabilities/tenants/index.ts';
import type { BucketCounts, CallMeter, LatencySeries, UseSeries } from './call-meter.ts';
import { family, histogram, labels, type HistogramSeries, type Sample } from './exposition.ts';

/** Families of settled calls: latency, tokens, money, what went wrong at providers. */
export function callFamilies(calls: CallMeter): string[] {
  const uses = [...calls.uses()];
  const series = [...calls.latencies()];
  return [
    ...histogram(
      'headgate_call_duration_seconds',
      'From admission to settlement.',
      each(series, (one) => one.duration),
    ),
    ...histogram(
      'headgate_time_to_first_token_seconds',
      'From admission to the first token of a stream.',
      each(series, (one) => one.firstToken),
    ),
    ...histogram(
      'headgate_time_per_output_token_seconds',
      'Time for one token of a stream after its first.',
      each(series, (one) => one.perToken),
    ),
    ...family('headgate_tokens_total', 'counter', 'Tokens of settled calls, estimated ones included.', tokens(uses)),
    ...family('headgate_cost_dollars_total', 'counter', 'Cost of settled calls whose price is known.', costs(uses)),
    ...family(
      'headgate_unpriced_calls_total',
      'counter',
      'Settled calls whose price nobody knows.',
      counts(uses, ({ unpriced }) => unpriced),
    ),
    ...family(
      'headgate_estimated_calls_total',
      'counter',
      'Settled calls whose tokens are estimated.',
      counts(uses, ({ estimated }) => estimated),
    ),
    ...family('headgate_upstream_errors_total', 'counter', 'Failed attempts at providers by class.', errors(calls)),
  ];
}

/** Input holds cached reads and cache writes, output reasoning: types are parts, not a sum. */
const TOKEN_TYPES = {
  input: 'input',
  cached_read: 'cachedRead',
  cache_write: 'cacheWrite',
  output: 'output',
  reasoning: 'reasoning',
} as const;

const tokens = (uses: readonly UseSeries[]): Sample[] =>
  uses.flatMap((use) =>
    Object.entries(TOKEN_TYPES).map(([type, field]): Sample => [
      labels({ provider: use.provider, model: use.model, type }),
      use[field],
    ]),
  );

const costs = (uses: readonly UseSeries[]): Sample[] => counts(uses, ({ costNanoUsd }) => Number(costNanoUsd) / 1e9);

const counts = (uses: readonly UseSeries[], read: (use: UseSeries) => number): Sample[] =>
  uses.map((use) => [labels({ provider: use.provider, model: use.model }), read(use)]);

function* each(
  series: readonly LatencySeries[],
  read: (one: LatencySeries) => BucketCounts | null,
): Generator<HistogramSeries> {
  for (const one of series) {
    const found = read(one);
    const [provider, model, kind, outcome] = one.labels;
    if (found) yield { labels: { provider, model, kind, outcome }, counts: found };
  }
}

const errors = (calls: CallMeter): Sample[] =>
  [...calls.errors].flatMap(([provider, classes]) =>
    [...classes].map(([name, count]): Sample => [labels({ provider, class: name }), count]),
  );

/** Families of the fullest budgets. */
export function budgetFamilies(budgets: readonly BudgetFigures[]): string[] {
  const samples = (read: (figures: BudgetFigures) => number): Sample[] =>
    budgets.map((figures) => {
      const { id, scope } = figures.budget;
      return [labels({ budget: id, level: scope.level }), read(figures)];
    });
  return [
    ...family(
      'headgate_budget_limit_dollars',
      'gauge',
      'Limit of a budget, raises included.',
      samples(({ limitNanoUsd }) => Number(limitNanoUsd) / 1e9),
    ),
    ...family(
      'headgate_budget_spent_dollars',
      'gauge',
      "Spent in a budget's window.",
      samples(({ spentNanoUsd }) => Number(spentNanoUsd) / 1e9),
    ),
    ...family('headgate_budget_used_ratio', 'gauge', "Spent part of a budget's limit.", samples(usedShare)),
  ];
}
