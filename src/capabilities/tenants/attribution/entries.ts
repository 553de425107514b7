/** The entries behind a line of a bill: the same charges, looked for one by one. */
import type { CallId, EpochMs } from '#kernel/brand.ts';
import { namedOr } from '#kernel/whose.ts';
import { nanoUsd, type NanoUsd } from '#kernel/money.ts';
import { CHARGE_DIMENSIONS, chargesOf, type Charge, type ChargeDimension } from '#ports/charges.ts';
import { CALL_KINDS, type CallKind, type LedgerEntry, type OutcomeStatus } from '#ports/entry.ts';
import type { CallsQuestion, LedgerStore } from '#ports/ledger-store.ts';
import { bucketOf, purposesOf, type AttributedCharge, type SharedBucket } from './core/attribute.ts';

/** Which line. `null` names what has none; an absent one is every. */
export interface LineAsked {
  readonly tenant?: string | undefined;
  readonly feature?: string | null | undefined;
  readonly provider?: string | null | undefined;
  readonly purpose?: string | undefined;
  /** Null: the tenant's own calls; a name: those that went into this bucket, whoever made them. */
  readonly bucket: string | null;
}

export interface EntryLine {
  readonly call: CallId;
  readonly at: EpochMs;
  readonly tenant: string;
  readonly feature: string | null;
  readonly kind: CallKind;
  readonly model: string;
  readonly status: OutcomeStatus;
  /** Requests of the call whose money is in this line. */
  readonly attempts: number;
  readonly providers: readonly string[];
  readonly purposes: readonly string[];
  readonly amountNanoUsd: NanoUsd;
}

export interface EntryPage {
  readonly entries: readonly EntryLine[];
  readonly amountNanoUsd: NanoUsd;
  /** Entries that were looked at, those of other lines too. */
  readonly lookedAt: number;
  /** Goes on after this entry; null: there are no more. */
  readonly next: CallId | null;
}

interface Question {
  readonly ledger: Pick<LedgerStore, 'calls'>;
  readonly shared: readonly SharedBucket[];
  readonly window: { readonly from: EpochMs; readonly to: EpochMs };
  readonly line: LineAsked;
  readonly limit: number;
  readonly before?: CallId | undefined;
}

/** Entries that one question looks at; waste is rare, and a page of it may be far apart. */
const MOST_LOOKED = 5_000;
const PAGE = 1_000;

/** The newest first. */
export async function lineEntries({ ledger, shared, window, line, limit, before }: Question): Promise<EntryPage> {
  const entries: EntryLine[] = [];
  let [lookedAt, cursor, more] = [0, before, true];
  while (more && entries.length < limit && lookedAt < MOST_LOOKED) {
    const page = await ledger.calls({
      ...window,
      ...filterOf(line, shared),
      ...(cursor !== undefined && { before: cursor }),
      counted: true,
      limit: PAGE,
    });
    more = page.length === PAGE;
    for (const entry of page) {
      lookedAt++;
      cursor = entry.id;
      const found = lineOf(entry, line, shared);
      if (found !== null) entries.push(found);
      if (entries.length < limit) continue;
      more ||= entry !== page.at(-1);
      break;
    }
  }
  const amount = entries.reduce((sum, { amountNanoUsd }) => sum + amountNanoUsd, 0n);
  return { entries, amountNanoUsd: nanoUsd(amount), lookedAt, next: more ? (cursor ?? null) : null };
}

/** What the store can tell by itself; the rest is told entry by entry. */
function filterOf(
  { tenant, feature, purpose, bucket }: LineAsked,
  shared: readonly SharedBucket[],
): Pick<CallsQuestion, 'whose'> {
  const of = shared.find(({ name }) => name === bucket);
  const named = tenant ?? only(of?.tenants);
  const kind = CALL_KINDS.find((name) => name === purpose) ?? only(of?.kinds);
  return {
    whose: namedOr(named, 'a line of the operator’s bill'),
    ...(typeof feature === 'string' && { feature }),
    ...(kind !== undefined && { kind: kind as CallKind }),
  };
}

const only = (list: readonly string[] | undefined): string | undefined => (list?.length === 1 ? list[0] : undefined);

function lineOf(entry: LedgerEntry, line: LineAsked, shared: readonly SharedBucket[]): EntryLine | null {
  const parts = chargesOf(entry).flatMap((charge) => partsIn(attributed(charge), line, shared));
  if (parts.length === 0) return null;
  return {
    ...{ call: entry.id, at: entry.at, tenant: entry.tenant, feature: entry.feature, kind: entry.kind },
    ...{ model: entry.modelAsked, status: entry.status },
    attempts: parts.reduce((sum, { attempts }) => sum + attempts, 0),
    providers: [...new Set(parts.flatMap(({ provider }) => provider ?? []))],
    purposes: [...new Set(parts.map(({ purpose }) => purpose))],
    amountNanoUsd: nanoUsd(parts.reduce((sum, { amount }) => sum + amount, 0n)),
  };
}

function attributed({ facts, sums }: Charge): AttributedCharge {
  const of = (name: ChargeDimension): string | null => facts[CHARGE_DIMENSIONS.indexOf(name)] ?? null;
  return {
    ...{ provider: of('provider'), tenant: of('tenant')!, feature: of('feature'), kind: of('kind')!, use: of('use')! },
    ...{ attempts: sums.attempts, tokens: sums.inputTokens + sums.outputTokens },
    outputTokens: sums.outputTokens,
    ...{ costNanoUsd: sums.costNanoUsd, cacheWriteNanoUsd: sums.cacheWriteNanoUsd },
  };
}

interface Part {
  readonly purpose: string;
  readonly provider: string | null;
  readonly attempts: number;
  readonly amount: bigint;
}

/** Parts of a charge that are in the line: told apart by the functions that made the bill. */
function partsIn(charge: AttributedCharge, line: LineAsked, shared: readonly SharedBucket[]): Part[] {
  const { tenant, feature, provider, purpose } = line;
  if (tenant !== undefined && charge.tenant !== tenant) return [];
  if (feature !== undefined && charge.feature !== feature) return [];
  if (provider !== undefined && charge.provider !== provider) return [];
  if ((bucketOf(charge, shared)?.name ?? null) !== line.bucket) return [];
  return purposesOf(charge)
    .filter(([name, amount]) => amount !== 0n && (purpose === undefined || name === purpose))
    .map(([name, amount]) => ({ purpose: name, provider: charge.provider, attempts: charge.attempts, amount }));
}
