import { z } from 'zod';
import { attributionKeys } from './attribution/config.ts';
import { leakWatch } from './leaks/config.ts';
import { featureQuality } from './quality/config.ts';
import { duration, secret, size, valkeyAddress, valkeyCluster } from '#kernel/config/primitives.ts';
import { ALIAS_SETS } from './core/header-aliases.ts';
import { declaredSection } from './declared/schema.ts';

export { planDeclared, type DeclaredPlan, type PlannedStep } from './declared/plan.ts';
export { qualityFaults, type FeatureQuality, type JudgeConfig } from './quality/config.ts';
export { attributionFaults, attributionSettings, type AttributionSettings } from './attribution/settings.ts';
export { resolveDeclared } from './declared/resolve.ts';
export type { Declared } from './core/declared.ts';

const word = z
  .string()
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9_.:/@-]{0,63}$/, 'letters, digits and _ . : / @ -, at most 64 characters');

/** Answers of a feature that its tenants get again. */
const featureCache = z
  .strictObject({
    ttl: duration({ min: '1s', max: '30d' }).default(3_600_000).describe('How long an answer is one.'),
    maxEntryBytes: size({ min: '1KB', max: '64MiB' })
      .default(1024 * 1024)
      .describe('A larger answer is not kept.'),
    singleFlight: z
      .boolean()
      .default(true)
      .describe(
        'A call whose answer is being made for another call of the same tenant waits for that one, and the provider is asked once.',
      ),
  })
  .optional()
  .describe(
    'Gives the answer to a request that is exactly an earlier one of the same tenant, without asking a provider. `{}` turns it on.',
  );

/** Where answers of features with a cache are kept. */
const answerStore = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('memory') }),
    z.strictObject({
      ...valkeyAddress,
      ...valkeyCluster,
      secret: secret().describe(
        'At least 32 characters, the same at every gate: names and seals what is kept. Another one makes every answer none. Read once, at the start.',
      ),
      wait: duration({ min: '1ms', max: '1s' })
        .default(5)
        .describe('How long a lookup may take; then the call is a miss. Default: 5ms.'),
    }),
  ])
  .prefault({ kind: 'memory' })
  .describe(
    'Where answers are kept: `memory`, in this process; `valkey`, in Valkey or Redis, sealed, for every gate on it and over restarts. Default: memory. Read at the start.',
  );

/** One use of AI in the caller's product; named by key or header, counted per tenant. */
export const featureSchema = z.strictObject({
  chain: z
    .array(z.string().min(1).max(128))
    .max(16)
    .optional()
    .describe('Models that the feature may fall back to, in order.'),
  maxOutputTokens: z
    .number()
    .int()
    .min(1)
    .max(10_000_000)
    .optional()
    .describe(
      "Limit of output tokens that a strict budget sends where the caller names none; default: the model's largest.",
    ),
  files: z
    .strictObject({ provider: z.string().min(1).max(128) })
    .optional()
    .describe('Where files of this feature are kept, if they name no model.'),
  onUnsupported: z
    .enum(['reject', 'drop', 'drop-hints'])
    .optional()
    .describe('What happens to fields that the target model cannot express.'),
  quality: featureQuality,
  resume: z
    .union([z.boolean(), z.literal('redrive')])
    .optional()
    .describe(
      'Streams can be read again, and a disconnect is no cancel until `stream.resume.grace` is over. `redrive`: with logs in Valkey another gate also goes on with a stream whose gate died, where the provider can continue a text; that is new spend.',
    ),
  cache: featureCache,
});

/** Sections of headgate.yaml that this capability owns; spread into the whole schema. */
export const tenantsSection = {
  leakWatch,
  features: z.record(word, featureSchema).default({}).describe('Uses of AI in your product.'),
  cache: z
    .strictObject({
      store: answerStore,
      totalBytes: size({ min: '16KB', max: '256GiB' })
        .default(256 * 1024 * 1024)
        .describe('Of all tenants together.'),
      tenantBytes: size({ min: '16KB', max: '64GiB' })
        .default(64 * 1024 * 1024)
        .describe('Of one tenant: one that needs more lets its own oldest go.'),
    })
    .prefault({})
    .describe('Where answers of features with a `cache` are, and how much of them.'),
  labels: z
    .array(
      z
        .string()
        .regex(/^[a-zA-Z][a-zA-Z0-9_.-]{0,31}$/, 'a letter, then letters, digits and _ . -, at most 32 characters'),
    )
    // Every label is a row of the label table a call.
    .max(32)
    .default([])
    .describe('Labels that calls may carry in `x-headgate-labels`.'),
  attribution: z
    .strictObject({
      aliases: z
        .array(z.enum(ALIAS_SETS))
        .max(ALIAS_SETS.length)
        .default([])
        .describe('Gateways whose headers (`x-litellm-tags`, `helicone-user-id`, …) are read as ours.'),
      valuesADay: z
        .int()
        .min(1)
        .max(100_000)
        .default(1_000)
        .describe(
          'Values of a label, of purposes and of clients that one tenant’s reports tell apart in a day (UTC). More count as `(other)`; their calls keep what they said.',
        ),
      ...attributionKeys,
    })
    .prefault({}),
  fairness: z
    .strictObject({
      enabled: z
        .boolean()
        .default(true)
        .describe(
          'Calls wait for room in a provider’s account by turns of their tenants; else they are sent as they come.',
        ),
      wait: duration({ min: '0ms', max: '10m' })
        .default(10_000)
        .describe(
          'How long a call may wait for its turn; then it is answered as if the provider had refused it (429).',
        ),
      weights: z
        .record(word, z.number().min(0.001).max(1_000).describe('Against other tenants that wait.'))
        .default({})
        .describe('Share of a tenant against others that wait; one that is not named has 1.'),
    })
    .prefault({})
    .describe('Limits of the providers’ accounts, learnt from their answers and shared among tenants by tokens.'),
  cost: z
    .strictObject({
      expose: z
        .enum(['none', 'cost'])
        .default('none')
        .describe('Shows `usage.cost` in answers; a tenant may say otherwise.'),
    })
    .prefault({}),
  ...declaredSection,
} as const;

export type FeatureConfig = z.output<typeof featureSchema>;
