import { z } from 'zod';
import { LOCKABLE, type LayerSettings } from '#ports/layer.ts';
import {
  MOST_TEMPLATE_BYTES,
  MOST_VALUE_BYTES,
  MOST_VARIABLES,
  templateFault,
  valueFault,
  VARIABLE_NAME,
} from './core/template.ts';

/*
 * Fields of a layer as people write them: the same in the admin API and in headgate.yaml, so that what one refuses the
 * other refuses too.
 */

const MOST_ALIASES = 128;
const MOST_TOOLS = 256;

const few = <S extends z.ZodRecord>(schema: S, most: number) =>
  schema.refine((rows) => Object.keys(rows).length <= most, { message: `has at most ${most} entries` });

const variableName = z
  .string()
  .regex(VARIABLE_NAME, 'is a name of lower-case letters, digits and _, at most 32 characters');
const model = z.string().min(1).max(128);

const variable = z.strictObject({
  from: z
    .enum(['layers', 'call'])
    .default('layers')
    .describe('`call`: the caller may give its text in `x-headgate-variables` as well.'),
  default: z
    .string()
    .max(MOST_VALUE_BYTES)
    .nullable()
    .default(null)
    .describe('Null: a call without a text is refused.'),
  maxBytes: z.number().int().min(1).max(MOST_VALUE_BYTES).default(256).describe('Longest text, in UTF-8.'),
});

const template = z
  .strictObject({
    text: z
      .string()
      .min(1)
      .max(MOST_TEMPLATE_BYTES)
      .describe('Instructions for the model, with `{{name}}` for each variable; `\\{{` is two braces.'),
    variables: few(z.record(variableName, variable), MOST_VARIABLES).default({}),
    place: z
      .enum(['after', 'before'])
      .default('after')
      .describe('`after` the caller’s own instructions; `before` them changes the key of the provider’s prompt cache.'),
  })
  .superRefine((given, context) => {
    const fault = templateFault(given);
    if (fault === null) return;
    const path = fault.field.split('.').slice(1);
    context.addIssue({ code: 'custom', path, message: fault.message });
  });

const value = z.string().superRefine((text, context) => {
  const fault = valueFault(text, { maxBytes: MOST_VALUE_BYTES, from: 'layers' });
  if (fault !== null) context.addIssue({ code: 'custom', message: fault });
});

const rule = (schema: z.ZodNumber) =>
  z.strictObject({
    default: schema.optional().describe('Where the call has none.'),
    force: schema.optional().describe('Whatever the call has.'),
    max: schema.optional().describe('A larger one is lowered to it, and a call that has none gets it.'),
  });

/** Settings of a layer; every one may be left out. */
export const layerSettings = {
  template: template.nullable().default(null).describe('System prompt that is added to the caller’s.'),
  values: few(z.record(variableName, value.describe('Text of the variable.')), 64)
    .default({})
    .describe('Texts for variables of its own template and of those of layers outside it.'),
  aliases: few(z.record(model, model.describe('Model that the name means.')), MOST_ALIASES)
    .default({})
    .describe('Model names that callers ask for, and the models that they mean.'),
  tools: z
    .array(z.string().min(1).max(128))
    .max(MOST_TOOLS)
    .nullable()
    .default(null)
    .describe('Tools that a call may offer, exact or with a trailing `*`; null: all that the other layers allow.'),
  parameters: z
    .strictObject({
      temperature: rule(z.number().min(0).max(2)).optional(),
      topP: rule(z.number().min(0).max(1)).optional(),
      maxOutputTokens: rule(z.number().int().min(1).max(10_000_000)).optional(),
    })
    .default({})
    .describe('Default, forced value and largest value of a parameter.'),
  regions: z
    .array(z.string().min(1).max(64))
    .max(64)
    .nullable()
    .default(null)
    .describe('`dataRegion` of the deployments that may serve; null: all that the other layers allow.'),
  isolation: z
    .strictObject({
      preamble: z
        .boolean()
        .optional()
        .describe('True: where the provider’s cache is `shared`, prompts begin with a line of the tenant’s own.'),
      hideCachedTokens: z
        .boolean()
        .optional()
        .describe('True: answers say nothing of what of their prompt came of a cache.'),
      ttftQuantumMs: z
        .number()
        .int()
        .min(1)
        .max(10_000)
        .optional()
        .describe('First tokens go out at multiples of it after the call began; the largest holds.'),
    })
    .nullable()
    .default(null)
    .describe(
      'What keeps others from telling these calls’ prompts by a prompt cache; it adds to what outer layers say.',
    ),
  locks: z
    .array(z.enum(LOCKABLE))
    .max(LOCKABLE.length)
    .default([])
    .describe('Fields that no layer inside this one may set.'),
};

const changeOf = <S extends z.ZodType>({ def: { innerType }, description }: z.ZodDefault<S>) =>
  innerType.optional().describe(description ?? '');

/** The same for a change: what is left out stays as it is, and no default takes its place. */
export const changedSettings = {
  template: changeOf(layerSettings.template),
  values: changeOf(layerSettings.values),
  aliases: changeOf(layerSettings.aliases),
  tools: changeOf(layerSettings.tools),
  parameters: changeOf(layerSettings.parameters),
  regions: changeOf(layerSettings.regions),
  isolation: changeOf(layerSettings.isolation),
  locks: changeOf(layerSettings.locks),
};

const whole = z.strictObject(layerSettings);
export type GivenSettings = z.output<typeof whole>;

/** As they are kept. */
export const settingsOf = (given: GivenSettings, ownKeys: readonly string[] = []): LayerSettings => ({
  template: given.template,
  values: given.values,
  aliases: given.aliases,
  tools: given.tools,
  parameters: given.parameters as LayerSettings['parameters'],
  regions: given.regions,
  ...(given.isolation && { isolation: given.isolation }),
  ownKeys,
  locks: [...new Set(given.locks)],
});

/** Level and subject of a layer. */
export const layerScope = {
  level: z.enum(['operator', 'plan', 'tenant', 'team', 'feature', 'key']).describe('Whose calls it is for.'),
  tenant: z
    .string()
    .optional()
    .describe('Tenant, at the levels tenant, team and key; at feature: of this tenant alone.'),
  id: z.string().max(128).optional().describe('Plan, team, feature or key.'),
};
