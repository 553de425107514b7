/** What `/admin/alerts` and its test answer. */
import type { WebhookTest } from '#capabilities/alerts/index.ts';

export type { AlertsView, AlertView, RuleView, WebhookTest, WebhookView } from '#capabilities/alerts/index.ts';

export interface TestAnswer {
  readonly results: readonly WebhookTest[];
}
