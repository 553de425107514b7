import type { EpochMs } from '#kernel/brand.ts';
import { nanoUsd, parseUsd, type NanoUsd } from '#kernel/money.ts';
import { tenantOf, type Whose } from '#kernel/whose.ts';
import type { Attempt, Cost, LedgerEntry, OutcomeStatus } from './entry.ts';

/*
 * Charges: what each attempt cost, whose it was and what it was for. Rollups of calls know a call by the provider that
 * answered it; a bill knows every attempt by the provider that it was sent to.
 */

/** What the money of an attempt was for. Stored as text: a name is never used again for another meaning. */
export const CHARGE_USES = [
  /** Whole answers. */
  'answer',
  /** Answers that were cut, cancelled or interrupted. */
  'cut',
  /** Last attempts that failed. */
  'failed',
  /** Failed attempts of calls that were tried again. */
  'retry',
  /** Attempts that were cancelled because another one of the same call answered. */
  'hedge',
  /** The rest of answers whose gates had died in mid-stream, however it ended. */
  'redrive',
] as const;
export type ChargeUse = (typeof CHARGE_USES)[number];

/**
 * By what charges are grouped and filtered. `price`: the version of the prices that gave the call's cost; null: it has
 * none, or was summed before versions were.
 */
export const CHARGE_DIMENSIONS = [
  'environment',
  'tenant',
  'feature',
  'kind',
  'provider',
  'deployment',
  'use',
  'price',
] as const;
export type ChargeDimension = (typeof CHARGE_DIMENSIONS)[number];

/** Values in the order of {@link CHARGE_DIMENSIONS}. */
export type ChargeFacts = readonly (string | null)[];

export interface ChargeSums {
  /** Requests to a provider. */
  attempts: number;
  costNanoUsd: bigint;
  /** Part of `costNanoUsd` that wrote a provider's prompt cache. */
  cacheWriteNanoUsd: bigint;
  /** Part of `costNanoUsd` that rests on estimated tokens. */
  estimatedNanoUsd: bigint;
  /** Billed attempts whose price is unknown: their money is NOT in `costNanoUsd`. */
  unknownCostAttempts: number;
  /** What the provider said that attempts cost, where it says so. */
  statedNanoUsd: bigint;
  /** What those attempts cost by our prices: part of `costNanoUsd`. */
  ownOfStatedNanoUsd: bigint;
  inputTokens: number;
  cachedReadTokens: number;
  cacheWriteTokens: number;
  outputTokens: number;
}

export interface ChargesRow extends Readonly<
  Omit<ChargeSums, 'costNanoUsd' | 'cacheWriteNanoUsd' | 'estimatedNanoUsd' | 'statedNanoUsd' | 'ownOfStatedNanoUsd'>
> {
  /** Start of the bucket; null where none was asked for. */
  readonly at: EpochMs | null;
  /** Value of each asked dimension in order; null where the entry has none. */
  readonly by: readonly (string | null)[];
  readonly costNanoUsd: NanoUsd;
  readonly cacheWriteNanoUsd: NanoUsd;
  readonly estimatedNanoUsd: NanoUsd;
  readonly statedNanoUsd: NanoUsd;
  readonly ownOfStatedNanoUsd: NanoUsd;
}

/**
 * Which charges count. `now`: all that count now, by the time of their calls. `closed`: the same without what came
 * after the books of that time were closed. `late`: what came after that, by the time at which it came; money that was
 * taken back is less than nothing.
 */
export type ChargesBasis = 'now' | 'closed' | 'late';

export interface ChargesQuestion extends Readonly<Partial<Record<Exclude<ChargeDimension, 'tenant'>, string>>> {
  readonly whose: Whose;
  /** Half-open `[from, to)`. */
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly by: readonly ChargeDimension[];
  /** Cuts the window into hours, aligned in UTC; not for `late`. */
  readonly bucket?: 'hour';
  /** Default: `now`. */
  readonly basis?: ChargesBasis;
}

export interface ChargesAnswer {
  /** From when on charges are known: later than asked where the store holds no more. */
  readonly from: EpochMs;
  readonly rows: readonly ChargesRow[];
}

/** Books of a month that are closed: its figures stay as they were. */
export interface ClosedMonth {
  /** `2026-10`. */
  readonly month: string;
  readonly from: EpochMs;
  readonly to: EpochMs;
  readonly closedAt: EpochMs;
  /** JSON of the figures, as they were reported when it was closed. */
  readonly figures: string;
}

/** Late charges are kept by the quarter of an hour of their calls: a month begins at one in every time zone. */
export const LATE_GRAIN_MS = 900_000;

export const emptyChargeSums = (): ChargeSums => ({
  attempts: 0,
  costNanoUsd: 0n,
  cacheWriteNanoUsd: 0n,
  estimatedNanoUsd: 0n,
  unknownCostAttempts: 0,
  statedNanoUsd: 0n,
  ownOfStatedNanoUsd: 0n,
  inputTokens: 0,
  cachedReadTokens: 0,
  cacheWriteTokens: 0,
  outputTokens: 0,
});

/** Adds sums, or with `sign` −1 takes away what was added before. */
export function addChargeSums(into: ChargeSums, from: Readonly<ChargeSums>, sign: 1 | -1 = 1): void {
  const money = BigInt(sign);
  into.attempts += sign * from.attempts;
  into.costNanoUsd += money * from.costNanoUsd;
  into.cacheWriteNanoUsd += money * from.cacheWriteNanoUsd;
  into.estimatedNanoUsd += money * from.estimatedNanoUsd;
  into.unknownCostAttempts += sign * from.unknownCostAttempts;
  into.statedNanoUsd += money * from.statedNanoUsd;
  into.ownOfStatedNanoUsd += money * from.ownOfStatedNanoUsd;
  into.inputTokens += sign * from.inputTokens;
  into.cachedReadTokens += sign * from.cachedReadTokens;
  into.cacheWriteTokens += sign * from.cacheWriteTokens;
  into.outputTokens += sign * from.outputTokens;
}

/** What the answer of a call, or the last try of one, was worth. */
export function useOfLast(status: OutcomeStatus): ChargeUse {
  if (status === 'ok') return 'answer';
  return status === 'truncated' || status === 'cancelled' || status === 'interrupted' ? 'cut' : 'failed';
}

/** The attempt whose answer the caller got: the one that was whole, else the last. */
const answering = (attempts: readonly Attempt[]): Attempt | undefined =>
  attempts.find(({ status }) => status === 'ok') ?? attempts.at(-1);

function useOf({ redriveOf }: LedgerEntry, attempt: Attempt, last: Attempt | undefined): ChargeUse {
  if (redriveOf !== null) return 'redrive';
  if (attempt === last) return useOfLast(attempt.status);
  return attempt.status === 'cancelled' ? 'hedge' : 'retry';
}

export interface Charge {
  readonly facts: ChargeFacts;
  readonly sums: ChargeSums;
}

/**
 * The charges of a call: one an attempt. Money of the call that no attempt has (a reservation that was charged whole)
 * is a charge of its own at the call's provider, so that charges sum to the call's cost wherever that is known.
 */
export function chargesOf(entry: LedgerEntry): readonly Charge[] {
  const last = answering(entry.attempts);
  const charges = entry.attempts.map((attempt) => ({
    facts: factsOf(entry, attempt, useOf(entry, attempt, last)),
    sums: sumsOf(attempt),
  }));
  const rest = restOf(entry);
  if (rest === null) return charges;
  const use = entry.redriveOf === null ? useOfLast(entry.status) : 'redrive';
  return [...charges, { facts: factsOf(entry, entry, use), sums: rest }];
}

const factsOf = (
  { environment, tenant, feature, kind, priceVersion }: LedgerEntry,
  { provider, deployment }: Pick<LedgerEntry, 'provider' | 'deployment'>,
  use: ChargeUse,
): ChargeFacts => [environment, tenant, feature, kind, provider, deployment, use, priceVersion];

function sumsOf({ cost, usage, usageSource }: Pick<Attempt, 'cost' | 'usage' | 'usageSource'>): ChargeSums {
  const total = cost?.total ?? 0n;
  const stated = usage?.statedCostUsd == null ? null : parseUsd(usage.statedCostUsd);
  return {
    attempts: 1,
    costNanoUsd: total,
    cacheWriteNanoUsd: cost?.cacheWrite ?? 0n,
    estimatedNanoUsd: usageSource === 'estimated' ? total : 0n,
    unknownCostAttempts: cost === null && usage !== null && usageSource !== 'none' ? 1 : 0,
    statedNanoUsd: stated ?? 0n,
    ownOfStatedNanoUsd: stated === null ? 0n : total,
    inputTokens: usage?.inputTokens ?? 0,
    cachedReadTokens: usage?.cachedReadTokens ?? 0,
    cacheWriteTokens: usage?.cacheWriteTokens ?? 0,
    outputTokens: usage?.outputTokens ?? 0,
  };
}

const sumOf = (attempts: readonly Attempt[], part: keyof Cost): bigint =>
  attempts.reduce((sum, { cost }) => sum + (cost?.[part] ?? 0n), 0n);

/** What the call cost beyond its attempts; null: nothing. */
function restOf({ cost, attempts, usage, usageSource }: LedgerEntry): ChargeSums | null {
  if (cost === null || cost.total === sumOf(attempts, 'total')) return null;
  const own = attempts.length === 0 ? sumsOf({ cost, usage, usageSource }) : emptyChargeSums();
  const total = cost.total - sumOf(attempts, 'total');
  return {
    ...own,
    attempts: 0,
    costNanoUsd: total,
    cacheWriteNanoUsd: cost.cacheWrite - sumOf(attempts, 'cacheWrite'),
    estimatedNanoUsd: usageSource === 'estimated' ? total : 0n,
  };
}

/** What a question asks of a dimension; undefined: anything. */
export const wantedCharge = (question: ChargesQuestion, name: ChargeDimension): string | undefined =>
  name === 'tenant' ? (tenantOf(question.whose) ?? undefined) : question[name];

/** Do facts pass all of a filter but its window? */
export const chargeMatches = (facts: ChargeFacts, question: ChargesQuestion): boolean =>
  CHARGE_DIMENSIONS.every((name, i) => [undefined, facts[i]].includes(wantedCharge(question, name)));

interface Group {
  readonly at: number | null;
  readonly by: readonly (string | null)[];
}

const isEmpty = (sums: ChargeSums): boolean => Object.values(sums).every((value) => value === 0 || value === 0n);

/** Groups under construction, by the JSON of what they have in common. */
export class ChargeGroups {
  readonly #groups = new Map<string, Group & { readonly sums: ChargeSums }>();

  of(group: Group): ChargeSums {
    const name = JSON.stringify([group.at, group.by]);
    let found = this.#groups.get(name);
    if (!found) this.#groups.set(name, (found = { ...group, sums: emptyChargeSums() }));
    return found.sums;
  }

  /** Adds a charge under the asked dimensions. */
  add(question: ChargesQuestion, charge: Charge & { readonly at: number | null }, sign: 1 | -1 = 1): void {
    const by = question.by.map((name) => charge.facts[CHARGE_DIMENSIONS.indexOf(name)] ?? null);
    addChargeSums(this.of({ at: charge.at, by }), charge.sums, sign);
  }

  /** Groups in which there is anything: hours in order, within one the dearest first. */
  rows(): readonly ChargesRow[] {
    return [...this.#groups.values()]
      .filter(({ sums }) => !isEmpty(sums))
      .map(({ at, by, sums }) => rowOf({ at, by }, sums))
      .sort(dearestFirst);
  }
}

const rowOf = ({ at, by }: Group, sums: ChargeSums): ChargesRow => ({
  at: at as EpochMs | null,
  by,
  ...sums,
  costNanoUsd: nanoUsd(sums.costNanoUsd),
  cacheWriteNanoUsd: nanoUsd(sums.cacheWriteNanoUsd),
  estimatedNanoUsd: nanoUsd(sums.estimatedNanoUsd),
  statedNanoUsd: nanoUsd(sums.statedNanoUsd),
  ownOfStatedNanoUsd: nanoUsd(sums.ownOfStatedNanoUsd),
});

function dearestFirst(a: ChargesRow, b: ChargesRow): number {
  if (a.at !== b.at) return (a.at ?? 0) - (b.at ?? 0);
  if (a.costNanoUsd !== b.costNanoUsd) return a.costNanoUsd > b.costNanoUsd ? -1 : 1;
  return JSON.stringify(a.by) < JSON.stringify(b.by) ? -1 : 1;
}
