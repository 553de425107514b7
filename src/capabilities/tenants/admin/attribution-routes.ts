import { z } from 'zod';
import type { EpochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { usdDecimal, type NanoUsd } from '#kernel/money.ts';
import { CHARGE_DIMENSIONS, type ChargeDimension, type ChargesQuestion } from '#ports/charges.ts';
import { windowOfMonth, type Books } from '../attribution/books.ts';
import { MONTH, type MonthWindow } from '../attribution/core/months.ts';
import { ALL_MONTHS } from '../attribution/report.ts';
import { commit, type AdminContext } from './context.ts';
import { time } from './fields.ts';
import { didYouMean, route, type Actor, type AdminRoute } from './route.ts';
import { JsonText } from './streamed.ts';
import { given } from './tenant-routes.ts';
import { isoOrNull, jsonView } from './views.ts';

const tag = 'attribution';
const text = z.string().max(256).optional();
const month = z.string().regex(MONTH, 'is a month such as 2026-11');
export const ofMonth = z.strictObject({ month: month.optional().describe('2026-11; default: the month of now.') });

export const attributionRoutes = (context: AdminContext, books: Books): AdminRoute[] => [
  route('GET /admin/attribution', {
    tag,
    summary: 'A month’s bill by tenant and feature: what was answers, what was waste, what was shared; sums are exact',
    query: ofMonth,
    run: async (_, { month: name }) => new JsonText(await books.report(name)),
  }),
  route('GET /admin/attribution/margin', {
    tag,
    summary: 'What each tenant pays by its price plan, and what it costs',
    query: ofMonth,
    run: async (_, { month: name }) => new JsonText(await books.margin(name)),
  }),
  route('GET /admin/attribution/months', {
    tag,
    summary: 'Months whose figures are kept, the newest first',
    run: async () => ({
      months: (await context.ledger.closedMonths(ALL_MONTHS)).map(({ figures: _, ...one }) => ({
        ...one,
        from: isoOrNull(one.from),
        to: isoOrNull(one.to),
        closedAt: isoOrNull(one.closedAt),
      })),
    }),
  }),
  route('GET /admin/attribution/currencies', {
    tag,
    summary: 'Dated rates of the operator’s file: dollars for one unit',
    run: async () => ({
      currencies: Object.fromEntries(
        [...context.attribution().currencies].map(([name, rates]) => [
          name,
          rates.map(({ from, nanoUsd }) => ({ from, usd: usdDecimal(nanoUsd as NanoUsd) })),
        ]),
      ),
    }),
  }),
  route('POST /admin/attribution/close', {
    tag,
    summary: 'Close a month: its figures are kept, and what changes in it later counts in the month when that is',
    body: z.strictObject({ month }),
    run: (_, { month: name }, actor) => close(context, books, name, actor),
  }),
  route('GET /admin/charges', {
    tag,
    summary: 'What attempts cost, by the provider that each was sent to: what an invoice is compared with',
    query: z.strictObject({
      from: time.or(z.coerce.number().int()),
      to: time.or(z.coerce.number().int()),
      by: z
        .string()
        .max(256)
        .default('provider')
        .describe(`Dimensions, divided by commas: ${CHARGE_DIMENSIONS.join(', ')}.`),
      bucket: z.literal('hour').optional(),
      provider: text,
      tenant: text,
    }),
    run: async (_, { from, to, by, bucket, provider }, { whose }) => {
      const question: ChargesQuestion = {
        ...{ whose, from: from as EpochMs, to: to as EpochMs, by: dimensionsOf(by) },
        ...given({ bucket, provider }),
      };
      const { from: knownFrom, rows } = await context.ledger.charges(question);
      return jsonView({
        from: isoOrNull(question.from),
        to: isoOrNull(question.to),
        knownFrom: isoOrNull(knownFrom),
        by: question.by,
        rows: rows.map((row) => ({ ...row, at: isoOrNull(row.at) })),
      });
    },
  }),
];

/** The audit entry first, as with prices: figures without one could not be explained, one without figures is repeated. */
async function close(context: AdminContext, books: Books, name: string, actor: Actor): Promise<unknown> {
  const now = context.clock.now();
  const { timeZone } = context.attribution();
  const window = windowOfMonth(name, timeZone, now);
  requireOver(window, now);
  const isKept = (await context.ledger.closedMonths(ALL_MONTHS)).some((one) => one.month === name);
  if (!isKept) {
    const detail = { from: isoOrNull(window.from), to: isoOrNull(window.to), timeZone };
    await commit(context, actor, { changes: [], action: 'month.close', subject: name, tenant: null, detail });
  }
  return new JsonText(await books.close(name, now));
}

/** Name of the plan that a tenant is on; null: none. */
export const planOf =
  (context: AdminContext) =>
  (tenant: string): string | null =>
    context.tenants.directory.tenant(tenant)?.plan ?? null;

function requireOver({ month: name, to }: MonthWindow, now: EpochMs): void {
  if (to <= now) return;
  const message = `month: ${name} is not over: it ends at ${isoOrNull(to)}.`;
  throw new HeadgateError('invalid_request', { field: 'month', message });
}

function dimensionsOf(list: string): ChargeDimension[] {
  const names = [...new Set(list.split(',').map((name) => name.trim()))].filter((name) => name !== '');
  for (const name of names) {
    if ((CHARGE_DIMENSIONS as readonly string[]).includes(name)) continue;
    const message = `by: there is no dimension \`${name}\`.${didYouMean(name, CHARGE_DIMENSIONS)}`;
    throw new HeadgateError('invalid_request', { field: 'by', message });
  }
  return names as ChargeDimension[];
}
