import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AlertsView, AlertView, RuleView } from '#capabilities/alerts/index.ts';
import { paintWith } from '../terminal.ts';
import { drawAlerts, drawTests } from './draw.ts';

const screen = { terminal: { width: 120, paint: paintWith(false) }, zone: 'UTC' } as never;
const rule = (fields: Partial<RuleView>): RuleView => ({
  ...{ rule: 'errors', kind: 'error-rate', severity: 'critical', state: 'ok', summary: null, runbook: null },
  ...{ lookedAt: '2026-11-25T12:00:00.000Z', trouble: null, alerts: [], leftOut: 0 },
  ...fields,
});
const view = (rules: RuleView[], fields: Partial<AlertsView> = {}): AlertsView => ({
  ...{ report: 'alerts', firing: 0, rules, webhooks: [] },
  delivery: { waiting: 0, sent: 3, retried: 0, rejected: 0, dropped: 1 },
  ...fields,
});

test('what fires has its sentence and its time, a rule where nothing does one line', () => {
  const alerts: AlertView[] = [
    {
      ...{ labels: { model: 'm' }, phase: 'firing', since: '2026-11-25T11:50:00.000Z' },
      ...{ firedAt: '2026-11-25T11:52:00.000Z', value: 1, text: 'model m: 6 of 6 calls failed' },
    },
  ];
  const webhook = { name: 'ops', host: 'ops.example.com', format: 'standard', minSeverity: 'info', signed: false };
  const rules = [
    rule({ state: 'firing', alerts, leftOut: 2 }),
    rule({ rule: 'lag', kind: 'spool-lag', state: 'unknown', trouble: 'the store is away' }),
  ];
  const lines = drawAlerts(view(rules, { firing: 1, webhooks: [webhook] }), screen).split('\n');
  assert.equal(lines[0], '1 fires · 2 rules · looked at 2026-11-25 12:00:00');
  assert.match(lines[3]!, /^errors +error-rate +critical +FIRING +2026-11-25 11:52 +model m: 6 of 6 calls failed$/);
  assert.match(lines[4]!, /^errors .* and 2 more$/);
  assert.match(lines[5]!, /^lag .* unknown +– +the store is away$/);
  assert.deepEqual(lines.slice(-3), [
    'messages: 3 sent, 0 waiting, 0 rejected, 1 given up',
    'webhooks: ops (ops.example.com, unsigned)',
    'hint: headgate alerts test ops',
  ]);
});

test('without rules and without webhooks it says what to do', () => {
  assert.match(
    drawAlerts(view([]), screen),
    /^No rules of alerts are configured\.\n\nhint: write rules under `alerts`/,
  );
  assert.match(drawAlerts(view([rule({})]), screen), /hint: no webhook is configured: nobody is told$/);
});

test('a test says what each webhook answered; a name with an escape stays text', () => {
  const result = { webhook: 'o\u001b[31mps', ok: false, httpStatus: 302, errorCode: null, tookMs: 12 };
  const text = drawTests({ report: 'alerts_test', results: [result] }, screen);
  assert.ok(!text.includes('\u001b'));
  assert.match(text, /did not take it: 302 in 12 ms/);
});
