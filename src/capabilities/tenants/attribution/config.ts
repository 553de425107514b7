import { z } from 'zod';
import { CHARGE_USES } from '#ports/charges.ts';
import { CALL_KINDS } from '#ports/entry.ts';
import { parsePricePerMillion, parseUsd } from '#kernel/money.ts';
import { usd } from '../admin/fields.ts';
import { isTimeZone } from '../core/windows.ts';
import { SHARE_RULES } from './core/attribute.ts';
import { FIXED_KINDS } from './core/contracts.ts';
import { MONTH } from './core/months.ts';

/* Keys of `attribution:` that say how the bill is divided. */

const name = z.string().min(1).max(128);
const word = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,63}$/, 'letters, digits and _ . -, at most 64 characters');
const month = z.string().regex(MONTH, 'is a month such as 2026-11');
const day = z.iso.date();
const currency = z
  .string()
  .regex(/^[A-Z]{3}$/, 'is a currency such as EUR')
  .describe('ISO 4217; other than USD, its rates stand under `currencies`.');
const rule = z
  .enum(SHARE_RULES)
  .describe(
    'Among those who called in the month: `even` by tenant and within it by feature, `tokens`, `requests` or `cost` by what each used.',
  );

const shared = z.strictObject({
  rule,
  kinds: z.array(z.enum(CALL_KINDS)).min(1).optional().describe('Only calls of these kinds.'),
  uses: z.array(z.enum(CHARGE_USES)).min(1).optional().describe('Only what was spent so: `retry`, `cut`, ….'),
  tenants: z.array(name).min(1).max(1_000).optional().describe('Only calls of these tenants.'),
  features: z
    .array(name.nullable())
    .min(1)
    .max(1_000)
    .optional()
    .describe('Only calls of these features; null: calls that name none.'),
  providers: z.array(name).min(1).max(100).optional().describe('Only what these providers bill.'),
});

/** A share in percent, read to millionths. */
const percent = (bounds: { readonly min: number; readonly max: number }) =>
  z
    .number()
    .min(bounds.min)
    .max(bounds.max)
    .transform((value) => Math.round(value * 10_000))
    .describe('Percent, to four decimals.');

const perMillion = z
  .string()
  .refine((text) => (parsePricePerMillion(text) ?? -1n) >= 0n, { message: 'is dollars for a million tokens: "3.50"' })
  .transform((text) => parsePricePerMillion(text)!);

const offStep = z.strictObject({
  over: usd.describe('Money of the month, in the currency of the cost, that comes before it.'),
  percent: percent({ min: 0, max: 100 }).describe('Percent off what lies beyond.'),
});
const priceSteps = z
  .array(
    z.strictObject({
      over: z.number().int().min(0).default(0).describe('Tokens of the month that come before it.'),
      perMillion: perMillion.describe('For a million tokens beyond, in the currency of the cost.'),
    }),
  )
  .min(1)
  .max(32)
  .optional();

const cost = z.strictObject({
  name: word.describe('Name of the bucket in reports.'),
  provider: name.describe('Who bills it: a provider of this file, or the account of a layer (`openai@acme`).'),
  kind: z
    .enum(FIXED_KINDS)
    .describe(
      '`commitment`: at least this is billed; `gpu`: exactly this is billed, whatever calls cost by the list; `discount`: percent off what calls cost; `credit`: paid already; `volume`: percent off what lies beyond each step; `token_price`: tokens of the month by steps, whatever calls cost by the list.',
    ),
  perMonth: usd.optional().describe('Decimal amount of a whole month, of `commitment`, `gpu` and `credit`.'),
  measuredBy: z
    .enum(['list', 'bill'])
    .default('list')
    .describe(
      'Of `commitment` and `credit`: by what calls cost by the list, or by the bill that the other contracts of the account leave; a credit comes last.',
    ),
  steps: z.array(offStep).min(1).max(32).optional().describe('Of `volume`.'),
  tokens: priceSteps.describe('Of `token_price`: input and output together.'),
  input: priceSteps.describe('Of `token_price`: input, cached or not.'),
  output: priceSteps.describe('Of `token_price`: output, reasoning included.'),
  currency: currency.default('USD'),
  percent: percent({ min: 0, max: 100 }).optional().describe('Of `discount`: percent off.'),
  rule: rule.default('cost'),
  from: month.or(day).describe('First month; of `discount`, `volume` and `token_price` also a first day: 2026-11-15.'),
  to: month.optional().describe('Last month; default: for good.'),
});

const rate = z.strictObject({
  from: day.describe('First day, UTC: 2026-11-01.'),
  usd: z
    .string()
    .refine((text) => (parseUsd(text) ?? 0n) > 0n, { message: 'is dollars for one unit, such as "1.0842"' })
    .transform((text) => parseUsd(text)!)
    .describe('Dollars for one unit: "1.0842".'),
});

const price = z
  .strictObject({
    markup: percent({ min: -100, max: 100_000 }).optional().describe('Percent on what its own calls cost.'),
    perMillion: z
      .strictObject({
        input: perMillion.optional().describe('Input that no cache was read or written for.'),
        cachedRead: perMillion.optional().describe('Input that was read from a cache.'),
        cacheWrite: perMillion.optional().describe('Input that was written to a cache.'),
        output: perMillion.optional().describe('Output, reasoning included.'),
      })
      .optional()
      .describe('Dollars for a million tokens of answers.'),
    perMonth: usd.optional().describe('Dollars a month.'),
  })
  .describe('What a tenant pays; all parts are added.');

export const attributionKeys = {
  timeZone: z
    .string()
    .max(64)
    .refine(isTimeZone, { message: 'is the IANA name of a time zone, such as Europe/Berlin' })
    .default('UTC')
    .describe('Zone of months; providers bill in UTC.'),
  shared: z
    .record(word, shared)
    .default({})
    .describe(
      'Buckets for what belongs to all: which calls, and by what rule they are divided. The first match counts.',
    ),
  costs: z.array(cost).max(256).default([]).describe('What providers bill beside calls, by the month.'),
  currencies: z
    .record(currency, z.array(rate).min(1).max(10_000).describe('Rates of one currency.'))
    .default({})
    .describe('Dollars for one unit of other currencies, from a day on.'),
  pricing: z
    .strictObject({
      plans: z.record(word, price).default({}).describe('By the plan that a tenant is on.'),
      tenants: z.record(name, price).default({}).describe('By tenant; wins over its plan.'),
    })
    .prefault({})
    .describe('What tenants pay, for their margin.'),
} as const;

const section = z.strictObject(attributionKeys);
export type AttributionFile = z.output<typeof section>;
