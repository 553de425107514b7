import { iso } from '#kernel/clock.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { nearest } from '#kernel/did-you-mean.ts';
import type { Alerts, RuleState } from './engine.ts';
import type { Instance } from './core/state.ts';

export interface AlertView {
  readonly labels: Readonly<Record<string, string>>;
  readonly phase: 'pending' | 'firing';
  readonly since: string;
  readonly firedAt: string | null;
  readonly value: number | null;
  readonly text: string;
}

export interface RuleView {
  readonly rule: string;
  readonly kind: string;
  readonly severity: 'info' | 'warning' | 'critical';
  readonly state: 'ok' | 'pending' | 'firing' | 'unknown';
  readonly summary: string | null;
  readonly runbook: string | null;
  readonly lookedAt: string | null;
  /** Why it could not be looked at; null: it could. */
  readonly trouble: string | null;
  readonly alerts: readonly AlertView[];
  readonly leftOut: number;
}

export interface WebhookView {
  readonly name: string;
  /** Host alone: a path of a chat's webhook is a credential. */
  readonly host: string;
  readonly format: string;
  readonly minSeverity: string;
  readonly signed: boolean;
}

export interface AlertsView {
  readonly report: 'alerts';
  /** Firing ones over all rules. */
  readonly firing: number;
  readonly rules: readonly RuleView[];
  readonly webhooks: readonly WebhookView[];
  readonly delivery: Alerts['delivery'];
}

export interface WebhookTest {
  readonly webhook: string;
  readonly ok: boolean;
  readonly httpStatus: number | null;
  readonly errorCode: string | null;
  readonly tookMs: number;
}

/** The words that an answer of the admin API is made of. */
export function alertsView(alerts: Alerts, webhooks: readonly WebhookView[]): AlertsView {
  const rules = alerts.states().map(ruleView);
  const firing = rules.reduce((sum, rule) => sum + rule.alerts.filter(({ phase }) => phase === 'firing').length, 0);
  return { report: 'alerts', firing, rules, webhooks, delivery: alerts.delivery };
}

export function ruleView({ rule, settings, instances, leftOut, lookedAt, trouble }: RuleState): RuleView {
  const alerts = Object.values(instances).map(alertView);
  return {
    ...{ rule, kind: settings.kind, severity: settings.severity, state: stateOf(alerts, lookedAt, trouble) },
    ...{ summary: settings.summary ?? null, runbook: settings.runbook ?? null },
    ...{ lookedAt: lookedAt === null ? null : iso(lookedAt), trouble, alerts, leftOut },
  };
}

function stateOf(alerts: readonly AlertView[], lookedAt: number | null, trouble: string | null): RuleView['state'] {
  if (alerts.some(({ phase }) => phase === 'firing')) return 'firing';
  if (trouble !== null || lookedAt === null) return 'unknown';
  return alerts.length > 0 ? 'pending' : 'ok';
}

const alertView = ({ labels, phase, since, firedAt, value, text }: Instance): AlertView => ({
  ...{ labels, phase, since: iso(since), firedAt: firedAt === null ? null : iso(firedAt), value, text },
});

/** Sends a test to one webhook, or to each. */
export async function testWebhooks(
  alerts: Alerts,
  known: readonly string[],
  name: string | null,
): Promise<WebhookTest[]> {
  if (name !== null && !known.includes(name)) throw noWebhook(name, known);
  const asked = name === null ? known : [name];
  return Promise.all(
    asked.map(async (webhook): Promise<WebhookTest> => {
      const result = await alerts.test(webhook);
      if (!result) throw noWebhook(webhook, known);
      const { status, errorCode, tookMs } = result;
      return { webhook, ok: status !== null && status >= 200 && status < 300, httpStatus: status, errorCode, tookMs };
    }),
  );
}

function noWebhook(name: string, known: readonly string[]): HeadgateError {
  const near = nearest(name, new Set(known));
  const hint = near.length > 0 ? ` Did you mean ${near.map((one) => `\`${one}\``).join(', ')}?` : '';
  return new HeadgateError('not_found', { message: `There is no webhook \`${name.slice(0, 128)}\`.${hint}` });
}
