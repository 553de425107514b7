/** One level of a month's bill, a page of it. */
import type { NanoUsd } from '#kernel/money.ts';
import type { Kept } from '#kernel/kept-answers.ts';
import type { AttributionLine } from './core/attribute.ts';
import { billBuckets, billGroups, bucketKey, linesOf, sumOf, type BillGroup } from './core/groups.ts';
import type { AttributionReport } from './report.ts';

/** `null` names what has none; an absent one is every. */
export interface LevelAsked {
  readonly tenant?: string | null | undefined;
  readonly feature?: string | null | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** Kinds of charges of one tenant and feature: each bucket, provider and purpose is one. */
const MOST_LINES = 1_000;

export function billLevel({ value: bill, at }: Kept<AttributionReport>, asked: LevelAsked): object {
  const { tenant, feature, limit, offset } = asked;
  const { lines, providers, prices, report: __, ...head } = bill;
  const own = linesOf(lines, { tenant, feature: tenant === undefined ? undefined : feature });
  const isLeaf = tenant !== undefined && feature !== undefined;
  const groups = isLeaf ? [] : billGroups(own, tenant === undefined ? 'tenant' : 'feature');
  return {
    ...{ report: 'attribution_level', at, ...head, tenant, feature },
    amountNanoUsd: sumOf(own),
    total: isLeaf ? own.length : groups.length,
    groups: groups.slice(offset, offset + limit),
    leftOutNanoUsd: leftOut(groups, offset, limit),
    lines: isLeaf ? linesOfBuckets(own.slice(0, MOST_LINES), lines) : [],
    buckets: tenant === undefined ? billBuckets(lines).slice(0, MOST_LINES) : [],
    providers: tenant === undefined ? providers : [],
    prices: tenant === undefined ? prices : [],
  };
}

const leftOut = (groups: readonly BillGroup[], offset: number, limit: number): NanoUsd =>
  [...groups.slice(0, offset), ...groups.slice(offset + limit)].reduce(
    (sum, { amountNanoUsd }) => sum + amountNanoUsd,
    0n,
  ) as NanoUsd;

/** A share of a bucket stands beside all of it. */
function linesOfBuckets(own: readonly AttributionLine[], all: readonly AttributionLine[]): object[] {
  const wanted = new Set(own.filter(({ bucket }) => bucket !== null).map(bucketKey));
  const shared = all.filter((line) => line.bucket !== null && wanted.has(bucketKey(line)));
  const whole = new Map([...Map.groupBy(shared, bucketKey)].map(([key, lines]) => [key, sumOf(lines)]));
  return own.map((line) => ({ ...line, ofBucketNanoUsd: line.bucket === null ? null : whole.get(bucketKey(line)) }));
}
