import { z } from 'zod';
import type { CallId, EpochMs } from '#kernel/brand.ts';
import { callId } from '#kernel/ids.ts';
import type { Whose } from '#kernel/whose.ts';
import { repriceRows } from '#ledger/reprice/reprice-page.ts';
import { commit, type AdminContext } from './context.ts';
import { duration, limit, time } from './fields.ts';
import { route, type Actor, type Asker, type AdminRoute } from './route.ts';
import { given } from './tenant-routes.ts';
import { shipped } from '#ports/entry-text.ts';
import { isoOrNull, jsonView } from './views.ts';

const DAY_MS = 86_400_000;
const text = z.string().max(256).optional();

/** Rows that are handed to the store in one turn of the loop: about 2 ms of it. */
const ROWS_A_TURN = 100;

const body = z.strictObject({
  since: duration(3_660 * DAY_MS)
    .optional()
    .describe('Window that ends now: 24h, 7d. Default 24h where `from` is absent.'),
  from: time.optional(),
  to: time.optional(),
  model: text,
  provider: text,
  deployment: text,
  tenant: text,
  after: text.describe('`next` of the part before.'),
  before: text.describe('`before` of the first part, so that all parts see the same rows.'),
  limit: limit(5_000, 2_000).describe('Rows of one part.'),
  dryRun: z.boolean().default(true),
});
type Asked = z.output<typeof body>;

export const repriceRoute = (context: AdminContext): AdminRoute =>
  route('POST /admin/prices/reprice', {
    tag: 'prices',
    summary: 'Price stored calls again, a part at a time; without `dryRun`, corrections are added as new rows',
    body,
    run: (_, input, asker) => reprice(context, input, asker),
  });

async function reprice(context: AdminContext, asked: Asked, actor: Asker) {
  const { clock, rng, ledger, prices } = context;
  const now = clock.now();
  const question = questionOf(asked, now, actor.whose);
  const newId = (): CallId => callId(clock.now(), rng);
  const rows = await repriceRows({ ledger, pricing: prices.pricing, newId }, question);
  const { diff, corrections } = rows;
  if (!asked.dryRun && corrections.length > 0) await apply(context, actor, { asked, question, corrections, diff });
  return jsonView({
    from: isoOrNull(question.from),
    to: isoOrNull(question.to),
    seen: rows.seen,
    groups: diff.groups(),
    kept: diff.kept,
    applied: asked.dryRun ? 0 : corrections.length,
    next: rows.next,
    before: question.before,
  });
}

/** Corrections made meanwhile have younger ids: they are no part of what was asked. */
function questionOf(
  { since, from, to, after, before, limit: rows, dryRun: _, tenant: __, ...filter }: Asked,
  now: EpochMs,
  whose: Whose,
) {
  const end = to ?? ((now + 1) as EpochMs);
  return {
    ...(given(filter) as object),
    whose,
    from: from ?? ((end - (since ?? DAY_MS)) as EpochMs),
    to: end,
    after: (after ?? '') as CallId,
    before: (before ?? callId(now, { next: () => 0 })) as CallId,
    limit: rows,
  };
}

interface Applied extends Pick<Awaited<ReturnType<typeof repriceRows>>, 'corrections' | 'diff'> {
  readonly asked: Asked;
  readonly question: ReturnType<typeof questionOf>;
}

/** The audit entry first: a correction without one cannot be explained, an entry whose rows are missing can be repeated. */
async function apply(
  context: AdminContext,
  actor: Actor,
  { asked, question, corrections, diff }: Applied,
): Promise<void> {
  const { tenant, model, provider, deployment } = asked;
  const detail = {
    from: isoOrNull(question.from),
    to: isoOrNull(question.to),
    ...given({ model, provider, deployment }),
    calls: diff.calls,
    differenceNanoUsd: diff.differenceNanoUsd,
    first: corrections[0]!.after.id,
    last: corrections.at(-1)!.after.id,
  };
  const subject = deployment ?? model ?? provider ?? 'all models';
  await commit(context, actor, {
    changes: [],
    action: 'price.reprice',
    subject,
    tenant: (tenant ?? null) as never,
    detail,
  });
  for (let i = 0; i < corrections.length; i += ROWS_A_TURN) {
    const part = corrections.slice(i, i + ROWS_A_TURN);
    await context.ledger.ship(shipped(part.map(({ after }) => after)));
    for (const { before, after } of part) await context.tenants.corrected(before, after);
  }
}
