import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changesBetween, describeConfig, flatConfig, type Override } from './effective-config.ts';

const taken = (text: string, overrides: readonly Override[] = []) => ({ text, file: '/etc/headgate.yaml', overrides });
const flat = (text: string, overrides: readonly Override[] = []) => flatConfig(taken(text, overrides));
const shownOf = (text: string): string => JSON.stringify(describeConfig(taken(text), null).values);

const TEXT = `providers:
  acme:
    kind: openai
    apiKey: \${env:ACME_KEY}
    headers: { x-secret: in-the-clear }
models:
  m: { deployments: [{ provider: acme, weight: 3 }] }
`;
const found = (path: string, values = flat(TEXT)) => values.find((value) => value.path === path);

test('a value of the file names its line, another is a default or an override', () => {
  assert.equal(found('providers.acme.kind')!.source, 'headgate.yaml:3');
  assert.equal(found('models.m.deployments[0].weight')!.source, 'headgate.yaml:7');
  assert.equal(found('models.m.deployments[0].order')!.source, 'default');
  assert.equal(found('listen.port')!.source, 'default');
  const values = flat(TEXT, [{ path: 'listen.port', value: '7', source: 'command line' }]);
  assert.deepEqual([found('listen.port', values)!.source, found('listen.port', values)!.value], ['command line', '7']);
});

test('a secret is its reference, and free text that may hold one is hidden', () => {
  assert.equal(found('providers.acme.apiKey')!.value, '${env:ACME_KEY}');
  assert.equal(found('providers.acme.headers.x-secret')!.value, null);
  assert.ok(!shownOf(TEXT).includes('in-the-clear'));
});

test('what the file declares is shown as it is written there, and no hash of a key', () => {
  const sha256 = 'ab'.repeat(32);
  const text = `tenants: { acme: {} }
keys: { web: { tenant: acme, sha256: ${sha256} } }
budgets: { month: { level: tenant, tenant: acme, limitUsd: "20.5" } }
`;
  const values = flat(text);
  assert.equal(found('budgets.month.limitUsd', values)!.value, '$20.5');
  assert.equal(found('keys.web.tenant', values)!.value, 'acme');
  assert.ok(!shownOf(text).includes(sha256));
});

test('a reload lists what was added, removed and changed, a hidden value without its text', () => {
  const next = TEXT.replace('weight: 3', 'weight: 4')
    .replace('in-the-clear', 'another')
    .replace('kind: openai', 'kind: openai\n    onDisconnect: cancel');
  const changes = changesBetween(flat(TEXT), flat(next));
  assert.deepEqual(
    changes.map(({ path, before, after, kind, hidden }) => [path, before, after, kind, hidden]),
    [
      ['models.m.deployments[0].weight', '3', '4', 'changed', false],
      ['providers.acme.headers.x-secret', null, null, 'changed', true],
      ['providers.acme.onDisconnect', null, 'cancel', 'added', false],
    ],
  );
  assert.deepEqual(changesBetween(flat(TEXT), flat(`# a comment\n${TEXT}`)), []);
});
