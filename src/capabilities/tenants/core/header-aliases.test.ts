import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ApiKey, KeyRights } from '#ports/state-store.ts';
import { HEADER_ALIASES, readAliased, type AliasSet } from './header-aliases.ts';

const ALL: KeyRights = {
  features: [],
  endUser: true,
  session: true,
  agent: true,
  purpose: true,
  labels: ['env', 'team', 'tags'],
};
const NONE: KeyRights = { features: [], endUser: false, session: false, agent: false, purpose: false, labels: [] };

function read(headers: Record<string, string>, rights = ALL, sets: readonly AliasSet[] = ['litellm', 'helicone']) {
  const key = { rights, defaultFeature: null, defaultLabels: {} } as unknown as ApiKey;
  const names = { features: new Set<string>(), labels: new Set(['env', 'team', 'tags']) };
  return readAliased(headers, { key, ...names, hashEndUser: (raw) => `hash(${raw})` }, sets);
}
const value = (...of: Parameters<typeof read>) => {
  const result = read(...of);
  assert.ok(result.ok, result.ok ? '' : result.error.message);
  return result.value;
};

describe('headers of other gateways', () => {
  test('are nothing while they are off', () => {
    const headers = { 'x-litellm-tags': 'env:prod', 'helicone-user-id': 'ada' };
    const got = value(headers, NONE, []);
    assert.deepEqual([got.endUser, got.labels], [null, {}]);
    assert.equal(value(headers, ALL, ['litellm']).endUser, null, 'one gateway does not turn the other on');
  });

  test('of LiteLLM become end user, session and labels', () => {
    const got = value({
      'x-litellm-customer-id': 'ada',
      'x-litellm-trace-id': 't-1',
      'x-litellm-tags': 'env:prod, team=core, fast,batch',
    });
    assert.deepEqual([got.endUser, got.session], ['hash(ada)', 't-1']);
    assert.deepEqual(got.labels, { env: 'prod', team: 'core', tags: 'batch+fast' });
    const both = value({ 'x-litellm-end-user-id': 'b', 'x-litellm-customer-id': 'a' });
    assert.equal(both.endUser, 'hash(a)', 'the order is LiteLLM’s own');
  });

  test('of Helicone become end user, session and labels', () => {
    const got = value({
      'helicone-user-id': 'ada',
      'helicone-session-id': 's-1',
      'helicone-property-env': 'dev',
      'helicone-property-team': 'core',
    });
    assert.deepEqual([got.endUser, got.session, got.labels], ['hash(ada)', 's-1', { env: 'dev', team: 'core' }]);
  });

  test('ours win', () => {
    const got = value({
      'x-headgate-end-user': 'ours',
      'helicone-user-id': 'theirs',
      'x-headgate-labels': 'env=a',
      'x-litellm-tags': 'env:b',
    });
    assert.deepEqual([got.endUser, got.labels], ['hash(ours)', { env: 'a' }]);
  });

  test('each that the key may not set is a 400 that names it as it was sent', () => {
    for (const { header, how } of HEADER_ALIASES) {
      const sent = header.replace('*', 'env');
      const result = read({ [sent]: how === 'tags' ? 'env:x' : 'x' }, NONE);
      assert.ok(!result.ok, sent);
      assert.equal(result.error.code, 'header_not_allowed');
      assert.equal(result.error.details.field, sent);
      assert.ok(
        result.error.message.includes(sent) && !result.error.message.includes('x-headgate'),
        result.error.message,
      );
    }
  });

  test('a value that cannot be a label is refused, and a comma in a property makes no second one', () => {
    const long = read({ 'helicone-property-env': 'x'.repeat(65) });
    assert.ok(!long.ok && long.error.details.field === 'helicone-property-env');
    const sneaky = value({ 'helicone-property-env': 'a,team=core' });
    assert.deepEqual(sneaky.labels, { env: 'a;team=core' });
  });
});
