import { z } from 'zod';
import type { CallId } from '#kernel/brand.ts';
import type { NanoUsd } from '#kernel/money.ts';
import type { AttributionLine } from '../attribution/core/attribute.ts';
import type { MonthBooks } from '../attribution/books.ts';
import { billBuckets, billGroups, bucketKey, linesOf, sumOf, type BillGroup } from '../attribution/core/groups.ts';
import { lineEntries } from '../attribution/entries.ts';
import { ofMonth } from './attribution-routes.ts';
import type { AdminContext } from './context.ts';
import { limit } from './fields.ts';
import { route, type AdminRoute } from './route.ts';
import { isoOrNull, jsonView } from './views.ts';

const tag = 'attribution';
/** What has none: tenants and features are never named so. */
const NONE = '-';
const named = (what: string) =>
  z
    .string()
    .max(256)
    .optional()
    .transform((text) => (text === NONE ? null : text))
    .describe(`${what}; \`${NONE}\`: what has none.`);

const MOST = 500;
const USUAL = 100;
/** Kinds of charges of one tenant and feature: each bucket, provider and purpose is one. */
const MOST_LINES = 1_000;

/** A bill level by level: each level sums to the line above it. */
export const billRoutes = (context: AdminContext, books: MonthBooks): AdminRoute[] => [
  route('GET /admin/attribution/level', {
    tag,
    summary: 'One level of a month’s bill: tenants, features of a tenant, or what one of those was charged for',
    query: ofMonth.extend({
      tenant: named('Features of this tenant'),
      feature: named('What this feature of the tenant was charged for'),
      limit: limit(MOST, USUAL),
      offset: z.coerce.number().int().min(0).default(0),
    }),
    run: async (_, { month, tenant, feature, limit: most, offset }) => {
      const { value: bill, at } = await books.bill(month);
      const { lines, providers, report: __, ...head } = bill;
      const own = linesOf(lines, { tenant, feature: tenant === undefined ? undefined : feature });
      const isLeaf = tenant !== undefined && feature !== undefined;
      const groups = isLeaf ? [] : billGroups(own, tenant === undefined ? 'tenant' : 'feature');
      return jsonView({
        ...{ report: 'attribution_level', at: isoOrNull(at as never), ...head, tenant, feature },
        amountNanoUsd: sumOf(own),
        total: isLeaf ? own.length : groups.length,
        groups: groups.slice(offset, offset + most),
        leftOutNanoUsd: leftOut(groups, offset, most),
        lines: isLeaf ? linesOfBuckets(own.slice(0, MOST_LINES), lines) : [],
        buckets: tenant === undefined ? billBuckets(lines).slice(0, MOST_LINES) : [],
        providers: tenant === undefined ? providers : [],
      });
    },
  }),
  route('GET /admin/attribution/entries', {
    tag,
    summary: 'The entries behind a line of a month’s bill, newest first, with what of each is in that line',
    query: ofMonth.extend({
      tenant: z.string().max(256).optional(),
      feature: named('Feature'),
      provider: named('Provider that the request was sent to'),
      purpose: z.string().max(32).optional().describe('answer, retry, hedge, probe, …'),
      bucket: z.string().max(128).optional().describe('Calls that went into this shared bucket, whoever made them.'),
      limit: limit(MOST, USUAL),
      before: z.string().max(128).optional(),
    }),
    run: async (_, { month, limit: most, before, bucket = null, ...line }) => {
      const { window, settings } = books.asked(month);
      const page = await lineEntries({
        ...{ ledger: context.ledger, shared: settings.shared },
        ...{ window: { from: window.from, to: window.to }, line: { ...line, bucket }, limit: most },
        before: before as CallId | undefined,
      });
      return jsonView({ ...page, entries: page.entries.map((entry) => ({ ...entry, at: isoOrNull(entry.at) })) });
    },
  }),
];

const leftOut = (groups: readonly BillGroup[], offset: number, most: number): NanoUsd =>
  [...groups.slice(0, offset), ...groups.slice(offset + most)].reduce(
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
