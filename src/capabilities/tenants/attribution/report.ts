/** A month's bill by tenant and feature: asks the ledger, divides, and keeps what is closed. */
import { iso } from '#kernel/clock.ts';
import { nanoUsd, type NanoUsd } from '#kernel/money.ts';
import { everyTenant } from '#kernel/whose.ts';
import type { ChargeDimension, ChargesBasis, ChargesRow, ClosedMonth } from '#ports/charges.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import { attribute, type AttributedCharge, type AttributionLine, type FixedCost } from './core/attribute.ts';
import { FIXED_KINDS } from './core/contracts.ts';
import { margins, type MarginLine, type TenantPrice, type TokenCounts } from './core/margin.ts';
import type { MonthWindow } from './core/months.ts';
import type { AttributionSettings, DatedCost } from './settings.ts';

export interface ProviderTotal {
  readonly provider: string | null;
  /** Calls of the month, fixed costs and adjustments. */
  readonly billedNanoUsd: NanoUsd;
  /** By the price list, of calls of the month. */
  readonly callsNanoUsd: NanoUsd;
  readonly fixedNanoUsd: NanoUsd;
  readonly adjustmentsNanoUsd: NanoUsd;
  readonly estimatedNanoUsd: NanoUsd;
  /** Requests whose price is unknown: their money is in no sum. */
  readonly unknownCostAttempts: number;
  readonly attempts: number;
  /** What the provider itself said, of the requests that it said it of, and what those cost by the price list. */
  readonly statedNanoUsd: NanoUsd;
  readonly ownOfStatedNanoUsd: NanoUsd;
}

/** Calls of the month that were priced by one version. */
export interface PriceTotal {
  readonly provider: string | null;
  /** `priceVersion` of entries; null: no version is known. */
  readonly version: string | null;
  readonly attempts: number;
  readonly callsNanoUsd: NanoUsd;
}

export interface AttributionReport {
  readonly report: 'attribution';
  readonly month: string;
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
  /** When the month was closed; null: it is open, and its figures still move. */
  readonly closedAt: string | null;
  /** From when on the ledger knows charges, where that is within the month; else null. */
  readonly knownFrom: string | null;
  readonly billedNanoUsd: NanoUsd;
  readonly providers: readonly ProviderTotal[];
  /** By which prices, the most money first; they sum to `callsNanoUsd` of the providers. */
  readonly prices: readonly PriceTotal[];
  readonly lines: readonly AttributionLine[];
}

export interface MarginReport extends Omit<AttributionReport, 'report' | 'lines' | 'providers' | 'prices'> {
  readonly report: 'margin';
  readonly lines: readonly MarginLine[];
}

type Ledger = Pick<LedgerStore, 'charges' | 'closedMonths' | 'keepMonth' | 'closeBooks'>;

const BY = ['provider', 'tenant', 'feature', 'kind', 'use'] as const satisfies readonly ChargeDimension[];

const chargeOf = (row: ChargesRow): AttributedCharge => ({
  provider: row.by[0] ?? null,
  tenant: row.by[1]!,
  feature: row.by[2] ?? null,
  kind: row.by[3]!,
  use: row.by[4]!,
  attempts: row.attempts,
  tokens: row.inputTokens + row.outputTokens,
  outputTokens: row.outputTokens,
  costNanoUsd: row.costNanoUsd,
  cacheWriteNanoUsd: row.cacheWriteNanoUsd,
});

export interface Asked {
  readonly ledger: Ledger;
  readonly settings: AttributionSettings;
  readonly window: MonthWindow;
}

/** A bill is divided among all tenants at once. */
export const ALL_MONTHS = everyTenant('a provider’s bill is of all tenants, and so are its months');

/** The month as it was closed, or as it stands. */
export async function attributionReport(asked: Asked): Promise<AttributionReport> {
  const kept = await keptMonth(asked);
  return kept === null ? freshReport(asked, 'closed') : { ...(await reportOf(kept)), closedAt: iso(kept.closedAt) };
}

const keptMonth = async ({ ledger, window }: Pick<Asked, 'ledger' | 'window'>): Promise<ClosedMonth | null> =>
  (await ledger.closedMonths(ALL_MONTHS)).find(({ month }) => month === window.month) ?? null;

async function freshReport(asked: Asked, basis: ChargesBasis): Promise<AttributionReport> {
  const { ledger, settings, window } = asked;
  const { from, to, month } = window;
  const [answer, priced, late] = await Promise.all([
    ledger.charges({ whose: ALL_MONTHS, from, to, by: BY, basis }),
    ledger.charges({ whose: ALL_MONTHS, from, to, by: ['provider', 'price'], basis }),
    ledger.charges({ whose: ALL_MONTHS, from, to, by: BY, basis: 'late' }),
  ]);
  const parts = { charges: answer.rows.map(chargeOf), adjustments: late.rows.map(chargeOf) };
  const fixed = await Promise.all(settings.fixed(month).map((one) => sinceItsDay(one, asked, basis)));
  const lines = attribute({ ...parts, shared: settings.shared, fixed });
  return {
    report: 'attribution',
    month,
    from: iso(from),
    to: iso(to),
    timeZone: settings.timeZone,
    closedAt: null,
    knownFrom: answer.from > from ? iso(answer.from) : null,
    billedNanoUsd: nanoUsd(lines.reduce((sum, { amountNanoUsd }) => sum + amountNanoUsd, 0n)),
    providers: totals({ rows: answer.rows, lines, fixed }),
    prices: priced.rows.map(priceOf).filter(hasCalls).sort(dearestFirst),
    lines,
  };
}

/** With the charges since the day on which it began, where that is within the month. */
async function sinceItsDay(
  { since, ...fixed }: DatedCost,
  { ledger, window }: Asked,
  basis: ChargesBasis,
): Promise<FixedCost> {
  if (since === undefined || since <= window.from) return fixed;
  const { rows } = await ledger.charges({ whose: ALL_MONTHS, from: since, to: window.to, by: BY, basis });
  return { ...fixed, charges: rows.map(chargeOf) };
}

const priceOf = ({ by, attempts, costNanoUsd }: ChargesRow): PriceTotal => ({
  provider: by[0] ?? null,
  version: by[1] ?? null,
  attempts,
  callsNanoUsd: costNanoUsd,
});
/** What was refused before any price was asked is none. */
const hasCalls = ({ version, callsNanoUsd }: PriceTotal): boolean => version !== null || callsNanoUsd !== 0n;
const dearestFirst = (a: PriceTotal, b: PriceTotal): number =>
  a.callsNanoUsd === b.callsNanoUsd ? 0 : a.callsNanoUsd > b.callsNanoUsd ? -1 : 1;

interface Totalled {
  readonly rows: readonly ChargesRow[];
  readonly lines: readonly AttributionLine[];
  readonly fixed: readonly FixedCost[];
}

const FIXED: ReadonlySet<string> = new Set(FIXED_KINDS);

function totals({ rows, lines, fixed }: Totalled): readonly ProviderTotal[] {
  const linesOf = Map.groupBy(lines, ({ provider }) => provider);
  const rowsOf = Map.groupBy(rows, ({ by }) => by[0] ?? null);
  const providers = [...new Set([...rowsOf.keys(), ...linesOf.keys(), ...fixed.map(({ provider }) => provider)])];
  return providers
    .map((provider) => totalOf(provider, rowsOf.get(provider) ?? [], linesOf.get(provider) ?? []))
    .sort((a, b) => (a.billedNanoUsd === b.billedNanoUsd ? 0 : a.billedNanoUsd > b.billedNanoUsd ? -1 : 1));
}

function totalOf(
  provider: string | null,
  rows: readonly ChargesRow[],
  lines: readonly AttributionLine[],
): ProviderTotal {
  const sum = (values: readonly bigint[]): NanoUsd => nanoUsd(values.reduce((a, b) => a + b, 0n));
  const count = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const amounts = (wanted: (line: AttributionLine) => boolean): NanoUsd =>
    sum(lines.filter(wanted).map(({ amountNanoUsd }) => amountNanoUsd));
  return {
    provider,
    billedNanoUsd: amounts(() => true),
    callsNanoUsd: sum(rows.map(({ costNanoUsd }) => costNanoUsd)),
    fixedNanoUsd: amounts(({ purpose }) => FIXED.has(purpose)),
    adjustmentsNanoUsd: amounts(({ purpose }) => purpose === 'adjustment'),
    estimatedNanoUsd: sum(rows.map(({ estimatedNanoUsd }) => estimatedNanoUsd)),
    unknownCostAttempts: count(rows.map(({ unknownCostAttempts }) => unknownCostAttempts)),
    attempts: count(rows.map(({ attempts }) => attempts)),
    statedNanoUsd: sum(rows.map(({ statedNanoUsd }) => statedNanoUsd)),
    ownOfStatedNanoUsd: sum(rows.map(({ ownOfStatedNanoUsd }) => ownOfStatedNanoUsd)),
  };
}

/**
 * Closes a month and keeps its figures. The books are closed first: what comes while figures are made is late already,
 * so that it is in exactly one month. Asked again, the figures that are kept come back.
 */
export async function closeMonth(asked: Asked, now: ClosedMonth['closedAt']): Promise<AttributionReport> {
  const { ledger, window } = asked;
  const kept = await keptMonth(asked);
  if (kept !== null) return { ...(await reportOf(kept)), closedAt: iso(kept.closedAt) };
  await ledger.closeBooks(ALL_MONTHS, window.to);
  const figures = figuresText(await freshReport(asked, 'closed'));
  const month = await ledger.keepMonth(ALL_MONTHS, { ...window, closedAt: now, figures });
  return { ...(await reportOf(month)), closedAt: iso(month.closedAt) };
}

/** Money as decimal text under its own name: `…NanoUsd` of the kept form is nano-dollars. */
const figuresText = (report: AttributionReport): string =>
  JSON.stringify(report, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));

const reportOf = async ({ figures }: ClosedMonth): Promise<AttributionReport> => ({
  // A month that was closed before versions were kept.
  prices: [],
  ...(JSON.parse(figures, (name, value: unknown) =>
    name.endsWith('NanoUsd') && typeof value === 'string' ? BigInt(value) : value,
  ) as Omit<AttributionReport, 'prices'>),
});

export interface MarginAsked extends Asked {
  /** Name of the plan that a tenant is on; null: none. */
  readonly planOf: (tenant: string) => string | null;
}

/** What each tenant pays by its plan, and what it costs. */
export const marginReport = async (asked: MarginAsked): Promise<MarginReport> =>
  marginsOf(await attributionReport(asked), asked);

/** The same of a bill that is there already. */
export async function marginsOf(report: AttributionReport, asked: MarginAsked): Promise<MarginReport> {
  const { ledger, window, settings, planOf } = asked;
  const { lines, providers: _, prices: __, ...head } = report;
  const { rows } = await ledger.charges({
    ...{ whose: ALL_MONTHS, from: window.from, to: window.to },
    ...{ by: ['tenant', 'use'], basis: 'closed' },
  });
  const priceOf = (tenant: string): { readonly by: string; readonly price: TenantPrice } | null => {
    const own = settings.tenants.get(tenant);
    if (own) return { by: `tenant ${tenant}`, price: own };
    const plan = planOf(tenant);
    const price = plan === null ? undefined : settings.plans.get(plan);
    return price ? { by: `plan ${plan}`, price } : null;
  };
  return { ...head, report: 'margin', lines: margins({ lines, tokens: tokensOf(rows), priceOf }) };
}

/** Uses that gave a tenant something: nobody pays by tokens for what failed or was tried twice. */
const SOLD: ReadonlySet<string> = new Set(['answer', 'cut']);

function tokensOf(rows: readonly ChargesRow[]): ReadonlyMap<string, TokenCounts> {
  const tokens = new Map<string, TokenCounts>();
  for (const row of rows) {
    const [tenant, use] = row.by as [string, string];
    if (!SOLD.has(use)) continue;
    const has = tokens.get(tenant) ?? { input: 0, cachedRead: 0, cacheWrite: 0, output: 0 };
    const cached = row.cachedReadTokens + row.cacheWriteTokens;
    tokens.set(tenant, {
      // Input counts what a cache was read and written for too.
      input: has.input + Math.max(0, row.inputTokens - cached),
      cachedRead: has.cachedRead + row.cachedReadTokens,
      cacheWrite: has.cacheWrite + row.cacheWriteTokens,
      output: has.output + row.outputTokens,
    });
  }
  return tokens;
}
