/**
 * Rows of FOCUS 1.2, the FinOps Open Cost and Usage Specification
 * (https://focus.finops.org/focus-specification/v1-2/): one a period, tenant, team, feature, deployment and kind of
 * token. Parts of entries are added and never divided, so that the rows sum to the ledger to the nano-dollar. Pure.
 */
import { iso } from '#kernel/clock.ts';
import { usdDecimal, type NanoUsd } from '#kernel/money.ts';
import type { Cost, LedgerEntry } from '#ports/entry.ts';
import { GRAIN_MS } from '#ports/rollups.ts';
import type { CellKind, Column } from './csv.ts';

export type FocusPeriod = 'hour' | 'day';

type Meter = Exclude<keyof Cost, 'total'>;

interface MeterWords {
  readonly name: string;
  readonly unit: 'Tokens' | 'Requests';
}

const METERS: Readonly<Record<Meter, MeterWords>> = {
  input: { name: 'Input tokens', unit: 'Tokens' },
  cachedRead: { name: 'Cached input tokens', unit: 'Tokens' },
  cacheWrite: { name: 'Cache write tokens', unit: 'Tokens' },
  output: { name: 'Output tokens', unit: 'Tokens' },
  // Images, sound, tools: each in a unit of its own, so that only calls can be added.
  other: { name: 'Other units', unit: 'Requests' },
};
const METER_NAMES = Object.keys(METERS) as readonly Meter[];

/** What tells one row from another within a period. */
interface FocusKey {
  readonly environment: string;
  readonly tenant: string;
  readonly team: string | null;
  readonly feature: string | null;
  readonly provider: string;
  readonly deployment: string | null;
  readonly model: string;
  readonly kind: string;
  readonly meter: Meter;
}

/** One row before it is written. */
export interface FocusRow extends FocusKey {
  readonly periodStart: number;
  readonly periodEnd: number;
  readonly tenantName: string;
  readonly costNanoUsd: bigint;
  readonly quantity: bigint;
  /** Part of the cost that rests on estimated tokens. */
  readonly estimatedNanoUsd: bigint;
  /** Calls with tokens of this kind whose price is not known: their cost is not in the row. */
  readonly unknownPriceCalls: number;
}

type Sums = { -readonly [K in 'costNanoUsd' | 'quantity' | 'estimatedNanoUsd' | 'unknownPriceCalls']: FocusRow[K] };

/** An entry that no provider answered and that costs something all the same is charged by nobody but this. */
const NO_PROVIDER = 'headgate';

/** Rows of one period, from its entries in any order. Holds a row for each group and nothing of the entries. */
export class FocusGroups {
  readonly #groups = new Map<string, { readonly key: FocusKey; readonly sums: Sums }>();

  add(entry: LedgerEntry): void {
    const quantities = quantitiesOf(entry);
    for (const meter of METER_NAMES) {
      const cost = entry.cost?.[meter] ?? 0n;
      const quantity = BigInt(quantities[meter]);
      if (cost === 0n && quantity === 0n) continue;
      const sums = this.#of(keyOf(entry, meter));
      sums.costNanoUsd += cost;
      sums.quantity += quantity;
      if (entry.usageSource === 'estimated') sums.estimatedNanoUsd += cost;
      if (entry.cost === null) sums.unknownPriceCalls += 1;
    }
  }

  #of(key: FocusKey): Sums {
    const name = JSON.stringify(Object.values(key));
    let group = this.#groups.get(name);
    if (!group) {
      group = { key, sums: { costNanoUsd: 0n, quantity: 0n, estimatedNanoUsd: 0n, unknownPriceCalls: 0 } };
      this.#groups.set(name, group);
    }
    return group.sums;
  }

  /** In an order that does not depend on that of the entries. */
  rows(periodStart: number, period: FocusPeriod, tenantName: (tenant: string) => string): FocusRow[] {
    const periodEnd = periodStart + GRAIN_MS[period];
    return [...this.#groups]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { key, sums }]) => ({ ...key, ...sums, periodStart, periodEnd, tenantName: tenantName(key.tenant) }));
  }
}

/** `inputTokens` counts cached reads and writes as well; each is charged once. */
function quantitiesOf({ usage, cost }: LedgerEntry): Record<Meter, number> {
  const { inputTokens, cachedReadTokens, cacheWriteTokens, outputTokens } = usage;
  const [cachedRead, cacheWrite] = [cachedReadTokens ?? 0, cacheWriteTokens ?? 0];
  const input = Math.max(0, (inputTokens ?? 0) - cachedRead - cacheWrite);
  const other = cost && cost.other !== 0n ? 1 : 0;
  return { input, cachedRead, cacheWrite, output: outputTokens ?? 0, other };
}

const keyOf = (entry: LedgerEntry, meter: Meter): FocusKey => ({
  environment: entry.environment,
  tenant: entry.tenant,
  team: entry.team,
  feature: entry.feature,
  provider: entry.provider ?? NO_PROVIDER,
  deployment: entry.deployment,
  model: entry.modelAsked,
  kind: entry.kind,
  meter,
});

/** Start and end of the calendar month in UTC: the invoices of providers are monthly. */
function billingPeriod(at: number): readonly [start: number, end: number] {
  const date = new Date(at);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  return [Date.UTC(year, month, 1), Date.UTC(year, month + 1, 1)];
}

/** FOCUS writes no fraction of a second. */
const seconds = (at: number): string => iso(at).replace('.000Z', 'Z');
const usd = (amount: bigint): string => usdDecimal(amount as NanoUsd);

/** Tokens in millions as exact decimal text: the unit that providers price. */
function pricingQuantity({ quantity, meter }: FocusRow): string {
  if (METERS[meter].unit !== 'Tokens') return String(quantity);
  const fraction = (quantity % 1_000_000n).toString().padStart(6, '0').replace(/0+$/, '');
  return `${quantity / 1_000_000n}${fraction ? `.${fraction}` : ''}`;
}

const modelIdOf = ({ deployment, provider, model }: FocusRow): string =>
  deployment?.slice(provider.length + 1) ?? model;

const skuOf = (row: FocusRow): string => `${row.provider}/${modelIdOf(row)}:${row.meter}`;

/** A tag of ours has our prefix; what has no value is no tag. */
function tagsOf({ environment, team, feature, kind, model }: FocusRow): string {
  const tags = { environment, team, feature, kind, model };
  const known = Object.entries(tags).filter(([, value]) => value !== null);
  return JSON.stringify(Object.fromEntries(known.map(([name, value]) => [`headgate/${name}`, value])));
}

type Of = Column<FocusRow>['of'];
const column = (name: string, kind: CellKind, about: string, of: Of): Column<FocusRow> => ({ name, kind, about, of });

const money = (name: string, about: string): Column<FocusRow> =>
  column(name, 'number', about, ({ costNanoUsd }) => usd(costNanoUsd));

/** FOCUS’s own first, by name; then ours, which begin with `x_` as its rules have it. */
export const FOCUS_COLUMNS: readonly Column<FocusRow>[] = [
  money('BilledCost', 'Cost of the ledger, exact; what a price list cannot know is not in it.'),
  column('BillingAccountId', 'text', 'Account at the provider: its name in headgate.yaml.', ({ provider }) => provider),
  column('BillingAccountName', 'text', 'Empty: accounts have no other name here.', () => null),
  column('BillingCurrency', 'text', '`USD`.', () => 'USD'),
  column('BillingPeriodEnd', 'time', 'First of the next month, UTC.', (row) =>
    seconds(billingPeriod(row.periodStart)[1]),
  ),
  column('BillingPeriodStart', 'time', 'First of the month, UTC.', (row) => seconds(billingPeriod(row.periodStart)[0])),
  column('ChargeCategory', 'text', '`Usage`.', () => 'Usage'),
  column('ChargeClass', 'text', 'Empty: a correction takes the place of what it corrects.', () => null),
  column(
    'ChargeDescription',
    'text',
    'Kind of token and model.',
    (row) => `${METERS[row.meter].name} of ${modelIdOf(row)}`,
  ),
  column('ChargeFrequency', 'text', '`Usage-Based`.', () => 'Usage-Based'),
  column('ChargePeriodEnd', 'time', 'End of the hour or day, UTC; not in it.', ({ periodEnd }) => seconds(periodEnd)),
  column('ChargePeriodStart', 'time', 'Start of the hour or day, UTC.', ({ periodStart }) => seconds(periodStart)),
  column('ConsumedQuantity', 'number', 'Tokens; of other units the calls that had some.', ({ quantity }) =>
    String(quantity),
  ),
  column('ConsumedUnit', 'text', '`Tokens` or `Requests`.', ({ meter }) => METERS[meter].unit),
  money('ContractedCost', 'As BilledCost: the ledger’s prices are those you pay.'),
  money('EffectiveCost', 'As BilledCost: nothing is amortized.'),
  column('InvoiceIssuerName', 'text', 'Provider.', ({ provider }) => provider),
  money('ListCost', 'As BilledCost: the ledger knows one price of a call.'),
  column('PricingCategory', 'text', '`Standard`.', () => 'Standard'),
  column('PricingQuantity', 'number', 'Millions of tokens, exact.', pricingQuantity),
  column('PricingUnit', 'text', '`1000000 Tokens` or `Requests`.', ({ meter }) =>
    METERS[meter].unit === 'Tokens' ? '1000000 Tokens' : 'Requests',
  ),
  column('ProviderName', 'text', 'Provider by its name in headgate.yaml.', ({ provider }) => provider),
  column('PublisherName', 'text', 'The same.', ({ provider }) => provider),
  column('ResourceId', 'text', 'Deployment: provider and model id.', ({ deployment }) => deployment),
  column('ResourceName', 'text', 'Empty: deployments have no other name.', () => null),
  column('ResourceType', 'text', '`Model deployment`.', ({ deployment }) =>
    deployment === null ? null : 'Model deployment',
  ),
  column('ServiceCategory', 'text', '`AI and Machine Learning`.', () => 'AI and Machine Learning'),
  column('ServiceName', 'text', '`Model inference`.', () => 'Model inference'),
  column('ServiceSubcategory', 'text', '`Generative AI`.', () => 'Generative AI'),
  column('SkuId', 'text', 'Provider, model id and kind of token.', skuOf),
  column('SkuMeter', 'text', 'Kind of token.', ({ meter }) => METERS[meter].name),
  column('SubAccountId', 'text', 'Id of the tenant.', ({ tenant }) => tenant),
  column('SubAccountName', 'text', 'Name of the tenant.', ({ tenantName }) => tenantName),
  column(
    'Tags',
    'json',
    'environment, team, feature, kind and model asked for, each with `headgate/` before it.',
    tagsOf,
  ),
  column('x_EstimatedCost', 'number', 'Part of BilledCost that rests on estimated tokens.', (row) =>
    usd(row.estimatedNanoUsd),
  ),
  column(
    'x_UnknownPriceCalls',
    'number',
    'Calls with such tokens and no known price: their tokens are in the row, their cost is not.',
    (row) => row.unknownPriceCalls,
  ),
];
