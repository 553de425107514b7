/** Flags that several commands share, and how their values are read. */
import { didYouMean } from '#kernel/config/diagnostics.ts';
import { parseDuration } from '#kernel/config/quantities.ts';
import { parseUsd, usdDecimal } from '#kernel/money.ts';
import { namedOr } from '#kernel/whose.ts';
import { CALL_KINDS } from '#ports/entry.ts';
import type { Dimension, LedgerFilter } from '#ports/ledger-store.ts';

export const json = { kind: 'boolean', brief: 'Print JSON with a version instead of text', default: false } as const;
export const data = {
  kind: 'parsed',
  parse: String,
  optional: true,
  brief: 'Data folder of the gate (default: HEADGATE_DATA, headgate.yaml, .headgate)',
  placeholder: 'dir',
} as const;

export interface CommonFlags {
  readonly json: boolean;
  readonly data?: string;
}
export const common = { json, data } as const;

/** An optional flag of plain text. */
export const text = (brief: string, placeholder: string) =>
  ({ kind: 'parsed', parse: String, optional: true, brief, placeholder }) as const;

export const texts = (brief: string, placeholder: string) =>
  ({ kind: 'parsed', parse: String, optional: true, variadic: true, brief, placeholder }) as const;

export const yes = (brief: string) => ({ kind: 'boolean', brief, default: false, withNegated: false }) as const;

export function wholeNumber(bounds: { readonly min: number; readonly max: number }) {
  return (input: string): number => {
    const value = Number(input);
    if (/^\d+$/.test(input) && value >= bounds.min && value <= bounds.max) return value;
    throw new RangeError(`expected a whole number from ${bounds.min} to ${bounds.max}`);
  };
}

/** Dollars as exact decimal text, the form of the admin API. */
export function usd(input: string): string {
  const amount = parseUsd(input.replaceAll(',', ''));
  if (amount === null || amount < 0n) throw new RangeError('expected dollars such as 20 or 0.50');
  return usdDecimal(amount);
}

/** Checked here so that a slip is named by its flag; the gate gets the text as it is. */
export function span(input: string): string {
  if (parseDuration(input) === null) throw new RangeError('expected a duration such as 10m, 24h or 30d');
  return input;
}

const DAY = /^(\d{4})-(\d\d)-(\d\d)$/;

/** A point in time: `7d` ago, a day (its local midnight), or an ISO time. Milliseconds since the epoch. */
export function moment(input: string): (now: number) => number {
  const ms = parseDuration(input);
  if (ms !== null) return (now) => now - ms;
  const day = DAY.exec(input);
  const at = day ? new Date(Number(day[1]), Number(day[2]) - 1, Number(day[3])).getTime() : Date.parse(input);
  if (Number.isNaN(at)) throw new RangeError('expected a duration back (24h, 7d), a day (2026-11-23) or an ISO time');
  return () => at;
}

/** ISO time of an expiry: `30d` from now, a day or an ISO time. */
export function future(input: string): (now: number) => string {
  const ms = parseDuration(input);
  const at = ms === null ? moment(input) : (now: number) => now + ms;
  return (now) => new Date(at(now)).toISOString();
}

export const DIMENSIONS = [
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
  'environment',
] as const satisfies readonly Dimension[];

export function dimensions(input: string): Dimension[] {
  const names = [...new Set(input.split(',').map((name) => name.trim()))].filter((name) => name !== '');
  for (const name of names) {
    if ((DIMENSIONS as readonly string[]).includes(name) || /^label:.+$/.test(name)) continue;
    throw new RangeError(`no dimension ${name}; ${didYouMean(name, [...DIMENSIONS, 'label:<name>'])}`);
  }
  if (names.length === 0) throw new RangeError(`expected one or more of ${DIMENSIONS.join(', ')}, label:<name>`);
  return names as Dimension[];
}

function label(input: string): { readonly name: string; readonly value: string } {
  const cut = input.indexOf('=');
  if (cut < 1 || cut === input.length - 1) throw new RangeError('expected name=value');
  return { name: input.slice(0, cut), value: input.slice(cut + 1) };
}

const KINDS = CALL_KINDS;
const OUTCOMES = [
  'ok',
  'provider_error',
  'timeout',
  'truncated',
  'cancelled',
  'refused',
  'interrupted',
  'internal_error',
] as const;

/** Filters of every question to the ledger. */
export const filters = {
  tenant: text('Only this tenant', 'id'),
  team: text('Only this team', 'id'),
  feature: text('Only this feature', 'name'),
  key: text('Only this key', 'id'),
  model: text('Only this model', 'name'),
  provider: text('Only this provider', 'name'),
  deployment: text('Only this deployment', 'provider/model'),
  kind: { kind: 'enum', values: KINDS, optional: true, brief: 'Only calls of this kind' },
  purpose: text('Only this purpose of embedding', 'name'),
  outcome: { kind: 'enum', values: OUTCOMES, optional: true, brief: 'Only calls that ended so' },
  environment: text('Only this environment', 'name'),
  session: text('Only this session', 'id'),
  endUser: text('Only this end user (the digits that the ledger shows)', 'hmac'),
  label: {
    kind: 'parsed',
    parse: label,
    optional: true,
    brief: 'Only calls with this label',
    placeholder: 'name=value',
  },
} as const;

/** The filters as flags: every id is a text that the store compares. */
export interface FilterFlags {
  readonly tenant?: string;
  readonly team?: string;
  readonly feature?: string;
  readonly key?: string;
  readonly model?: string;
  readonly provider?: string;
  readonly deployment?: string;
  readonly kind?: (typeof KINDS)[number];
  readonly purpose?: string;
  readonly outcome?: (typeof OUTCOMES)[number];
  readonly environment?: string;
  readonly session?: string;
  readonly endUser?: string;
  readonly label?: { readonly name: string; readonly value: string };
}
export type Filters = Omit<LedgerFilter, 'from' | 'to' | 'whose'> & { readonly tenant?: string };

const FILTER_NAMES = Object.keys(filters) as (keyof Filters)[];

/** The filters among a command's flags. */
export const filtersOf = (flags: object): Filters =>
  Object.fromEntries(
    FILTER_NAMES.map((name) => [name, (flags as Filters)[name]]).filter(([, value]) => value !== undefined),
  ) as Filters;

/** What a source is asked for. */
export const askedOf = ({ tenant, ...filters }: Filters): Omit<LedgerFilter, 'from' | 'to'> => ({
  ...filters,
  whose: namedOr(tenant, 'no tenant was named: the token or the folder says what may be read'),
});

/** `--tenant acme --model gpt-5` */
export const filterText = (asked: Filters): string =>
  Object.entries(asked)
    .map(([name, value]) => `${name} ${typeof value === 'object' ? `${value.name}=${value.value}` : value}`)
    .join(' · ');
