import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { allowedModels } from './model-lists.ts';

const groups = new Map([['big', ['gpt-5', 'claude']]]);
const allowed = (key: readonly string[], team: readonly string[]): readonly string[] | null =>
  allowedModels(key, team, groups);

test('an empty list is as the other says, and two lists allow what both do', () => {
  assert.equal(allowed([], []), null);
  assert.equal(allowed(['all-proxy-models'], []), null);
  assert.deepEqual(allowed(['all-team-models'], ['a']), ['a']);
  assert.deepEqual(allowed([], ['a', 'b']), ['a', 'b']);
  assert.deepEqual(allowed(['a', 'c'], ['a', 'b']), ['a']);
  assert.deepEqual(allowed(['gpt-*'], ['gpt-5', 'claude']), ['gpt-5']);
  assert.deepEqual(allowed(['gpt-5'], ['gpt-*']), ['gpt-5']);
  assert.deepEqual(allowed(['big'], []), ['gpt-5', 'claude']);
  assert.deepEqual(allowed(['c'], ['a']), [], 'nothing is left, which is not everything');
});

test('property: a model is allowed where both lists allow it, and nowhere else', () => {
  const name = fc.constantFrom('a', 'ab', 'abc', 'b', 'bc');
  const pattern = fc.oneof(
    name,
    name.map((text) => `${text}*`),
  );
  const permits = (list: readonly string[] | null, model: string): boolean =>
    list === null || list.some((one) => one === model || (one.endsWith('*') && model.startsWith(one.slice(0, -1))));
  fc.assert(
    fc.property(fc.array(pattern), fc.array(pattern), name, (key, team, model) => {
      const wanted = permits(key.length === 0 ? null : key, model) && permits(team.length === 0 ? null : team, model);
      assert.equal(permits(allowed(key, team), model), wanted);
    }),
  );
});
