import { z } from 'zod';
import { contact, count, models, rights, slug, time, timeZone, title, usd, windowField } from './admin/fields.ts';

/*
 * Fields of keys and budgets as people write them: the same in the admin API and in headgate.yaml, so that what one
 * refuses the other refuses too.
 */

export const keySettings = {
  owner: contact.nullable().describe('Whom to ask about it.'),
  expiresAt: time.nullable().describe('ISO 8601 time with offset, or milliseconds since the epoch; null: never.'),
  models: models.describe('Models that it may call, exact or with a trailing `*`; null: all.'),
  rights,
  defaultFeature: z.string().max(64).nullable().describe('Feature of calls that name none.'),
  defaultLabels: z
    .record(z.string().max(32), z.string().min(1).max(64).describe('Value of the label.'))
    .describe('Labels of calls that set none.'),
  operator: z.boolean().describe('A key of the operator: sees `x-headgate-upstream-*`.'),
};

/** The settings of a new key with their defaults. */
export const newKeySettings = {
  owner: keySettings.owner.default(null),
  expiresAt: keySettings.expiresAt.default(null),
  models: keySettings.models.default(null),
  rights: rights.prefault({}),
  defaultFeature: keySettings.defaultFeature.default(null),
  defaultLabels: keySettings.defaultLabels.default({}),
  operator: keySettings.operator.default(false),
};

export const tenantSettings = {
  name: title.optional(),
  costExpose: z.enum(['none', 'cost']).nullable(),
  plan: slug
    .refine((name) => name !== 'none', { message: 'is a name other than `none`, which is the word for no plan' })
    .nullable()
    .describe('Plan that it is on: it gets the layer of that plan.'),
};

export const budgetSettings = {
  limitUsd: usd,
  window: windowField,
  timeZone: timeZone.describe('IANA name of the zone of calendar windows.'),
  mode: z
    .enum(['bounded', 'strict'])
    .describe('`bounded` reserves what is likely, `strict` the worst case: no overshoot.'),
  endWhenSpent: z.boolean().describe('A stream ends with an error when the money is gone (`bounded` alone).'),
  warnAt: z
    .array(z.number().gt(0).max(1))
    .max(8)
    .overwrite((shares) => shares.sort((a, b) => a - b))
    .describe('Shares of the limit at which the log warns.'),
  unknownPriceUsd: usd.nullable().describe('Reservation for a call whose model has no price; null refuses it.'),
  contact: contact.nullable().describe('Whom a refusal names.'),
};

export const limitSettings = {
  limit: count.describe('How much; 0 refuses every call.'),
  contact: contact.nullable().describe('Whom a refusal names.'),
};

const level = z.enum(['operator', 'tenant', 'team', 'feature', 'key', 'end_user']);

/** A new limit: whose use, of what, and the settings with their defaults. */
export const newLimit = {
  level: level.describe('Whose use it limits.'),
  tenant: z.string().optional().describe('Tenant, at every level but `operator`.'),
  id: z
    .string()
    .max(128)
    .optional()
    .describe('Team, feature, key or end user (HMAC); absent: a limit of its own for each of them.'),
  unit: z
    .enum(['requests', 'input_tokens', 'output_tokens', 'total_tokens', 'concurrency'])
    .default('requests')
    .describe('What it counts; `concurrency`: calls in flight.'),
  window: z
    .enum(['minute', 'day'])
    .optional()
    .describe('Sliding: within any minute, or any 24 hours. Default: minute; `concurrency` has none.'),
  limit: limitSettings.limit,
  contact: limitSettings.contact.default(null),
};

/** A new budget: whose money, and the settings with their defaults. */
export const newBudget = {
  level: level.describe('Whose money it limits.'),
  tenant: z.string().optional().describe('Tenant, at every level but `operator`.'),
  id: z
    .string()
    .max(128)
    .optional()
    .describe('Team, feature, key or end user (HMAC); absent: a budget of its own for each of them.'),
  limitUsd: budgetSettings.limitUsd,
  window: budgetSettings.window.default('month'),
  timeZone: budgetSettings.timeZone.default('UTC'),
  mode: budgetSettings.mode.default('bounded'),
  endWhenSpent: budgetSettings.endWhenSpent.default(false),
  warnAt: budgetSettings.warnAt.default([0.8]),
  unknownPriceUsd: budgetSettings.unknownPriceUsd.default(null),
  contact: budgetSettings.contact.default(null),
};
