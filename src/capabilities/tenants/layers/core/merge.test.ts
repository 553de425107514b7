import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { epochMs, type TenantId } from '#kernel/brand.ts';
import { LAYER_LEVELS, LOCKABLE, type Layer, type LayerScope, type LayerSettings } from '#ports/layer.ts';
import type { EffectiveParameter } from './effective.ts';
import { renderPrompt } from './bind.ts';
import { listed, mergeLayers, parameterFor, refusedTool } from './merge.ts';
import { layerId } from './scope.ts';

const TENANT = 'acme' as TenantId;
const CALLER = { tenant: TENANT, plan: 'gold', team: 'acme.core', feature: 'search', key: 'key_1' };
const EMPTY: LayerSettings = {
  template: null,
  values: {},
  aliases: {},
  tools: null,
  parameters: {},
  regions: null,
  ownKeys: [],
  locks: [],
};
const SCOPES: readonly LayerScope[] = [
  { level: 'operator', tenant: null, id: null },
  { level: 'plan', tenant: null, id: 'gold' },
  { level: 'tenant', tenant: TENANT, id: null },
  { level: 'team', tenant: TENANT, id: 'acme.core' },
  { level: 'feature', tenant: null, id: 'search' },
  { level: 'feature', tenant: TENANT, id: 'search' },
  { level: 'key', tenant: TENANT, id: 'key_1' },
];
const layerOf = (scope: LayerScope, settings: Partial<LayerSettings>): Layer => ({
  id: layerId(scope),
  scope,
  version: 1,
  at: epochMs(1),
  author: 'a test',
  settings: { ...EMPTY, ...settings },
  createdAt: epochMs(1),
  history: [],
});
const merge = (layers: readonly Layer[], caller = CALLER) => {
  const byId = new Map(layers.map((layer) => [layer.id, layer]));
  return mergeLayers((id) => byId.get(id), caller);
};

const words = ['a', 'b', 'c', 'd'];
const some = fc.subarray(words);
const rule = fc.record({ default: fc.nat(9), force: fc.nat(9), max: fc.nat(9) }, { requiredKeys: [] });
const settings: fc.Arbitrary<LayerSettings> = fc.record({
  template: fc.option(
    fc.record({
      text: fc.constantFrom('plain', 'with {{a}}', '{{b}} and {{a}}'),
      variables: fc.constant({
        a: { from: 'layers', default: 'of the template', maxBytes: 64 },
        b: { from: 'call', default: 'of the template', maxBytes: 64 },
      } as const),
      place: fc.constantFrom('after', 'before'),
    }),
    { nil: null },
  ),
  values: fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('one', 'two', '{{b}}')),
  aliases: fc.dictionary(fc.constantFrom(...words), fc.constantFrom('m1', 'm2')),
  tools: fc.option(some, { nil: null }),
  parameters: fc.record({ temperature: rule, maxOutputTokens: rule }, { requiredKeys: [] }),
  regions: fc.option(some, { nil: null }),
  ownKeys: some,
  locks: fc.subarray([...LOCKABLE]),
});
/** Any layers, at most one a scope, from the outside in. */
const stack = fc
  .array(fc.option(settings, { nil: null }), { minLength: SCOPES.length, maxLength: SCOPES.length })
  .map((all) => all.flatMap((one, i) => (one === null ? [] : [layerOf(SCOPES[i]!, one)])));

test('what layers come to does not depend on the order in which they were made', () => {
  fc.assert(
    fc.property(
      stack.chain((layers) =>
        fc.tuple(fc.constant(layers), fc.shuffledSubarray([...layers], { minLength: layers.length })),
      ),
      ([layers, shuffled]) => assert.deepEqual(merge(shuffled), merge(layers)),
    ),
  );
});

test('an inner layer never widens what the ones outside it allow, whatever it says', () => {
  fc.assert(
    fc.property(stack, fc.nat(6), (layers, cut) => {
      const outer = layers.slice(0, cut);
      const [before, after] = [merge(outer), merge(layers)];
      if (before === null || after === null) return;
      for (const tool of words)
        if (refusedTool(before, [tool]) !== null) assert.notEqual(refusedTool(after, [tool]), null, tool);
      if (before.regions !== null)
        assert.ok(
          after.regions!.value.every((one) => before.regions!.value.includes(one)),
          'regions',
        );
      for (const [name, rule] of before.parameters) {
        const now: EffectiveParameter = after.parameters.get(name)!;
        if (rule.max !== null) assert.ok(now.max!.value <= rule.max.value, 'a cap');
        if (rule.force !== null) assert.deepEqual(now.force, rule.force);
      }
      const own = before.templates.map(({ by }) => by);
      assert.deepEqual(after.templates.map(({ by }) => by).slice(0, own.length), own, 'templates of outer layers stay');
      if (before.locks.has('aliases')) assert.deepEqual(after.aliases, before.aliases);
      if (before.locks.has('ownKeys')) assert.deepEqual(after.ownKeys, before.ownKeys);
      if (before.locks.has('parameters')) assert.deepEqual(after.parameters, before.parameters);
      if (before.locks.has('template')) assert.equal(after.templates.length, own.length);
      for (const [field, by] of before.locks) assert.equal(after.locks.get(field), by, 'a lock stays its owner’s');
    }),
    { numRuns: 500 },
  );
});

test('a layer of anybody else changes nothing', () => {
  const foreign: readonly LayerScope[] = [
    { level: 'plan', tenant: null, id: 'silver' },
    { level: 'tenant', tenant: 'globex' as TenantId, id: null },
    { level: 'team', tenant: 'globex' as TenantId, id: 'globex.core' },
    { level: 'feature', tenant: 'globex' as TenantId, id: 'search' },
    { level: 'feature', tenant: TENANT, id: 'chat' },
    { level: 'key', tenant: 'globex' as TenantId, id: 'key_2' },
  ];
  fc.assert(
    fc.property(stack, fc.array(settings, { minLength: 6, maxLength: 6 }), (layers, others) => {
      const noise = others.map((one, i) => layerOf(foreign[i]!, one));
      assert.deepEqual(merge([...noise, ...layers]), merge(layers));
    }),
  );
});

test('ids of scopes are as many as scopes, and each level has its own', () => {
  const ids = SCOPES.map(layerId);
  assert.equal(new Set(ids).size, SCOPES.length);
  assert.deepEqual(new Set(SCOPES.map(({ level }) => level)), new Set(LAYER_LEVELS));
  // A feature of every tenant may be named after a tenant and one of its features: `acme/x`, `acme:x`, `x@acme`.
  const own = layerId({ level: 'feature', tenant: TENANT, id: 'x' });
  for (const id of ['acme/x', 'acme:x', 'acme.x', 'x@acme', 'acme_x', 'acme-x'])
    assert.notEqual(layerId({ level: 'feature', tenant: null, id }), own);
});

test('a template reads the values of its own layer and of inner ones, never those outside it', () => {
  const template = (name: string) =>
    ({
      text: `[{{${name}}}]`,
      variables: { [name]: { from: 'layers', default: null, maxBytes: 64 } },
      place: 'after',
    }) as const;
  const operator = layerOf(SCOPES[0]!, { values: { secret: 'the operator’s' }, template: template('company') });
  const reading = layerOf(SCOPES[2]!, { values: { company: 'Acme' }, template: template('secret') });
  const effective = merge([operator, reading])!;
  assert.match(effective.broken!, /The template of the tenant layer lacks a text for `secret`/);
  assert.ok(!JSON.stringify([...effective.templates]).includes('operator’s'));
  const plain = merge([operator, layerOf(SCOPES[2]!, { values: { company: 'Acme' } })])!;
  assert.deepEqual(renderPrompt(plain.templates, new Map()), { before: '', after: '[Acme]' });
});

test('a parameter: forced over asked over default, and never above the cap', () => {
  const by = 'operator@1';
  const rules = { default: { value: 5, by }, force: null, max: { value: 8, by } };
  assert.equal(parameterFor(rules, null), 5);
  assert.equal(parameterFor(rules, 7), null, 'it stays');
  assert.equal(parameterFor(rules, 9), 8);
  assert.equal(parameterFor({ ...rules, default: null }, null), 8, 'no word of the caller is no way around a cap');
  assert.equal(parameterFor({ ...rules, force: { value: 9, by } }, 1), 8);
  assert.equal(parameterFor({ default: null, force: { value: 0, by }, max: null }, 1), 0);
});

test('a list of tools takes names and beginnings', () => {
  assert.deepEqual(
    ['look', 'look_up', 'web_search', 'web_search_preview'].map((tool) => listed(['look_*', 'web_search'], tool)),
    [false, true, true, false],
  );
});

test('isolation is the strictest of all layers: none takes away what another adds', () => {
  const isolation = fc.option(
    fc.record(
      { preamble: fc.boolean(), hideCachedTokens: fc.boolean(), ttftQuantumMs: fc.integer({ min: 1, max: 10_000 }) },
      { requiredKeys: [] },
    ),
    { nil: null },
  );
  fc.assert(
    fc.property(fc.array(isolation, { minLength: SCOPES.length, maxLength: SCOPES.length }), (said) => {
      const layers = SCOPES.map((scope, i) => layerOf(scope, { isolation: said[i]! }));
      const { isolation: found } = merge(layers)!;
      const some = said.filter((one) => one !== null);
      assert.equal(found === null, some.length === 0);
      assert.equal(
        found?.preamble != null,
        some.some(({ preamble }) => preamble === true),
      );
      assert.equal(
        found?.hideCachedTokens != null,
        some.some(({ hideCachedTokens }) => hideCachedTokens === true),
      );
      const most = Math.max(0, ...some.map(({ ttftQuantumMs = 0 }) => ttftQuantumMs));
      assert.equal(found?.ttftQuantumMs?.value ?? 0, most);
    }),
  );
  // Versions from before there was such a field say nothing of it.
  assert.equal(merge([layerOf(SCOPES[0]!, {})])!.isolation, null);
});
