import { z } from 'zod';
import { alertsView, testWebhooks, type WebhookView } from '#capabilities/alerts/index.ts';
import { route, type AdminRoute } from '#capabilities/tenants/routes.ts';
import type { Gate } from '../gate.ts';

/** Rules, what of them fires, and whether a webhook takes a message. */
export const alertRoutes = ({ gate }: { readonly gate: Gate }): AdminRoute[] => [
  route('GET /admin/alerts', {
    tag: 'alerts',
    summary: 'Rules of alerts with what pends and fires, the webhooks, and what became of their messages',
    run: async () => alertsView(gate.alerts, webhookViews(gate)),
  }),
  route('POST /admin/alerts/test', {
    tag: 'alerts',
    summary: 'Send a test message to one webhook, or to each, and say what it answered',
    body: z.strictObject({ webhook: z.string().min(1).max(64).optional() }),
    run: async (_, { webhook }) => ({
      report: 'alerts_test',
      results: await testWebhooks(gate.alerts, [...gate.config.webhooks.keys()], webhook ?? null),
    }),
  }),
];

const webhookViews = ({ config }: Gate): WebhookView[] =>
  [...config.webhooks.values()].map(({ name, url, format, minSeverity, secret }) => ({
    ...{ name, host: new URL(url).host, format, minSeverity, signed: secret !== null },
  }));
