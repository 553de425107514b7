/** What tenants pay by their price plan, against what they cost. Pure. */
import { costOf, divideHalfEven, nanoUsd, ZERO_USD, type NanoUsd, type PricePerMillion } from '#kernel/money.ts';
import type { AttributionLine } from './attribute.ts';

/** Parts of a tenant's price; all that are given are added. */
export interface TenantPrice {
  /** On what its own calls cost, shared costs left out; in millionths: 20 % is 200,000. */
  readonly markupPartsPerMillion?: number | undefined;
  readonly perMillion?: { readonly [bucket in TokenBucket]?: PricePerMillion | undefined } | undefined;
  readonly perMonthNanoUsd?: NanoUsd | undefined;
}

export const TOKEN_BUCKETS = ['input', 'cachedRead', 'cacheWrite', 'output'] as const;
export type TokenBucket = (typeof TOKEN_BUCKETS)[number];

/** Tokens of whole answers and of cut ones: what the tenant got. */
export type TokenCounts = Readonly<Record<TokenBucket, number>>;

export interface MarginInput {
  readonly lines: readonly AttributionLine[];
  /** Tokens that each tenant got. */
  readonly tokens: ReadonlyMap<string, TokenCounts>;
  /** A tenant's price with the name of what gave it (`plan pro`, `tenant acme`); null: it has none. */
  readonly priceOf: (tenant: string) => { readonly by: string; readonly price: TenantPrice } | null;
}

export interface MarginLine {
  readonly tenant: string | null;
  /** What gave its price; null: it has none, and pays nothing. */
  readonly pricedBy: string | null;
  readonly revenueNanoUsd: NanoUsd;
  /** Its own calls. */
  readonly ownCostNanoUsd: NanoUsd;
  /** Its shares of buckets and fixed costs. */
  readonly sharedCostNanoUsd: NanoUsd;
  readonly costNanoUsd: NanoUsd;
  readonly marginNanoUsd: NanoUsd;
  /** Margin of revenue, 0..1 and below; null where there is no revenue. */
  readonly marginRatio: number | null;
}

/** A line a tenant, the least margin first; costs sum to the lines' amounts. */
export function margins({ lines, tokens, priceOf }: MarginInput): readonly MarginLine[] {
  const groups = Map.groupBy(lines, ({ tenant }) => tenant);
  return [...groups]
    .map(([tenant, own]) => marginOf(tenant, own, { tokens, priceOf }))
    .sort((a, b) => (a.marginNanoUsd === b.marginNanoUsd ? 0 : a.marginNanoUsd < b.marginNanoUsd ? -1 : 1));
}

function marginOf(
  tenant: string | null,
  lines: readonly AttributionLine[],
  { tokens, priceOf }: Omit<MarginInput, 'lines'>,
): MarginLine {
  const sum = (of: readonly AttributionLine[]): bigint => of.reduce((all, one) => all + one.amountNanoUsd, 0n);
  const own = sum(lines.filter(({ bucket }) => bucket === null));
  const cost = sum(lines);
  const found = tenant === null ? null : priceOf(tenant);
  const revenue = found ? revenueOf(found.price, own, tokens.get(tenant!)) : ZERO_USD;
  return {
    tenant,
    pricedBy: found?.by ?? null,
    revenueNanoUsd: revenue,
    ownCostNanoUsd: nanoUsd(own),
    sharedCostNanoUsd: nanoUsd(cost - own),
    costNanoUsd: nanoUsd(cost),
    marginNanoUsd: nanoUsd(revenue - cost),
    marginRatio: revenue === 0n ? null : Number(((revenue - cost) * 1_000_000n) / revenue) / 1_000_000,
  };
}

function revenueOf(price: TenantPrice, ownCost: bigint, tokens: TokenCounts | undefined): NanoUsd {
  const { markupPartsPerMillion: markup, perMillion = {}, perMonthNanoUsd = 0n } = price;
  const marked = markup === undefined ? 0n : divideHalfEven(ownCost * BigInt(1_000_000 + markup), 1_000_000n);
  const byTokens = TOKEN_BUCKETS.reduce((sum, bucket) => {
    const each = perMillion[bucket];
    return each === undefined ? sum : sum + costOf(tokens?.[bucket] ?? 0, each);
  }, 0n);
  return nanoUsd(marked + byTokens + perMonthNanoUsd);
}
