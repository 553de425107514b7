import type { EpochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { tenantOf } from '#kernel/whose.ts';
import { DdSketch } from '#math/ddsketch.ts';
import { nanoUsd } from '#kernel/money.ts';
import { asSaid, type LedgerEntry, type OutcomeStatus } from './entry.ts';
import type { Dimension, LedgerFilter, SpendRow } from './ledger-store.ts';

/** Widths of the rollups, aligned in UTC. */
export type Grain = 'minute' | 'hour' | 'day';
export const GRAIN_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const satisfies Record<Grain, number>;

/** Start of the bucket that holds a time. */
export const floorTo = (at: number, grain: Grain): EpochMs => (at - (at % GRAIN_MS[grain])) as EpochMs;

/** What a rollup row is keyed by beside its time. Session and end user are never among them: they have no bound. */
export type RollupDimension = Exclude<Dimension, `label:${string}`>;
export const ROLLUP_DIMENSIONS = [
  'environment',
  'tenant',
  'team',
  'feature',
  'key',
  'kind',
  'purpose',
  'model',
  'deployment',
  'provider',
  'outcome',
] as const satisfies readonly RollupDimension[];

/** The entry's values in the order of {@link ROLLUP_DIMENSIONS}. `model` is the name that the caller asked for. */
export const rollupKey = (entry: LedgerEntry): readonly (string | null)[] => [
  entry.environment,
  entry.tenant,
  entry.team,
  entry.feature,
  entry.key,
  entry.kind,
  entry.purpose,
  entry.modelAsked,
  entry.deployment,
  entry.provider,
  entry.status,
];

/** Did the call fail by other than its caller's will? */
export const isError = (status: OutcomeStatus): boolean => status !== 'ok' && status !== 'cancelled';

/** Sums of one group while they are made; a {@link SpendRow} when they are done. */
export interface RollupSums {
  calls: number;
  errors: number;
  costNanoUsd: bigint;
  unknownCostCalls: number;
  estimatedNanoUsd: bigint;
  savedNanoUsd: bigint;
  inputTokens: number;
  cachedReadTokens: number;
  cacheWriteTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  readonly totalMs: DdSketch;
  readonly firstTokenMs: DdSketch;
}

export const emptySums = (): RollupSums => ({
  calls: 0,
  errors: 0,
  costNanoUsd: 0n,
  unknownCostCalls: 0,
  estimatedNanoUsd: 0n,
  savedNanoUsd: 0n,
  inputTokens: 0,
  cachedReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  totalMs: new DdSketch(),
  firstTokenMs: new DdSketch(),
});

/** Adds one call. Sums leave out what is null; `unknownCostCalls` says how often that was the cost. */
export function addEntry(sums: RollupSums, entry: LedgerEntry): void {
  const { cost, usage, timing } = entry;
  sums.calls += 1;
  if (isError(entry.status)) sums.errors += 1;
  if (cost === null) sums.unknownCostCalls += 1;
  else {
    sums.costNanoUsd += cost.total;
    if (entry.usageSource === 'estimated') sums.estimatedNanoUsd += cost.total;
  }
  sums.savedNanoUsd += entry.savedCostNanoUsd ?? 0n;
  sums.inputTokens += usage.inputTokens ?? 0;
  sums.cachedReadTokens += usage.cachedReadTokens ?? 0;
  sums.cacheWriteTokens += usage.cacheWriteTokens ?? 0;
  sums.outputTokens += usage.outputTokens ?? 0;
  sums.reasoningTokens += usage.reasoningTokens ?? 0;
  if (timing.totalMs !== null) sums.totalMs.add(timing.totalMs);
  if (timing.firstTokenMs !== null) sums.firstTokenMs.add(timing.firstTokenMs);
}

/** Adds one group's sums to another's, or with `sign` −1 takes away what was added before. */
export function addSums(into: RollupSums, from: RollupSums, sign: 1 | -1 = 1): void {
  const money = BigInt(sign);
  into.calls += sign * from.calls;
  into.errors += sign * from.errors;
  into.costNanoUsd += money * from.costNanoUsd;
  into.unknownCostCalls += sign * from.unknownCostCalls;
  into.estimatedNanoUsd += money * from.estimatedNanoUsd;
  into.savedNanoUsd += money * from.savedNanoUsd;
  into.inputTokens += sign * from.inputTokens;
  into.cachedReadTokens += sign * from.cachedReadTokens;
  into.cacheWriteTokens += sign * from.cacheWriteTokens;
  into.outputTokens += sign * from.outputTokens;
  into.reasoningTokens += sign * from.reasoningTokens;
  const change = sign === 1 ? 'merge' : 'subtract';
  into.totalMs[change](from.totalMs);
  into.firstTokenMs[change](from.firstTokenMs);
}

export function spendRow(by: readonly (string | null)[], sums: RollupSums): SpendRow {
  const { totalMs, firstTokenMs, ...counts } = sums;
  return {
    by,
    ...counts,
    costNanoUsd: nanoUsd(sums.costNanoUsd),
    estimatedNanoUsd: nanoUsd(sums.estimatedNanoUsd),
    savedNanoUsd: nanoUsd(sums.savedNanoUsd),
    totalMsSketch: totalMs.toText(),
    firstTokenMsSketch: firstTokenMs.toText(),
  };
}

/** Groups under construction, by the JSON of their dimension values. */
export class SpendGroups {
  readonly #groups = new Map<string, { readonly by: readonly (string | null)[]; readonly sums: RollupSums }>();
  readonly #most: number;

  /** `most`: a question with more groups is refused. */
  constructor(most = Infinity) {
    this.#most = most;
  }

  of(by: readonly (string | null)[]): RollupSums {
    const name = JSON.stringify(by);
    let group = this.#groups.get(name);
    if (!group) {
      if (this.#groups.size >= this.#most) throw tooMany(this.#most);
      this.#groups.set(name, (group = { by, sums: emptySums() }));
    }
    return group.sums;
  }

  each(): Iterable<{ readonly by: readonly (string | null)[]; readonly sums: RollupSums }> {
    return this.#groups.values();
  }

  /** Groups with at least one call: buckets in time order, within one the dearest first. */
  rows(bucketed: boolean): readonly SpendRow[] {
    const rows = [...this.#groups.values()].filter(({ sums }) => sums.calls !== 0);
    return rows.map(({ by, sums }) => spendRow(by, sums)).sort((a, b) => compareRows(a, b, bucketed));
  }
}

/**
 * Groups of one answer, with and without sketches. A question with more would take the memory of whoever answers it,
 * and with it the store from everybody: 30,000 with sketches were more than 128 MB (measured).
 */
export const mostGroups = ({ sketches }: { readonly sketches?: boolean | undefined }): number =>
  sketches === false ? 100_000 : 20_000;

const tooMany = (most: number): HeadgateError =>
  new HeadgateError('invalid_request', {
    field: 'by',
    message: `The answer has more than ${most} groups: name a tenant, ask by fewer dimensions, or for a shorter time.`,
  });

function compareRows(a: SpendRow, b: SpendRow, bucketed: boolean): number {
  if (bucketed && a.by[0] !== b.by[0]) return Number(a.by[0]) - Number(b.by[0]);
  if (a.costNanoUsd !== b.costNanoUsd) return a.costNanoUsd > b.costNanoUsd ? -1 : 1;
  return JSON.stringify(a.by) < JSON.stringify(b.by) ? -1 : 1;
}

/** Name of the label that a dimension means, or null where it means a column. */
export const labelOf = (dimension: Dimension): string | null =>
  dimension.startsWith('label:') ? dimension.slice('label:'.length) : null;

/** The entry's value in a dimension. */
export function valueIn(entry: LedgerEntry, dimension: Dimension): string | null {
  const label = labelOf(dimension);
  if (label !== null) return labelValue(entry, label);
  return rollupKey(entry)[ROLLUP_DIMENSIONS.indexOf(dimension as RollupDimension)] ?? null;
}

const labelValue = (entry: LedgerEntry, name: string): string | null =>
  Object.hasOwn(entry.labels, name) ? entry.labels[name]! : null;

/** What a filter asks of a dimension; undefined: anything. */
export const wantedIn = (filter: Omit<LedgerFilter, 'from' | 'to'>, name: RollupDimension): string | undefined =>
  name === 'tenant' ? (tenantOf(filter.whose) ?? undefined) : filter[name];

/** The same of calls: a label's value may be the one that counts, or what the call said. */
export const matchesCall = (entry: LedgerEntry, filter: LedgerFilter): boolean =>
  matches(entry, filter) || (filter.label !== undefined && matches({ ...entry, labels: asSaid(entry).labels }, filter));

/** Does an entry pass all of a filter but its window? */
export function matches(entry: LedgerEntry, filter: LedgerFilter): boolean {
  if (filter.session !== undefined && entry.session !== filter.session) return false;
  if (filter.endUser !== undefined && entry.endUser !== filter.endUser) return false;
  if (filter.label && labelValue(entry, filter.label.name) !== filter.label.value) return false;
  return ROLLUP_DIMENSIONS.every((name) => [undefined, valueIn(entry, name)].includes(wantedIn(filter, name)));
}
