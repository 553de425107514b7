import { z } from 'zod';
import { duration, secret } from '#kernel/config/primitives.ts';
import { targetHeaders, targetName, targetPrivate, targetUrl } from '#telemetry/push-target.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const value = z.string().min(1).max(128).describe('Of these calls alone.');

/** Rules of one file; each asks the store a few questions every time. */
export const MOST_RULES = 64;
const MOST_WEBHOOKS = 16;

const webhook = z.strictObject({
  url: targetUrl.describe('Where the messages go, or a reference of it. No caller and no answer ever names a host.'),
  secret: secret().optional().describe('Key of the signature; `whsec_…` as Standard Webhooks writes it, or any text.'),
  format: z
    .enum(['standard', 'slack'])
    .default('standard')
    .describe('`slack`: one text, as the incoming webhooks of Slack take it.'),
  headers: targetHeaders,
  private: targetPrivate,
  minSeverity: z.enum(['info', 'warning', 'critical']).default('info').describe('Alerts below this are not sent here.'),
  timeout: duration({ min: '100ms', max: '1m' }).default(10_000).describe('Of one try.'),
});

const scope = z
  .strictObject({ tenant: value, feature: value, model: value, provider: value })
  .partial()
  .prefault({})
  .describe('Whose calls are looked at; empty: all of them.');
const ofTenant = z.strictObject({ tenant: value }).partial().prefault({}).describe('Whose keys; empty: all of them.');
const part = z.strictObject({ tenant: value, feature: value }).partial().prefault({});
const budgetScope = part.describe('Whose budgets; empty: all of them.');
const limitScope = part.describe('Whose limits; empty: all of them.');
const each = z
  .enum(['tenant', 'feature', 'model', 'provider'])
  .optional()
  .describe('An alert of its own for each value of this.');

const common = {
  severity: z.enum(['info', 'warning', 'critical']).default('warning').describe('How bad it is.'),
  for: duration({ min: '0ms', max: '7d' })
    .default(0)
    .describe('So long it must hold before it fires, and be over before it is resolved.'),
  repeat: duration({ min: '1m', max: '30d' })
    .default(4 * HOUR_MS)
    .describe('A firing alert is told again after this.'),
  notify: z.array(targetName).max(MOST_WEBHOOKS).optional().describe('Webhooks; default: all of them.'),
  summary: z.string().trim().min(1).max(256).optional().describe('A sentence of yours that stands in every message.'),
  runbook: z.url().max(2048).optional().describe('Link for whoever is woken by it.'),
};
const window = (ms: number) =>
  duration({ min: '1m', max: '30d' }).default(ms).describe('Calls that were admitted in the last so much time.');
const minCalls = z.number().int().min(1).max(1_000_000).default(20).describe('Fewer calls say nothing.');

export const ruleSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('error-rate'),
    threshold: z.number().gt(0).max(1).describe('Share of calls that failed by other than their caller’s will.'),
    ...{ window: window(5 * MINUTE_MS), minCalls, scope, each, ...common },
  }),
  z.strictObject({
    kind: z.literal('first-token'),
    quantile: z.enum(['p50', 'p95', 'p99']).default('p95').describe('Of the time to the first token.'),
    threshold: duration({ min: '1ms', max: '1h' }).describe('Time to the first token.'),
    ...{ window: window(5 * MINUTE_MS), minCalls, scope, each, ...common },
  }),
  z.strictObject({
    kind: z.literal('spool-lag'),
    threshold: duration({ min: '1s', max: '7d' })
      .default(MINUTE_MS)
      .describe('Age of the oldest entry that the store has not.'),
    ...common,
  }),
  z.strictObject({
    kind: z.literal('price-unknown'),
    threshold: z.number().int().min(1).max(1_000_000).default(1).describe('Calls without a known price, by model.'),
    ...{ window: window(HOUR_MS), scope, ...common },
  }),
  z.strictObject({
    kind: z.literal('budget-burn'),
    threshold: z.number().gt(0).max(10_000).describe('How many times faster than the budget’s window allows.'),
    window: window(HOUR_MS).describe('The long window.'),
    shortWindow: window(5 * MINUTE_MS).describe(
      'It must burn as fast in this one too, so that an alert ends with its cause.',
    ),
    ...{ scope: budgetScope, ...common },
  }),
  z.strictObject({
    kind: z.literal('burn'),
    window: window(HOUR_MS).describe('The fast window: an alert ends with its cause.'),
    longWindow: window(6 * HOUR_MS).describe('The slow window: a short peak is no pace.'),
    minSpent: z
      .number()
      .min(0)
      .max(1)
      .default(0.05)
      .describe('Share of the limit that must be spent: before, a pace says little.'),
    horizon: duration({ min: '1h', max: '366d' })
      .default(7 * DAY_MS)
      .describe('Of a budget that never resets: it must last for so long.'),
    ...{ scope: budgetScope, ...common },
  }),
  z.strictObject({
    kind: z.literal('limit-use'),
    threshold: z.number().gt(0).max(1).default(0.8).describe('Share of a limit that is taken; 1: all of it.'),
    ...{ scope: limitScope, ...common },
  }),
  z.strictObject({
    kind: z.literal('limit-refused'),
    threshold: z.number().int().min(1).max(1_000_000).default(1).describe('Calls that one limit refused.'),
    window: duration({ min: '1m', max: '59m' })
      .default(5 * MINUTE_MS)
      .describe('In the last so much time.'),
    ...{ scope: limitScope, ...common },
  }),
  z.strictObject({
    kind: z.literal('key-unused'),
    threshold: duration({ min: '1d', max: '365d' })
      .default(30 * DAY_MS)
      .describe('A key of that age without a call for that long.'),
    ...{ scope: ofTenant, ...common },
  }),
  z.strictObject({
    kind: z.literal('key-unusual'),
    threshold: z.number().gt(1).max(1_000_000).default(10).describe('Times its own usual spending.'),
    window: window(HOUR_MS),
    baseline: duration({ min: '1h', max: '90d' })
      .default(14 * DAY_MS)
      .describe('What is usual comes from here; a key that was silent in it and calls now fires too.'),
    minUsd: z
      .string()
      .regex(/^\d{1,9}(\.\d{1,9})?$/, 'is decimal dollars')
      .default('1')
      .describe('Less than this in the window is never unusual.'),
    ...{ scope: ofTenant, ...common },
  }),
]);

/** Section of headgate.yaml. */
export const alertsSection = {
  alerts: z
    .strictObject({
      interval: duration({ min: '1s', max: '1h' }).default(30_000).describe('How often the rules are looked at.'),
      webhooks: z
        .record(targetName, webhook)
        .refine((all) => Object.keys(all).length <= MOST_WEBHOOKS, { message: `has at most ${MOST_WEBHOOKS} entries` })
        .default({}),
      rules: z
        .record(targetName, ruleSchema)
        .refine((all) => Object.keys(all).length <= MOST_RULES, { message: `has at most ${MOST_RULES} entries` })
        .default({}),
    })
    .prefault({})
    .describe('Rules over the ledger and the gate’s own figures, and whom they tell.'),
};

const whole = z.strictObject(alertsSection);
export type AlertsFile = z.output<typeof whole>['alerts'];
export type AlertRule = z.output<typeof ruleSchema>;
export type RuleOf<K extends AlertRule['kind']> = Extract<AlertRule, { readonly kind: K }>;
export type Severity = AlertRule['severity'];
export type WebhookSettings = AlertsFile['webhooks'][string];

/** A webhook as it runs: secrets read. */
export interface Webhook {
  readonly name: string;
  readonly url: string;
  readonly secret: string | null;
  readonly format: 'standard' | 'slack';
  readonly headers: Readonly<Record<string, string>>;
  readonly allowPrivate: boolean;
  readonly minSeverity: Severity;
  readonly timeoutMs: number;
}

export interface ConfigFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly near: readonly string[];
}

/** References of rules that lead nowhere. */
export function alertFaults(
  alerts: AlertsFile,
  known: { readonly features: readonly string[]; readonly providers: readonly string[] },
): ConfigFault[] {
  const hooks = Object.keys(alerts.webhooks);
  return Object.entries(alerts.rules).flatMap(([rule, { notify = [], ...rest }]) => {
    const path = ['alerts', 'rules', rule];
    const scoped: Partial<Record<string, string | undefined>> = 'scope' in rest ? rest.scope : {};
    const unknown = (
      place: readonly (string | number)[],
      what: string,
      text: string,
      near: readonly string[],
    ): ConfigFault[] =>
      near.includes(text) ? [] : [{ path: [...path, ...place], message: `unknown ${what} \`${text}\``, near }];
    return [
      ...notify.flatMap((hook, i) => unknown(['notify', i], 'webhook', hook, hooks)),
      ...(scoped['feature'] === undefined
        ? []
        : unknown(['scope', 'feature'], 'feature', scoped['feature'], known.features)),
      ...(scoped['provider'] === undefined
        ? []
        : unknown(['scope', 'provider'], 'provider', scoped['provider'], known.providers)),
    ];
  });
}
