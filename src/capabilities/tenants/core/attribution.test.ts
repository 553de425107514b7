import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApiKey, KeyRights } from '#ports/state-store.ts';
import { readAttribution, withBodyHints, type AttributionRules } from './attribution.ts';

const ALL: KeyRights = { features: '*', endUser: true, session: true, agent: true, purpose: true, labels: ['env'] };
const NONE: KeyRights = { features: [], endUser: false, session: false, agent: false, purpose: false, labels: [] };

const rules = (rights: KeyRights): AttributionRules => ({
  key: { rights, defaultFeature: 'chat', defaultLabels: { env: 'prod' } } as unknown as ApiKey,
  features: new Set(['chat', 'search']),
  labels: new Set(['env', 'region']),
  hashEndUser: (raw) => `hash(${raw})`,
});
const read = (headers: Record<string, string>, rights = ALL) => readAttribution(headers, rules(rights));
const value = (headers: Record<string, string>, rights = ALL) => {
  const result = read(headers, rights);
  assert.ok(result.ok);
  return result.value;
};
const refusal = (headers: Record<string, string>, rights = ALL) => {
  const result = read(headers, rights);
  assert.ok(!result.ok);
  return [result.error.code, result.error.details.field, result.error.message] as const;
};

describe('attribution', () => {
  test('headers become columns; the end user only as a hash', () => {
    const got = value({
      'x-headgate-feature': 'search',
      'x-headgate-end-user': 'ada@example.com',
      'x-headgate-session': 's-1',
      'x-headgate-agent': 'coder',
      'x-headgate-parent-agent': 'lead',
      'x-headgate-labels': 'env=dev',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'user-agent': 'OpenAI/JS 7.57.0',
      'x-stainless-retry-count': '2',
    });
    assert.equal(got.feature, 'search');
    assert.equal(got.endUser, 'hash(ada@example.com)');
    assert.deepEqual([got.session, got.agent, got.parentAgent], ['s-1', 'coder', 'lead']);
    assert.deepEqual(got.labels, { env: 'dev' });
    assert.equal(got.traceId, '0af7651916cd43dd8448eb211c80319c');
    assert.deepEqual([got.client, got.clientVersion, got.clientRetry], ['openai-js', '7.57.0', 2]);
  });

  test('each header that the key may not set is a 400 that names it', () => {
    for (const header of ['feature', 'end-user', 'session', 'agent', 'parent-agent', 'purpose', 'labels']) {
      const name = `x-headgate-${header}`;
      const [code, field, message] = refusal({ [name]: header === 'labels' ? 'env=x' : 'search' }, NONE);
      assert.deepEqual([code, field], ['header_not_allowed', name]);
      assert.ok(message.includes(name), message);
    }
  });

  test('the default feature may be named by a key without the right, and counts where none is named', () => {
    assert.equal(value({ 'x-headgate-feature': 'chat' }, NONE).feature, 'chat');
    assert.equal(value({}, NONE).feature, 'chat');
  });

  test('a feature of the key that does not exist gets the nearest', () => {
    const [code, , message] = refusal({ 'x-headgate-feature': 'serch' });
    assert.equal(code, 'invalid_request');
    assert.match(message, /`search`/);
  });

  test('labels: at most ten, from the list, well-formed', () => {
    const many = Array.from({ length: 11 }, (_, i) => `l${i}=x`).join(',');
    assert.equal(refusal({ 'x-headgate-labels': many })[0], 'invalid_request');
    assert.equal(refusal({ 'x-headgate-labels': 'region=eu' })[0], 'header_not_allowed');
    assert.equal(refusal({ 'x-headgate-labels': 'env' })[0], 'invalid_request');
    assert.equal(refusal({ 'x-headgate-labels': `env=${'x'.repeat(65)}` })[0], 'invalid_request');
    assert.equal(refusal({ 'x-headgate-labels': '__proto__=x' })[0], 'invalid_request');
  });

  test('too long or wrong characters name the header', () => {
    assert.deepEqual(refusal({ 'x-headgate-session': 'a b' }).slice(0, 2), ['invalid_request', 'x-headgate-session']);
    assert.equal(refusal({ 'x-headgate-end-user': 'u'.repeat(257) })[0], 'invalid_request');
  });

  test('an agent’s own session header counts where the key may set sessions, and is never refused', () => {
    for (const name of ['x-claude-code-session-id', 'session_id', 'x-session-affinity']) {
      assert.equal(value({ [name]: 'abc-123' }).session, 'abc-123', name);
      assert.equal(value({ [name]: 'abc-123' }, NONE).session, null, name);
      assert.equal(value({ [name]: 'abc 123' }).session, null, name);
      assert.equal(value({ [name]: 'abc-123', 'x-headgate-session': 'ours' }).session, 'ours', name);
    }
  });

  test('what the body says fills what headers left open, without a refusal', () => {
    const hints = { endUser: 'ada', sessionHint: 'conv 1 with spaces' };
    assert.equal(withBodyHints(value({}), hints, rules(ALL)).endUser, 'hash(ada)');
    assert.equal(withBodyHints(value({}), hints, rules(ALL)).session, null);
    assert.equal(withBodyHints(value({}, NONE), hints, rules(NONE)).endUser, null);
    const named = value({ 'x-headgate-end-user': 'bob' });
    assert.equal(withBodyHints(named, hints, rules(ALL)).endUser, 'hash(bob)');
  });

  test('an invalid traceparent counts as none, other clients keep their names', () => {
    const got = value({ traceparent: '00-zz', 'user-agent': 'claude-cli/2.1.197 (external, cli)' });
    assert.equal(got.traceId, null);
    assert.deepEqual([got.client, got.clientVersion], ['claude-cli', '2.1.197']);
    assert.equal(value({ 'x-stainless-lang': 'python', 'x-stainless-package-version': '1.2.3' }).client, 'sdk-python');
  });
});
