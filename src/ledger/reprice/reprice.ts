import type { CallId } from '#kernel/brand.ts';
import { ZERO_USD, addUsd, subUsd, type NanoUsd } from '#kernel/money.ts';
import { SUBSCRIPTION, type Cost, type LedgerEntry } from '#ports/entry.ts';
import { correctionOf, isBilled, type Pricing } from '../entry/correction.ts';

/** Why a row keeps its cost. */
export type Kept =
  /** The book says what the row says. */
  | 'same'
  /** Nothing of it was billed. */
  | 'unbilled'
  /** Its process died: it was charged its reservation, which no count of tokens gives. */
  | 'interrupted'
  /** Its cost is known and the book knows no price now: known is never replaced by unknown. */
  | 'no_price';

export type Repriced = { readonly kept: Kept } | { readonly correction: LedgerEntry };

/** What the book of now makes of a row: from its tokens by bucket, at the time of its call. */
export function repriced(entry: LedgerEntry, newId: () => CallId, pricing: Pricing): Repriced {
  if (entry.status === 'interrupted' || entry.attempts.some(({ status }) => status === 'interrupted'))
    return { kept: 'interrupted' };
  const unbilled = entry.kind === 'count' || entry.priceVersion === SUBSCRIPTION;
  if (unbilled || !entry.attempts.some(isBilled)) return { kept: 'unbilled' };
  const correction = correctionOf(entry, { id: newId(), attempts: entry.attempts }, pricing);
  if (correction.cost === null) return { kept: 'no_price' };
  const same = entry.attempts.every((attempt, i) => sameCost(attempt.cost, correction.attempts[i]!.cost));
  return same && sameCost(entry.cost, correction.cost) ? { kept: 'same' } : { correction };
}

const PARTS = ['input', 'cachedRead', 'cacheWrite', 'output', 'other', 'total'] as const;

const sameCost = (a: Cost | null, b: Cost | null): boolean =>
  a === null || b === null ? a === b : PARTS.every((part) => a[part] === b[part]);

/** Calls of one deployment that went from one version of its price to another. */
export interface RepriceGroup {
  readonly deployment: string;
  /** Null: the price was not known. */
  readonly oldVersion: string | null;
  readonly newVersion: string | null;
  calls: number;
  oldNanoUsd: NanoUsd;
  newNanoUsd: NanoUsd;
  /** Of `calls`, those whose cost was not known. */
  unknownCalls: number;
}

/** The diff of a re-pricing while it is made. */
export class RepriceDiff {
  readonly #groups = new Map<string, RepriceGroup>();
  readonly kept: Record<Kept, number> = { same: 0, unbilled: 0, interrupted: 0, no_price: 0 };

  add(before: LedgerEntry, { cost, priceVersion }: LedgerEntry): void {
    const group = this.#group(before, priceVersion);
    group.calls++;
    if (before.cost === null) group.unknownCalls++;
    group.oldNanoUsd = addUsd(group.oldNanoUsd, before.cost?.total ?? ZERO_USD);
    group.newNanoUsd = addUsd(group.newNanoUsd, cost!.total);
  }

  keep(why: Kept): void {
    this.kept[why]++;
  }

  groups(): readonly RepriceGroup[] {
    return [...this.#groups.values()];
  }

  get calls(): number {
    return this.groups().reduce((sum, { calls }) => sum + calls, 0);
  }

  get differenceNanoUsd(): NanoUsd {
    return this.groups().reduce((sum, group) => addUsd(sum, subUsd(group.newNanoUsd, group.oldNanoUsd)), ZERO_USD);
  }

  #group({ deployment, priceVersion }: LedgerEntry, newVersion: string | null): RepriceGroup {
    const name = `${deployment}\n${priceVersion}\n${newVersion}`;
    let group = this.#groups.get(name);
    if (!group) {
      const zero = { calls: 0, oldNanoUsd: ZERO_USD, newNanoUsd: ZERO_USD, unknownCalls: 0 };
      group = { deployment: deployment ?? '', oldVersion: priceVersion, newVersion, ...zero };
      this.#groups.set(name, group);
    }
    return group;
  }
}
