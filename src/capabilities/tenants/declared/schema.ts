import { z } from 'zod';
import { secret } from '#kernel/config/primitives.ts';
import { duration, slug, title } from '../admin/fields.ts';
import { layerScope, layerSettings } from '../layers/settings.ts';
import { newBudget, newKeySettings, newLimit, tenantSettings } from '../settings.ts';

/** Far above what people write by hand; one file with more is read too slowly to be one file. */
const MOST_ROWS = 20_000;
const DAY_MS = 86_400_000;

/** A provider each. */
const MOST_OWN_KEYS = 64;

const few = <S extends z.ZodRecord>(schema: S) =>
  schema.refine((rows) => Object.keys(rows).length <= MOST_ROWS, { message: `has at most ${MOST_ROWS} entries` });

const team = z.strictObject({
  name: title.optional().describe('Name for people; default: the key of this entry.'),
  disabled: z.boolean().default(false).describe('True refuses the keys of the team.'),
});

const tenant = z.strictObject({
  name: tenantSettings.name.describe('Name for people; default: the id.'),
  costExpose: tenantSettings.costExpose
    .default(null)
    .describe('Shows `usage.cost` in answers to this tenant; default: as `cost.expose` says.'),
  plan: tenantSettings.plan.default(null),
  disabled: z.boolean().default(false).describe('True refuses all keys of the tenant; its entries stay.'),
  teams: z.record(slug, team).default({}).describe('Parts of the tenant that own keys.'),
});

const key = z.strictObject({
  tenant: z.string().describe('Entry of `tenants`.'),
  team: z.string().nullable().default(null).describe('Entry of the tenant’s `teams`.'),
  name: title.optional().describe('Name for people; default: the key of this entry.'),
  sha256: z.string().optional().describe('SHA-256 of the key, in hex. Either this or `raw`.'),
  raw: secret().optional().describe('Reference of the key itself: `${env:NAME}` or `${file:/path}`.'),
  overlap: duration(90 * DAY_MS)
    .prefault('1d')
    .describe('How long the secret before this one goes on, once it is changed here; `0s` ends it at once.'),
  ...newKeySettings,
});

const layer = z.strictObject({
  ...layerScope,
  ...layerSettings,
  ownKeys: z
    .record(z.string().min(1).max(128), secret().describe('Reference of the key.'))
    .refine((keys) => Object.keys(keys).length <= MOST_OWN_KEYS, { message: `has at most ${MOST_OWN_KEYS} entries` })
    .default({})
    .describe('Keys of its own by provider, as references: calls go there with this key and on its account.'),
});

/** Sections of headgate.yaml for what is otherwise state: the fields of the admin API, and its checks. */
export const declaredSection = {
  tenants: few(z.record(slug, tenant))
    .default({})
    .describe('Tenants by id. What stands here, the API does not change.'),
  keys: few(z.record(slug, key)).default({}).describe('Keys by name: a hash or a reference, never the key itself.'),
  budgets: few(z.record(z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$/), z.strictObject(newBudget)))
    .default({})
    .describe('Budgets by name.'),
  usageLimits: few(z.record(z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$/), z.strictObject(newLimit)))
    .default({})
    .describe('Limits of requests, tokens and calls in flight by name; `limits` are the gate’s own.'),
  layers: few(z.record(slug, layer)).default({}).describe('Layers of configuration by name.'),
} as const;

const whole = z.strictObject(declaredSection);
export type DeclaredFile = z.output<typeof whole>;
