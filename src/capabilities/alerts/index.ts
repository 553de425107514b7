/** Alerts: rules over the ledger and the gate's own figures, and the webhooks that they tell. */
export { Alerts, type AlertsNow, type AlertsOptions } from './engine.ts';
export type { BudgetNow, Sources } from './readings.ts';
export {
  alertsView,
  ruleView,
  testWebhooks,
  type AlertsView,
  type AlertView,
  type RuleView,
  type WebhookTest,
  type WebhookView,
} from './routes.ts';
