import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { CallId, EpochMs, FeatureName, TenantId } from '#kernel/brand.ts';
import type { Score } from '#ports/scores.ts';
import { FollowUps } from './follow-ups.ts';

const at = 1_000 as EpochMs;
const scoreOf = (call: string, more: Partial<Score> = {}): Score => ({
  ...{ tenant: 'acme' as TenantId, call: call as CallId, name: 'toolFailure', value: 1, feature: 'f' as FeatureName },
  ...{ at, source: 'rule', basis: 'm', comment: null },
  ...more,
});
const acme = { tenant: 'acme', session: null };
const inSession = { tenant: 'acme', session: 's' };
const said = (id: string, name = 'look') => ({ id, name, args: '{}', custom: false });
const came = (id: string, failed: boolean, name: string | null = 'look') => ({ id, name, failed });

function world() {
  const settled: [string, number][] = [];
  return { settled, waits: new FollowUps(({ call, value }) => settled.push([call, value])) };
}

describe('answers whose tools have not told yet', () => {
  test('good once all went well, bad with the first that failed, and told once', () => {
    const { settled, waits } = world();
    waits.wait(scoreOf('one'), acme, [said('toolu_a'), said('toolu_b')]);
    waits.wait(scoreOf('two'), acme, [said('toolu_c'), said('toolu_d')]);
    waits.heard(acme, [came('toolu_a', false)]);
    assert.deepEqual(settled, []);
    waits.heard(acme, [came('toolu_b', false), came('toolu_c', true), came('toolu_d', true)]);
    assert.deepEqual(settled, [
      ['one', 1],
      ['two', 0],
    ]);
    assert.equal(waits.size, 0);
  });

  test('another tenant, another session and another id say nothing', () => {
    const { settled, waits } = world();
    waits.wait(scoreOf('one'), inSession, [said('toolu_a')]);
    waits.heard({ tenant: 'globex', session: 's' }, [came('toolu_a', true)]);
    waits.heard({ tenant: 'acme', session: 'other' }, [came('toolu_a', true)]);
    waits.heard(inSession, [came('toolu_z', true)]);
    assert.deepEqual([settled, waits.size], [[], 1]);
  });

  test('without ids of its own a tool is known by session and name, and without a session not at all', () => {
    const { settled, waits } = world();
    waits.wait(scoreOf('one'), inSession, [said('call_0'), said('call_1')]);
    waits.heard(inSession, [came('made_4', false), came('made_5', false)]);
    assert.deepEqual(settled, [['one', 1]]);
    waits.wait(scoreOf('two'), acme, [said('call_0')]);
    assert.deepEqual(settled.at(-1), ['two', 1], 'nobody can tell: at once');
  });

  test('what nobody tells of in time, or at the end, is good', () => {
    const { settled, waits } = world();
    waits.wait(scoreOf('old'), acme, [said('toolu_a')]);
    waits.wait(scoreOf('new', { at: 900_000 as EpochMs }), acme, [said('toolu_b')]);
    waits.expire(901_000);
    assert.deepEqual(settled, [['old', 1]]);
    waits.heard(acme, [came('toolu_a', true)]);
    waits.end();
    assert.deepEqual(settled, [
      ['old', 1],
      ['new', 1],
    ]);
  });

  test('beyond the bound the oldest counts as good', () => {
    const { settled, waits } = world();
    for (let i = 0; i < 20_001; i++) waits.wait(scoreOf(`call ${i}`), acme, [said(`toolu_${i}x`)]);
    assert.deepEqual([settled, waits.size], [[['call 0', 1]], 20_000]);
  });
});
