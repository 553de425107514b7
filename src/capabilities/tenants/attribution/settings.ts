import type { AttributionFile } from './config.ts';
import type { FixedCost, SharedBucket } from './core/attribute.ts';
import { rateOn, toUsd, type Currencies } from './core/currency.ts';
import type { TenantPrice } from './core/margin.ts';

/** How the bill is divided, from the operator's file. */
export interface AttributionSettings {
  readonly timeZone: string;
  readonly shared: readonly SharedBucket[];
  readonly currencies: Currencies;
  /** Fixed costs of a month (`2026-11`), in dollars by the rate of its first day. */
  readonly fixed: (month: string) => readonly FixedCost[];
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
    fixed: (month) => file.costs.filter((cost) => holdsIn(cost, month)).map((cost) => fixedOf(cost, month, currencies)),
    plans: new Map(Object.entries(file.pricing.plans).map(([name, price]) => [name, priceOf(price)])),
    tenants: new Map(Object.entries(file.pricing.tenants).map(([name, price]) => [name, priceOf(price)])),
  };
}

const currenciesOf = ({ currencies }: AttributionFile): Currencies =>
  new Map(
    Object.entries(currencies).map(([name, rates]) => [name, rates.map(({ from, usd }) => ({ from, nanoUsd: usd }))]),
  );

const holdsIn = ({ from, to }: Cost, month: string): boolean => from <= month && (to === undefined || month <= to);

function fixedOf(cost: Cost, month: string, currencies: Currencies): FixedCost {
  const { name, provider, rule, kind } = cost;
  if (kind === 'discount') return { name, provider, rule, kind, partsPerMillion: cost.percent ?? 0 };
  const rate = rateOn(currencies, cost.currency, `${month}-01`);
  return { name, provider, rule, kind, amountNanoUsd: rate === null ? 0n : toUsd(cost.perMonth ?? 0n, rate) };
}

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
  if ((cost.kind === 'discount') === (cost.perMonth !== undefined))
    fault('perMonth', 'is missing, or stands beside a discount');
  if (cost.to !== undefined && cost.to < cost.from) fault('to', 'is before `from`');
  if (rateOn(currenciesOf(file), cost.currency, `${cost.from}-01`) === null)
    fault('currency', `no rate of ${cost.currency} on ${cost.from}-01`, 'add one under `attribution.currencies`');
  return faults;
}
