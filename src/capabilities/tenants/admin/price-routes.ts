import { setImmediate } from 'node:timers/promises';
import { z } from 'zod';
import type { EpochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import { PRICE_LISTS, type PriceOverride, type StateChange } from '#ports/state-store.ts';
import { BUCKETS, checkPrices, ImportPlanner, problemsOf, type PricedModel } from '#ledger/prices/index.ts';
import { commit, type AdminContext } from './context.ts';
import { duration, time } from './fields.ts';
import { modelsInUse } from './price-desk.ts';
import { checked, route, type Actor, type AdminRoute } from './route.ts';
import { isoOrNull } from './views.ts';

const tag = 'prices';
const DAY_MS = 86_400_000;
/** All models of the lists that are read are fewer than 2,000. */
const MOST_ROWS = 20_000;
/** Names in an audit entry; the rest is a count. */
const MOST_NAMED = 50;

const name = z.string().min(1).max(128);
const perMillion = z
  .record(z.string().max(64), z.union([z.string().max(40), z.number()]).transform(String))
  .describe(
    `Dollars for a million units by bucket: ${BUCKETS.join(', ')}; a tier before it (\`flex.input\`), the size of prompt above which it holds after it (\`input>200000\`).`,
  );

const setBody = z.strictObject({
  provider: name.default('*').describe('Configured provider; `*`: any.'),
  model: name.describe('Model id as it is sent; a trailing `*` is a prefix.'),
  perMillion,
  validFrom: time
    .optional()
    .describe('Default: now; where the model had no price at all, from the start, so that its calls can be re-priced.'),
});

const importBody = z.strictObject({
  list: z.enum(PRICE_LISTS),
  hash: z.string().regex(/^[0-9a-f]{16}$/),
  from: z.string().max(2048).describe('File or URL that was read, for the audit.'),
  validFrom: time.optional().describe('Default: now.'),
  rows: z
    .array(z.unknown())
    .min(1)
    .max(MOST_ROWS)
    .describe("`{book, model, prices}` each: the provider's id in public lists, the model, dollars by bucket."),
  dryRun: z.boolean().default(true),
});

const importRow = z.strictObject({ book: name, model: z.string().min(1).max(256), prices: perMillion });
/** Rows that are checked in one turn of the loop: about 2 ms. */
const ROWS_A_TURN = 100;

export const priceRoutes = (context: AdminContext): AdminRoute[] => [
  route('GET /admin/prices', {
    tag,
    summary: 'Prices in force of the models that are configured or were called in the last 30 days',
    run: async () => {
      const models = await modelsInUse(context.prices, { ledger: context.ledger, now: context.clock.now() });
      return { prices: models.map((model) => inForce(context, model)) };
    },
  }),
  route('GET /admin/prices/rows', {
    tag,
    summary: 'Every stored price row: own prices of file and store, and imported rows',
    run: async () => ({ rows: [...context.prices.ofFile(), ...context.tenants.directory.prices()].map(rowView) }),
  }),
  route('GET /admin/prices/check', {
    tag,
    summary: 'Where sources disagree, what nobody has confirmed for long, and what has no price',
    query: z.strictObject({ olderThan: duration(3_660 * DAY_MS).prefault('30d') }),
    run: async (_, { olderThan }) => {
      const now = context.clock.now();
      const models = await modelsInUse(context.prices, { ledger: context.ledger, now });
      const stored = context.tenants.directory.prices();
      const findings = checkPrices(context.prices.book, { models, stored, now, olderThanMs: olderThan });
      return {
        models: models.length,
        findings: findings.map((one) => ('at' in one ? { ...one, at: isoOrNull(one.at) } : one)),
      };
    },
  }),
  route('POST /admin/prices', {
    tag,
    summary: 'State a price of your own; a price of zero is stated, not absent',
    status: 201,
    body: setBody,
    run: (_, input, actor) => setPrice(context, input, actor),
  }),
  route('DELETE /admin/prices/:price', {
    tag,
    summary: 'Remove a stated price',
    run: ({ price }, _, actor) => removePrice(context, price!, actor),
  }),
  route('POST /admin/prices/import', {
    tag,
    summary: 'Take the rows of a price list; with `dryRun`, say what would change',
    body: importBody,
    run: (_, input, actor) => importPrices(context, input, actor),
  }),
];

function inForce({ prices, clock }: AdminContext, { provider, book, model }: PricedModel) {
  const [first] = prices.book.opinions({ provider, book, model, at: clock.now() });
  return {
    provider,
    model,
    source: first?.layer ?? null,
    version: first?.row.version ?? null,
    validFrom: first ? isoOrNull(first.row.validFrom) : null,
    perMillion: first ? prices.book.prices(first.row) : null,
  };
}

const rowView = ({ prices, validFrom, imported, ...row }: PriceOverride) => ({
  ...row,
  validFrom: isoOrNull(validFrom),
  perMillion: prices,
  list: imported?.list ?? null,
  hash: imported?.hash ?? null,
  seenAt: imported ? isoOrNull(imported.seenAt) : null,
});

function requireGood(prices: Readonly<Record<string, string>>, field: string): void {
  const problems = problemsOf(prices);
  if (problems.length > 0)
    throw new HeadgateError('invalid_request', { field, message: `${field}: ${problems.join('; ')}.` });
}

async function setPrice(context: AdminContext, input: z.output<typeof setBody>, actor: Actor) {
  requireGood(input.perMillion, 'perMillion');
  const now = context.clock.now();
  const value: PriceOverride = {
    id: timeOrderedId('price_', now, context.rng),
    provider: input.provider,
    model: input.model,
    validFrom: input.validFrom ?? firstDay(context, input, now),
    prices: input.perMillion,
    source: 'own',
  };
  const subject = `${value.provider}/${value.model}`;
  const detail = { id: value.id, validFrom: value.validFrom, perMillion: value.prices };
  await commit(context, actor, {
    changes: [{ put: 'price', value }],
    action: 'price.set',
    subject,
    tenant: null,
    detail,
  });
  context.prices.refresh();
  return rowView(value);
}

/** A price of a model that has none holds for the calls that it has had; a pattern's and a changed one from now on. */
function firstDay({ prices }: AdminContext, input: { provider: string; model: string }, now: EpochMs): EpochMs {
  const { provider, model } = input;
  if (model.endsWith('*')) return now;
  const meant =
    provider === '*'
      ? prices.configured().filter((one) => one.model === model)
      : [{ provider, book: prices.bookOf(provider), model }];
  const isPriced = meant.length === 0 || meant.some((one) => prices.book.row({ ...one, at: now }) !== null);
  return isPriced ? now : (0 as EpochMs);
}

async function removePrice(context: AdminContext, id: string, actor: Actor) {
  const found = [...context.tenants.directory.prices()].find((row) => row.id === id);
  if (!found) throw new HeadgateError('not_found', { message: `There is no stored price \`${id.slice(0, 128)}\`.` });
  const subject = `${found.provider}/${found.model}`;
  const detail = { id, perMillion: found.prices };
  await commit(context, actor, {
    changes: [{ remove: 'price', id }],
    action: 'price.remove',
    subject,
    tenant: null,
    detail,
  });
  context.prices.refresh();
  return rowView(found);
}

/** Checked in slices: all models of a list at once would hold the loop that serves calls for 20 ms. */
async function planned(context: AdminContext, input: z.output<typeof importBody>, at: EpochMs) {
  const { list, hash, validFrom = at, rows } = input;
  const planner = new ImportPlanner(context.tenants.directory.prices(), { list, hash, at, validFrom });
  for (let i = 0; i < rows.length; i += ROWS_A_TURN) {
    const part = rows.slice(i, i + ROWS_A_TURN).map((row) => checked(importRow, row));
    for (const { prices, book, model } of part) requireGood(prices, `${book}/${model}`);
    planner.add(part);
    await setImmediate();
  }
  return { ...planner.plan(), list, hash, validFrom };
}

async function importPrices(context: AdminContext, input: z.output<typeof importBody>, actor: Actor) {
  const at = context.clock.now();
  const { rows, validFrom, ...plan } = await planned(context, input, at);
  const { list, hash } = plan;
  const answer = { ...plan, validFrom: isoOrNull(validFrom), applied: !input.dryRun };
  if (input.dryRun) return answer;
  const changes = rows.map((value): StateChange => ({ put: 'price', value }));
  const changed = new Set(plan.changed.map(({ model }) => model));
  const detail = {
    ...{ hash, from: input.from, validFrom, rows: rows.length, added: plan.added.length, changed: changed.size },
    named: [...changed, ...plan.added].slice(0, MOST_NAMED),
  };
  await commit(context, actor, { changes, action: 'price.import', subject: list, tenant: null, detail });
  context.prices.refresh();
  return answer;
}
