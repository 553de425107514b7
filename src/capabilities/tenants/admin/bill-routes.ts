import { z } from 'zod';
import type { CallId, EpochMs } from '#kernel/brand.ts';
import { windowOfMonth, type Books } from '../attribution/books.ts';
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

/** A bill level by level: each level sums to the line above it. */
export const billRoutes = (context: AdminContext, books: Books): AdminRoute[] => [
  route('GET /admin/attribution/level', {
    tag,
    summary: 'One level of a month’s bill: tenants, features of a tenant, or what one of those was charged for',
    query: ofMonth.extend({
      tenant: named('Features of this tenant'),
      feature: named('What this feature of the tenant was charged for'),
      limit: limit(MOST, USUAL),
      offset: z.coerce.number().int().min(0).default(0),
    }),
    run: async (_, { month, ...asked }) => {
      const level = (await books.level(month, asked)) as { readonly at: EpochMs };
      return jsonView({ ...level, at: isoOrNull(level.at) });
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
      const settings = context.attribution();
      const window = windowOfMonth(month, settings.timeZone, context.clock.now());
      const page = await lineEntries({
        ...{ ledger: context.ledger, shared: settings.shared },
        ...{ window: { from: window.from, to: window.to }, line: { ...line, bucket }, limit: most },
        before: before as CallId | undefined,
      });
      return jsonView({ ...page, entries: page.entries.map((entry) => ({ ...entry, at: isoOrNull(entry.at) })) });
    },
  }),
];
