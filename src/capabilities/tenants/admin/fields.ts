import { z } from 'zod';
import type { EpochMs } from '#kernel/brand.ts';
import { parseDuration } from '#kernel/config/primitives.ts';
import { nanoUsd, parseUsd, type NanoUsd } from '#kernel/money.ts';
import { isTimeZone } from '../core/windows.ts';

/** Far beyond any budget, and far below what a count of nano-dollars in 63 bits can hold. */
const MOST_USD = nanoUsd(1_000_000_000n * 1_000_000_000n);

// Transforms have no JSON Schema of their own: the OpenAPI document shows the input's.
export const usd = z
  .union([z.string(), z.number()])
  .transform((value, context): NanoUsd => {
    const amount = parseUsd(String(value));
    if (amount !== null && amount >= 0n && amount <= MOST_USD) return amount;
    context.addIssue({
      code: 'custom',
      message: 'is an amount in dollars such as "20.00", at most a thousand million',
    });
    return z.NEVER;
  })
  .describe('US dollars, decimal: "20.00".');

/** More than any provider sells in a day, and exact in a double even when many are added. */
export const MOST_COUNTED = 1_000_000_000_000;
export const count = z
  .number()
  .int()
  .min(0)
  .max(MOST_COUNTED, { message: 'is at most a million million: leave the limit out instead' });

export const time = z
  .union([z.iso.datetime({ offset: true }), z.number().int().positive()])
  .transform((value): EpochMs => (typeof value === 'number' ? value : Date.parse(value)) as EpochMs)
  .describe('ISO 8601 time with offset, or milliseconds since the epoch.');

export const duration = (mostMs: number) =>
  z
    .string()
    .transform((text, context): number => {
      const ms = parseDuration(text);
      if (ms !== null && ms <= mostMs) return ms;
      context.addIssue({
        code: 'custom',
        message: `is a duration such as 10m, 24h or 30d, at most ${mostMs / 86_400_000}d`,
      });
      return z.NEVER;
    })
    .describe('Duration: 250ms, 10s, 2m, 24h, 30d.');

export const slug = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'is a name of lower-case letters, digits, _ and -, at most 63 characters');
export const title = z.string().trim().min(1).max(128);
export const contact = z.string().trim().min(1).max(256);

const DAY_MS = 86_400_000;

/** Texts of people: `day`, `week`, `month`, `total`, or a rolling span such as `24h`. */
export const windowField = z
  .string()
  .max(32)
  .refine((text) => ['day', 'week', 'month', 'total'].includes(text) || isSpan(parseDuration(text)), {
    message: 'is day, week, month, total, or a rolling span from 1m to 366d such as 24h',
  })
  .describe('day, week, month (calendar, in timeZone), total, or a rolling span: 24h.');

const isSpan = (ms: number | null): boolean => ms !== null && ms >= 60_000 && ms <= 366 * DAY_MS;

export const timeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, { message: 'is the IANA name of a time zone, such as Europe/Berlin' });

export const rights = z.strictObject({
  features: z
    .union([z.literal('*'), z.array(z.string().max(64)).max(256)])
    .default([])
    .describe('Features that a caller may name; `*`: all of the file.'),
  endUser: z.boolean().default(false).describe('A caller may name its end user.'),
  session: z.boolean().default(true).describe('A caller may name its session.'),
  agent: z.boolean().default(true).describe('A caller may name its agents.'),
  purpose: z.boolean().default(true).describe('A caller may say why text is embedded.'),
  labels: z.array(z.string().max(32)).max(32).default([]).describe('Labels that a caller may set.'),
});

export const models = z.array(z.string().min(1).max(128)).max(256).nullable();

/** A text of a query: numbers arrive as text. */
export const limit = (most: number, standard: number) => z.coerce.number().int().min(1).max(most).default(standard);
