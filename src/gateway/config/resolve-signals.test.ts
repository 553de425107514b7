import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError } from '#kernel/config/diagnostics.ts';
import { loadConfig } from '../../up/config-source.ts';

const config = (alerts: string): string => `
providers: { lab: { kind: lab, baseUrl: "http://127.0.0.1:1/v1" } }
models: { m: { deployments: [{ provider: lab }] } }
features: { search: {} }
${alerts}`;

const load = (text: string, env: Record<string, string> = {}) => loadConfig({ path: null, text: config(text) }, env);

/** Path, message and hint of each problem. */
function problems(text: string, env: Record<string, string> = {}): string[] {
  try {
    load(text, env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.diagnostics.map(({ message, hint }) => `${message}${hint ? ` (${hint})` : ''}`);
  }
  return [];
}

test('a webhook with its secrets read; an address may be a reference', () => {
  const text = `alerts:
  webhooks:
    chat: { url: "\${env:CHAT}", format: slack, headers: { X-Token: "\${env:TOKEN}" }, timeout: 2s }`;
  const { webhooks } = load(text, { CHAT: 'https://hooks.example.com/services/T/B/x', TOKEN: 't' });
  assert.deepEqual(webhooks.get('chat'), {
    ...{ name: 'chat', url: 'https://hooks.example.com/services/T/B/x', secret: null, format: 'slack' },
    ...{ headers: { 'x-token': 't' }, allowPrivate: false, minSeverity: 'info', timeoutMs: 2_000 },
  });
});

test('what leads nowhere is said together, each with its place and the nearest that exists', () => {
  const text = `alerts:
  webhooks:
    ops: { url: "https://ops.example.com/", secret: "\${env:NOT_THERE}" }
    odd: { url: "\${env:ODD}" }
  rules:
    errors: { kind: error-rate, threshold: 0.1, notify: [opps], scope: { feature: serch, provider: lap } }`;
  assert.deepEqual(problems(text, { ODD: 'ftp://x' }), [
    'alerts.webhooks.ops.secret: the environment variable NOT_THERE is not set',
    'alerts.webhooks.odd.url: what the reference names must be http or https',
    'alerts.rules.errors.notify[0]: unknown webhook `opps` (did you mean `ops`?)',
    'alerts.rules.errors.scope.feature: unknown feature `serch` (did you mean `search`?)',
    'alerts.rules.errors.scope.provider: unknown provider `lap` (did you mean `lab`?)',
  ]);
});

test('a wrong key of a rule, a wrong kind and a credential in an address are problems of the file', () => {
  const rule = (fields: string): string => `alerts: { rules: { r: { ${fields} } } }`;
  assert.match(problems(rule('kind: error-rate, threshold: 0.1, windw: 5m')).join(), /unknown key `windw`.*window/);
  assert.match(problems(rule('kind: eror-rate, threshold: 0.1')).join(), /alerts\.rules\.r\.kind/);
  assert.match(problems(rule('kind: error-rate, threshold: 5')).join(), /alerts\.rules\.r\.threshold/);
  assert.match(
    problems('alerts: { webhooks: { w: { url: "https://user:secret@example.com/" } } }').join(),
    /credentials belong in `secret` or `headers`/,
  );
});
