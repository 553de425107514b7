import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { epochMs, type TenantId } from '#kernel/brand.ts';
import { OTHER_VALUE } from '#ports/entry.ts';
import type { Attribution } from './attribution.ts';
import { ValueBounds } from './value-bounds.ts';

const [ACME, GLOBEX] = ['acme', 'globex'] as TenantId[] as [TenantId, TenantId];
const MORNING = epochMs(Date.UTC(2026, 10, 27, 8));
const TOMORROW = epochMs(Date.UTC(2026, 10, 28));

const said = (given: Partial<Attribution>): Attribution => ({
  ...{ feature: null, endUser: null, session: null, agent: null, parentAgent: null, purpose: null, labels: {} },
  ...{ asOther: null, retryOf: null, traceId: null, client: null, clientVersion: null, clientRetry: 0 },
  ...given,
});
const run = (n: number): Attribution => said({ labels: { run: `run ${n}`, team: 'core' } });

describe('values that one tenant names in a day', () => {
  test('the first of each count as they are, again and again; later ones as other, with what was said', () => {
    const bounds = new ValueBounds(() => 3);
    for (const n of [1, 2, 3, 1, 2, 3]) assert.equal(bounds.bound(ACME, run(n), MORNING).asOther, null);
    const fourth = bounds.bound(ACME, run(4), MORNING);
    assert.deepEqual(fourth.labels, { run: OTHER_VALUE, team: 'core' });
    assert.deepEqual(fourth.asOther, { 'label:run': 'run 4' });
    const first = run(1);
    assert.equal(bounds.bound(ACME, first, MORNING), first);
    assert.deepEqual([...bounds.folded], [['label:run', 1]]);
  });

  test('purposes and clients have bounds of their own', () => {
    const bounds = new ValueBounds(() => 1);
    bounds.bound(ACME, said({ purpose: 'nightly', client: 'curl' }), MORNING);
    const next = bounds.bound(ACME, said({ purpose: 'nightly', client: 'made-up-7' }), MORNING);
    assert.equal(next.purpose, 'nightly');
    assert.equal(next.client, OTHER_VALUE);
    assert.deepEqual(next.asOther, { client: 'made-up-7' });
  });

  test('a flood of one tenant makes none of another’s count as other, and is over with its day', () => {
    const bounds = new ValueBounds(() => 10);
    for (let n = 0; n < 5_000; n++) bounds.bound(ACME, run(n), MORNING);
    for (let n = 0; n < 10; n++) assert.equal(bounds.bound(GLOBEX, run(n), MORNING).asOther, null);
    assert.equal(bounds.bound(ACME, run(9_999), TOMORROW).asOther, null);
  });

  test('memory is bounded: whoever called longest ago begins anew', () => {
    const bounds = new ValueBounds(() => 10, 100);
    for (let n = 0; n < 10; n++) bounds.bound(ACME, run(n), MORNING);
    for (let tenant = 0; tenant < 30; tenant++)
      for (let n = 0; n < 10; n++) bounds.bound(`t${tenant}` as TenantId, run(n), MORNING);
    assert.equal(bounds.bound(ACME, run(77), MORNING).asOther, null);
    // Whoever called just now is remembered.
    assert.notEqual(bounds.bound('t29' as TenantId, run(77), MORNING).asOther, null);
  });

  test('whatever is said, no more values count than the bound, and nothing that was said is lost', () => {
    const text = fc.oneof(fc.constantFrom('__proto__', 'constructor', '', 'a'), fc.string({ maxLength: 5 }));
    const call = fc.record({ run: text, purpose: fc.option(text), client: fc.option(text) });
    fc.assert(
      fc.property(fc.array(call, { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), (calls, most) => {
        const bounds = new ValueBounds(() => most);
        const seen = new Set<string>();
        for (const { run: value, purpose, client } of calls) {
          const bound = bounds.bound(ACME, said({ labels: { run: value }, purpose, client }), MORNING);
          if (bound.asOther?.['label:run'] === undefined) seen.add(bound.labels['run']!);
          assert.equal(bound.asOther?.['label:run'] ?? bound.labels['run'], value);
          assert.equal(bound.asOther?.['purpose'] ?? bound.purpose, purpose);
          assert.equal(bound.asOther?.['client'] ?? bound.client, client);
        }
        assert.ok(seen.size <= most);
      }),
    );
  });
});
