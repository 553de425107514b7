/** A month's bill level by level, as the admin API says it, and the words for what money was for. */
import { PARTS, type Part } from '#cli/spend/attribution-view.ts';
import { ZERO_USD, type NanoUsd } from '#kernel/money.ts';
import { read, type Query } from '../../session/client.ts';
import { moneyIn } from '../../state/money-in.ts';

export interface Group {
  /** Null: nobody, or calls that named no feature. */
  readonly name: string | null;
  readonly amountNanoUsd: NanoUsd;
  readonly parts: readonly { readonly part: Part; readonly amountNanoUsd: NanoUsd }[];
}

/** What of a group is for a part; 0 where nothing is. */
export const partIn = ({ parts }: Group, wanted: Part): NanoUsd =>
  parts.find(({ part }) => part === wanted)?.amountNanoUsd ?? ZERO_USD;

/** Columns in which there is any money. */
export const partsIn = (groups: readonly Group[]): readonly Part[] =>
  PARTS.filter((wanted) => groups.some((group) => partIn(group, wanted) !== 0n));

export interface Line {
  readonly provider: string | null;
  readonly bucket: string | null;
  readonly rule: string | null;
  readonly purpose: string;
  readonly amountNanoUsd: NanoUsd;
  /** All of the bucket that it is a share of. */
  readonly ofBucketNanoUsd: NanoUsd | null;
}

export interface Bucket {
  readonly bucket: string;
  readonly provider: string | null;
  readonly purpose: string;
  readonly rule: string | null;
  readonly amountNanoUsd: NanoUsd;
  readonly tenants: number;
}

export interface ProviderSum {
  readonly provider: string | null;
  readonly attempts: number;
  readonly callsNanoUsd: NanoUsd;
  readonly fixedNanoUsd: NanoUsd;
  readonly adjustmentsNanoUsd: NanoUsd;
  readonly billedNanoUsd: NanoUsd;
  readonly estimatedNanoUsd: NanoUsd;
  readonly unknownCostAttempts: number;
  /** What the provider itself said of some requests, and what those cost by the price list. */
  readonly statedNanoUsd: NanoUsd;
  readonly ownOfStatedNanoUsd: NanoUsd;
}

export interface PriceSum {
  readonly provider: string | null;
  /** Null: no version is known. */
  readonly version: string | null;
  readonly attempts: number;
  readonly callsNanoUsd: NanoUsd;
}

export interface Level {
  readonly at: string;
  readonly month: string;
  readonly from: string;
  readonly to: string;
  readonly timeZone: string;
  readonly closedAt: string | null;
  readonly knownFrom: string | null;
  readonly billedNanoUsd: NanoUsd;
  /** Of the level: what its groups or lines sum to. */
  readonly amountNanoUsd: NanoUsd;
  readonly total: number;
  readonly groups: readonly Group[];
  /** Of groups on other pages. */
  readonly leftOutNanoUsd: NanoUsd;
  readonly lines: readonly Line[];
  readonly buckets: readonly Bucket[];
  readonly providers: readonly ProviderSum[];
  readonly prices: readonly PriceSum[];
}

export interface EntryLine {
  readonly call: string;
  readonly at: string;
  readonly tenant: string;
  readonly feature: string | null;
  readonly kind: string;
  readonly model: string;
  readonly status: string;
  readonly attempts: number;
  readonly providers: readonly string[];
  readonly purposes: readonly string[];
  readonly amountNanoUsd: NanoUsd;
}

export interface EntryPage {
  readonly entries: readonly EntryLine[];
  readonly amountNanoUsd: NanoUsd;
  readonly lookedAt: number;
  readonly next: string | null;
}

/** How an address names what has no name. */
export const NONE = '-';

export const billLevel = async (query: Query): Promise<Level> =>
  moneyIn(await read('/attribution/level', query)) as Level;

export const billEntries = async (query: Query): Promise<EntryPage> =>
  moneyIn(await read('/attribution/entries', query)) as EntryPage;

const PURPOSES: Readonly<Record<string, string>> = {
  answer: 'whole answers',
  cache_write: 'writing prompt caches',
  cut: 'answers that were cut, cancelled or interrupted',
  failed: 'failed last attempts',
  retry: 'failed attempts of calls that were tried again',
  hedge: 'attempts that another one beat',
  probe: 'probes',
  shadow: 'shadow calls',
  eval: 'evaluations',
  guardrail: 'guardrails',
  sandbox: 'sandbox runs',
  commitment: 'a commitment that calls did not use',
  gpu: 'rented GPUs beyond what calls used',
  discount: 'a discount',
  credit: 'a credit',
  volume: 'percent off what lies beyond a volume',
  token_price: 'tokens priced by steps, against the list',
  adjustment: 'corrections of closed months',
};
export const purposeText = (purpose: string): string => PURPOSES[purpose] ?? purpose;

/** What providers bill beside calls: there is no entry behind it. */
const BESIDE_CALLS: ReadonlySet<string> = new Set([
  ...['commitment', 'gpu', 'discount', 'credit', 'volume', 'token_price', 'adjustment'],
]);
export const hasEntries = ({ purpose }: Pick<Line, 'purpose'>): boolean => !BESIDE_CALLS.has(purpose);

const RULES: Readonly<Record<string, string>> = {
  even: 'evenly',
  tokens: 'by tokens',
  requests: 'by requests',
  cost: 'by cost',
};
export const ruleText = (rule: string | null): string => (rule === null ? '' : (RULES[rule] ?? rule));

/** The month before or after: `2026-11`, −1 → `2026-10`. */
export function monthStep(month: string, step: 1 | -1): string {
  const [year, number] = month.split('-').map(Number) as [number, number];
  return new Date(Date.UTC(year, number - 1 + step, 1)).toISOString().slice(0, 7);
}
