import type { AttributionFile } from './config.ts';
import type { EpochMs } from '#kernel/brand.ts';
import type { FixedCost, SharedBucket } from './core/attribute.ts';
import type { PriceStep } from './core/contracts.ts';
import { rateOn, toUsd, type Currencies } from './core/currency.ts';
import type { TenantPrice } from './core/margin.ts';
import { dayStart } from './core/months.ts';

/** `since`: when its day began, where it does not hold from the start of its month. */
export type DatedCost = FixedCost & { readonly since?: EpochMs };

/** How the bill is divided, from the operator's file. */
export interface AttributionSettings {
  readonly timeZone: string;
  readonly shared: readonly SharedBucket[];
  readonly currencies: Currencies;
  /** Fixed costs of a month (`2026-11`), in dollars by the rate of its first day. */
  readonly fixed: (month: string) => readonly DatedCost[];
  readonly plans: ReadonlyMap<string, TenantPrice>;
  readonly tenants: ReadonlyMap<string, TenantPrice>;
}

/** Nothing is shared, nothing is billed beside calls, nobody has a price. */
export const NO_ATTRIBUTION: AttributionSettings = Object.freeze({
  timeZone: 'UTC',
  shared: [],
  currencies: new Map(),
  fixed: () => [],
  plans: new Map(),
  tenants: new Map(),
});

/** What is wrong with the section, at its path below `attribution`. */
export interface AttributionFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint: string | null;
}

type Cost = AttributionFile['costs'][number];

export function attributionSettings(file: AttributionFile): AttributionSettings {
  const currencies = currenciesOf(file);
  return {
    timeZone: file.timeZone,
    shared: Object.entries(file.shared).map(([name, bucket]) => ({ name, ...bucket })),
    currencies,
    fixed: (month) =>
      file.costs
        .filter((cost) => holdsIn(cost, month))
        .map((cost) => ({ ...fixedOf(cost, month, currencies), ...sinceOf(cost, month, file.timeZone) })),
    plans: new Map(Object.entries(file.pricing.plans).map(([name, price]) => [name, priceOf(price)])),
    tenants: new Map(Object.entries(file.pricing.tenants).map(([name, price]) => [name, priceOf(price)])),
  };
}

const currenciesOf = ({ currencies }: AttributionFile): Currencies =>
  new Map(
    Object.entries(currencies).map(([name, rates]) => [name, rates.map(({ from, usd }) => ({ from, nanoUsd: usd }))]),
  );

/** `2026-11` of `2026-11-15`. */
const monthOf = (from: string): string => from.slice(0, 7);

const sinceOf = ({ from }: Cost, month: string, timeZone: string): Pick<DatedCost, 'since'> =>
  from.length > 7 && monthOf(from) === month ? { since: dayStart(from, timeZone) } : {};

const holdsIn = ({ from, to }: Cost, month: string): boolean =>
  monthOf(from) <= month && (to === undefined || month <= to);

function fixedOf(cost: Cost, month: string, currencies: Currencies): FixedCost {
  const { name, provider, rule, kind } = cost;
  if (kind === 'discount') return { name, provider, rule, kind, partsPerMillion: cost.percent ?? 0 };
  const rate = rateOn(currencies, cost.currency, `${month}-01`);
  const inUsd = (amount: bigint): bigint => (rate === null ? 0n : toUsd(amount, rate));
  if (kind === 'volume') return { name, provider, rule, kind, steps: cost.steps!.map((step) => offStep(step, inUsd)) };
  if (kind === 'token_price') {
    const steps = (list: Cost['tokens']) => list?.map((step) => priceStep(step, inUsd));
    const { tokens, input, output } = cost;
    return {
      ...{ name, provider, rule, kind },
      steps: { tokens: steps(tokens), input: steps(input), output: steps(output) },
    };
  }
  const afterOthers = cost.measuredBy === 'bill';
  return { name, provider, rule, kind, amountNanoUsd: inUsd(cost.perMonth ?? 0n), afterOthers };
}

type InUsd = (amount: bigint) => bigint;
const offStep = ({ over, percent }: NonNullable<Cost['steps']>[number], inUsd: InUsd): PriceStep => ({
  over: inUsd(over),
  rate: BigInt(percent),
});
const priceStep = ({ over, perMillion }: NonNullable<Cost['tokens']>[number], inUsd: InUsd): PriceStep => ({
  over: BigInt(over),
  rate: inUsd(perMillion),
});

const priceOf = ({ markup, perMillion, perMonth }: AttributionFile['pricing']['plans'][string]): TenantPrice => ({
  ...(markup !== undefined && { markupPartsPerMillion: markup }),
  ...(perMillion && { perMillion }),
  ...(perMonth !== undefined && { perMonthNanoUsd: perMonth }),
});

/** References that lead nowhere, and amounts that cannot be read. `providers`: names of the file. */
export function attributionFaults(file: AttributionFile, providers: readonly string[]): readonly AttributionFault[] {
  return file.costs.flatMap((cost, i) => faultsOf(cost, { file, providers }).map((fault) => at(i, fault)));
}

type CostFault = AttributionFault & { readonly path: readonly [string] };
const at = (i: number, fault: CostFault): AttributionFault => ({ ...fault, path: ['costs', i, ...fault.path] });

interface Known {
  readonly file: AttributionFile;
  readonly providers: readonly string[];
}

function faultsOf(cost: Cost, { file, providers }: Known): CostFault[] {
  const faults: CostFault[] = [];
  const fault = (key: string, message: string, hint: string | null = null): void =>
    void faults.push({ path: [key], message, hint });
  // An account of a layer is named after its provider: `openai@acme`.
  if (!providers.includes(cost.provider.replace(/@.*$/, '')))
    fault('provider', `unknown provider \`${cost.provider}\``, `known: ${providers.join(', ') || 'none'}`);
  if ((cost.kind === 'discount') !== (cost.percent !== undefined))
    fault('percent', 'belongs to a discount, and to a discount alone');
  if (HAS_AMOUNT.has(cost.kind) !== (cost.perMonth !== undefined))
    fault('perMonth', 'is missing, or stands beside a discount or steps');
  if ((cost.kind === 'volume') !== (cost.steps !== undefined))
    fault('steps', 'belong to `volume`, and to `volume` alone');
  const priced = TOKEN_STEPS.filter((key) => cost[key] !== undefined);
  if (cost.kind !== 'token_price') for (const key of priced) fault(key, 'belongs to `token_price`');
  else if (priced.length === 0) fault('tokens', 'is missing', '`tokens`, or `input` and `output`');
  for (const key of STEPS)
    if (hasTwins(cost[key])) fault(key, 'has two steps at one place', 'each step begins `over` another count');
  if (cost.measuredBy === 'bill' && !MEASURED.has(cost.kind)) fault('measuredBy', 'belongs to a commitment or credit');
  if (cost.from.length > 7 && !IS_DATED.has(cost.kind))
    fault('from', `is a month for \`${cost.kind}\``, 'a discount, `volume` or `token_price` may begin on a day');
  if (cost.to !== undefined && cost.to < monthOf(cost.from)) fault('to', 'is before `from`');
  const first = `${monthOf(cost.from)}-01`;
  if (rateOn(currenciesOf(file), cost.currency, first) === null)
    fault('currency', `no rate of ${cost.currency} on ${first}`, 'add one under `attribution.currencies`');
  if (file.costs.some((other) => other !== cost && setBoth(cost, other)))
    fault('kind', 'another contract sets the whole bill of this account in the same month');
  return faults;
}

type Kind = Cost['kind'];
const HAS_AMOUNT: ReadonlySet<Kind> = new Set<Kind>(['commitment', 'gpu', 'credit']);
const MEASURED: ReadonlySet<Kind> = new Set<Kind>(['commitment', 'credit']);
const IS_DATED: ReadonlySet<Kind> = new Set<Kind>(['discount', 'volume', 'token_price']);
const TOKEN_STEPS = ['tokens', 'input', 'output'] as const;
const STEPS = ['steps', ...TOKEN_STEPS] as const;

const hasTwins = (steps: readonly { readonly over: bigint | number }[] | undefined): boolean =>
  steps !== undefined && new Set(steps.map(({ over }) => BigInt(over))).size < steps.length;

/** Prices of tokens and whatever else takes the place of what calls cost: two of them would take it off twice. */
const setBoth = (a: Cost, b: Cost): boolean =>
  a.kind === 'token_price' &&
  (b.kind === 'token_price' || b.kind === 'gpu') &&
  a.provider === b.provider &&
  monthOf(a.from) <= (b.to ?? '9999-12') &&
  monthOf(b.from) <= (a.to ?? '9999-12');
