/** From charges, shared buckets and fixed costs to lines whose sum is the bill. Pure. */
import { invariant } from '#kernel/invariant.ts';
import { nanoUsd, type NanoUsd } from '#kernel/money.ts';
import type { ChargeUse } from '#ports/charges.ts';
import type { CallKind } from '#ports/entry.ts';
import { amountsOf, type FixedCost, type FixedKind } from './contracts.ts';
import { evenWeights, splitByWeights } from './split.ts';

/** By what a shared bucket is split among those that called in the month. */
export const SHARE_RULES = ['even', 'tokens', 'requests', 'cost'] as const;
export type ShareRule = (typeof SHARE_RULES)[number];

/** What the money of a line was for. */
export type Purpose =
  | ChargeUse
  /** Part of whole answers that wrote a provider's prompt cache. */
  | 'cache_write'
  /** Calls that no user asked for, by their kind. */
  | 'probe'
  | 'shadow'
  | 'eval'
  | 'guardrail'
  | 'sandbox'
  | FixedKind
  /** Money that came, or was taken back, in this month for calls of a closed one. */
  | 'adjustment';

export type { FixedCost } from './contracts.ts';

/** Sums of charges of one provider, tenant, feature, kind and use. */
export interface AttributedCharge {
  readonly provider: string | null;
  readonly tenant: string;
  readonly feature: string | null;
  readonly kind: string;
  readonly use: string;
  readonly attempts: number;
  readonly tokens: number;
  /** Part of `tokens`. */
  readonly outputTokens: number;
  readonly costNanoUsd: bigint;
  readonly cacheWriteNanoUsd: bigint;
}

/** Charges that belong to all: which, and by what rule they are split. Absent lists match everything. */
export interface SharedBucket {
  readonly name: string;
  readonly rule: ShareRule;
  readonly kinds?: readonly string[] | undefined;
  readonly uses?: readonly string[] | undefined;
  readonly tenants?: readonly string[] | undefined;
  readonly features?: readonly (string | null)[] | undefined;
  readonly providers?: readonly string[] | undefined;
}

export interface AttributionLine {
  /** Null: calls that no provider was sent. */
  readonly provider: string | null;
  /** Null: nobody called in the month, so that a bucket stays whole. */
  readonly tenant: string | null;
  /** Null: the calls named none. */
  readonly feature: string | null;
  /** Name of the shared bucket or fixed cost that the money came through; null: it is the tenant's own. */
  readonly bucket: string | null;
  readonly rule: ShareRule | null;
  readonly purpose: Purpose;
  readonly amountNanoUsd: NanoUsd;
}

export interface AttributionInput {
  readonly charges: readonly AttributedCharge[];
  /** What this month adds for months that are closed. */
  readonly adjustments?: readonly AttributedCharge[];
  readonly shared: readonly SharedBucket[];
  readonly fixed: readonly FixedCost[];
}

/** Lines, the dearest first; their sum is what providers bill: charges, adjustments and fixed costs. */
export function attribute(input: AttributionInput): readonly AttributionLine[] {
  const lines = new Lines();
  const pots: Pot[] = [];
  for (const charge of input.charges) place(charge, purposesOf(charge), input.shared, { lines, pots });
  for (const charge of input.adjustments ?? [])
    place(charge, [['adjustment', charge.costNanoUsd]], input.shared, { lines, pots });
  const amounts = amountsOf(input.fixed, input.charges);
  const contracts = input.fixed.flatMap((fixed, i) => fixedPot(fixed, amounts[i]!, input));
  const users = usersOf(input);
  for (const pot of [...gathered(pots), ...contracts]) split(pot, users, lines);
  const all = lines.all();
  const billed = billedOf(input);
  invariant(all.reduce((sum, { amountNanoUsd }) => sum + amountNanoUsd, 0n) === billed, 'attributed = billed');
  return all;
}

/** What providers bill: the sum that lines must have. */
export function billedOf({ charges, adjustments = [], fixed }: AttributionInput): bigint {
  const costs = [...charges, ...adjustments].reduce((sum, { costNanoUsd }) => sum + costNanoUsd, 0n);
  return amountsOf(fixed, charges).reduce((sum, amount) => sum + amount, costs);
}

const SPECIAL: ReadonlySet<string> = new Set<CallKind>(['probe', 'shadow', 'eval', 'guardrail', 'sandbox']);

/** Parts of a charge by what they were for. A whole answer's cache write is named apart; of waste all is waste. */
export function purposesOf({ kind, use, costNanoUsd, cacheWriteNanoUsd }: AttributedCharge): [Purpose, bigint][] {
  if (SPECIAL.has(kind)) return [[kind as Purpose, costNanoUsd]];
  if (use !== 'answer') return [[use as Purpose, costNanoUsd]];
  return [
    ['answer', costNanoUsd - cacheWriteNanoUsd],
    ['cache_write', cacheWriteNanoUsd],
  ];
}

const allows = <T>(list: readonly T[] | undefined, value: T): boolean => list === undefined || list.includes(value);

/** The bucket that a charge goes into: the first that matches. */
export const bucketOf = (charge: AttributedCharge, shared: readonly SharedBucket[]): SharedBucket | undefined =>
  shared.find(
    ({ kinds, uses, tenants, features, providers }) =>
      allows(kinds, charge.kind) &&
      allows(uses, charge.use) &&
      allows(tenants, charge.tenant) &&
      allows(features, charge.feature) &&
      (providers === undefined || (charge.provider !== null && providers.includes(charge.provider))),
  );

/** Money that is to be split. */
interface Pot {
  readonly provider: string | null;
  readonly bucket: string;
  readonly rule: ShareRule;
  readonly purpose: Purpose;
  /** True: only those that called this provider share in it. */
  readonly ofProvider: boolean;
  /** Only those that called on these charges, where they are not all of the month. */
  readonly users?: Users | undefined;
  readonly amount: bigint;
}

interface Targets {
  readonly lines: Lines;
  readonly pots: Pot[];
}

function place(
  charge: AttributedCharge,
  parts: readonly (readonly [Purpose, bigint])[],
  shared: readonly SharedBucket[],
  { lines, pots }: Targets,
): void {
  const { provider, tenant, feature } = charge;
  const bucket = bucketOf(charge, shared);
  for (const [purpose, amount] of parts) {
    if (amount === 0n) continue;
    if (bucket) pots.push({ provider, bucket: bucket.name, rule: bucket.rule, purpose, ofProvider: false, amount });
    else lines.add({ provider, tenant, feature, bucket: null, rule: null, purpose }, amount);
  }
}

function fixedPot({ name, provider, rule, kind, charges }: FixedCost, amount: bigint, input: AttributionInput): Pot[] {
  if (amount === 0n) return [];
  const users = charges && usersOf({ ...input, charges });
  return [{ provider, bucket: name, rule, purpose: kind, ofProvider: true, users, amount }];
}

/** One pot for each bucket, provider and purpose: rounding then happens once for all of it. */
function gathered(pots: readonly Pot[]): Pot[] {
  const groups = Map.groupBy(pots, ({ bucket, provider, purpose }) => JSON.stringify([bucket, provider, purpose]));
  return [...groups.values()].map((group) => ({
    ...group[0]!,
    amount: group.reduce((sum, { amount }) => sum + amount, 0n),
  }));
}

/** Who called on its own account, and how much. */
interface User {
  readonly tenant: string;
  readonly feature: string | null;
  tokens: bigint;
  requests: bigint;
  cost: bigint;
}

interface Users {
  readonly all: readonly User[];
  readonly ofProvider: ReadonlyMap<string | null, readonly User[]>;
}

function usersOf({ charges, shared }: AttributionInput): Users {
  const own = charges.filter((charge) => bucketOf(charge, shared) === undefined && charge.attempts > 0);
  const byProvider = Map.groupBy(own, ({ provider }) => provider);
  return {
    all: summed(own),
    ofProvider: new Map([...byProvider].map(([provider, group]) => [provider, summed(group)])),
  };
}

const userName = ({ tenant, feature }: Pick<User, 'tenant' | 'feature'>): string => JSON.stringify([tenant, feature]);

/** In the order of their names, so that the same month gives the same lines. */
function summed(charges: readonly AttributedCharge[]): readonly User[] {
  const users = new Map<string, User>();
  for (const { tenant, feature, attempts, tokens, costNanoUsd } of charges) {
    const name = userName({ tenant, feature });
    let user = users.get(name);
    if (!user) users.set(name, (user = { tenant, feature, tokens: 0n, requests: 0n, cost: 0n }));
    user.tokens += BigInt(tokens);
    user.requests += BigInt(attempts);
    user.cost += costNanoUsd;
  }
  return [...users.keys()].sort().map((name) => users.get(name)!);
}

const atLeastNone = (value: bigint): bigint => (value > 0n ? value : 0n);

function weightsOf(users: readonly User[], rule: ShareRule): bigint[] {
  if (rule === 'even') return evenWeights(users.map(({ tenant }) => tenant));
  return users.map(({ tokens, requests, cost }) => atLeastNone({ tokens, requests, cost }[rule]));
}

function split(pot: Pot, month: Users, lines: Lines): void {
  const { provider, bucket, rule, purpose, ofProvider, amount, users = month } = pot;
  const sharing = (ofProvider ? users.ofProvider.get(provider) : undefined) ?? users.all;
  if (sharing.length === 0) return lines.add({ provider, tenant: null, feature: null, bucket, rule, purpose }, amount);
  const shares = splitByWeights(amount, weightsOf(sharing, rule));
  sharing.forEach(({ tenant, feature }, i) =>
    lines.add({ provider, tenant, feature, bucket, rule, purpose }, shares[i]!),
  );
}

type LineName = Omit<AttributionLine, 'amountNanoUsd'>;

/** Lines under construction: one for each name. */
class Lines {
  readonly #sums = new Map<string, { readonly name: LineName; amount: bigint }>();

  add(name: LineName, amount: bigint): void {
    if (amount === 0n) return;
    const { provider, tenant, feature, bucket, purpose } = name;
    const key = JSON.stringify([provider, tenant, feature, bucket, purpose]);
    const found = this.#sums.get(key);
    if (found) found.amount += amount;
    else this.#sums.set(key, { name, amount });
  }

  all(): readonly AttributionLine[] {
    return [...this.#sums]
      .filter(([, { amount }]) => amount !== 0n)
      .sort(([a, one], [b, other]) => compare(other.amount, one.amount) || (a < b ? -1 : 1))
      .map(([, { name, amount }]) => ({ ...name, amountNanoUsd: nanoUsd(amount) }));
  }
}

const compare = (a: bigint, b: bigint): number => (a === b ? 0 : a > b ? 1 : -1);
