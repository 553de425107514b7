import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EpochMs, FeatureName, TenantId } from '#kernel/brand.ts';
import { seededRng } from '#kernel/rng.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { Quality } from './quality.ts';
import { basisOf, measuredBy, measureOf } from './rules.ts';

const SEED = 20261127;
const push = (quality: Quality, tenant: string, value: number, basis = 'm'): void =>
  quality.push({
    tenant: tenant as TenantId,
    feature: 'search' as FeatureName,
    name: 'helpful',
    value,
    basis,
    source: 'api',
    at: 1 as EpochMs,
  });

describe('quality of each tenant against its own past', () => {
  test('one that falls is named alone, and a short past says what is missing', () => {
    const rng = seededRng(SEED);
    const quality = new Quality();
    for (let i = 0; i < 2_000; i++)
      for (let tenant = 0; tenant < 10; tenant++) {
        const isDown = tenant === 3 && i >= 1_000;
        push(quality, `t${tenant}`, Number(rng.next() >= (isDown ? 0.15 : 0.05)));
      }
    for (let i = 0; i < 40; i++) push(quality, 'small', 1);
    const lines = quality.lines();
    assert.deepEqual(
      lines.filter(({ verdict }) => verdict === 'fell' || verdict === 'fell_for_all').map(({ tenant }) => tenant),
      ['t3'],
      `seed ${SEED}`,
    );
    assert.ok(lines[0]!.past!.mean > 0.93 && lines[0]!.now!.mean < 0.88, JSON.stringify(lines[0]));
    assert.equal(lines.find(({ tenant }) => tenant === 't1')!.verdict, 'no_change');
    const small = lines.find(({ tenant }) => tenant === 'small')!;
    assert.equal(small.verdict, 'not_enough');
    assert.ok(small.missing > 100, String(small.missing));
  });

  test('where all fall together it says so', () => {
    const rng = seededRng(SEED + 1);
    const quality = new Quality();
    for (let i = 0; i < 2_000; i++)
      for (let tenant = 0; tenant < 5; tenant++)
        push(quality, `t${tenant}`, Number(rng.next() >= (i < 1_000 ? 0.05 : 0.2)));
    assert.ok(quality.pools()[0]!.fell);
    const verdicts = new Set(quality.lines().map(({ verdict }) => verdict));
    assert.deepEqual([...verdicts], ['fell_for_all'], `seed ${SEED + 1}`);
  });

  test('another model opens a new past, and is compared with the old one', () => {
    const rng = seededRng(SEED + 2);
    for (const [rate, fell] of [
      [0.25, true],
      [0.05, false],
    ] as const) {
      const quality = new Quality();
      for (let i = 0; i < 1_000; i++) push(quality, 'acme', Number(rng.next() >= 0.05), 'old');
      for (let i = 0; i < 1_000; i++) push(quality, 'acme', Number(rng.next() >= rate), 'new');
      const line = quality.lines().find(({ basis }) => basis === 'new');
      assert.deepEqual([line!.scored.n, line!.change!.from, line!.change!.before.n], [1_000, 'old', 1_000]);
      assert.equal(line!.change!.fell, fell, `seed ${SEED + 2}: ${line!.change!.evidence}`);
      assert.equal(line!.verdict, 'no_change');
    }
  });

  test('a basis that changes too soon has nothing to be compared with', () => {
    const quality = new Quality();
    for (let i = 0; i < 50; i++) push(quality, 'acme', 1, 'old');
    push(quality, 'acme', 0, 'new');
    const line = quality.lines().find(({ basis }) => basis === 'new');
    assert.deepEqual([line!.change, line!.scored], [null, { n: 1, mean: 0 }]);
  });

  test('two models by turns are two pasts, and what had no score for long is left out', () => {
    const quality = new Quality();
    for (let i = 0; i < 400; i++) push(quality, 'acme', 1, i % 2 ? 'small' : 'large');
    assert.deepEqual(
      quality.lines().map(({ basis, scored }) => [basis, scored.n]),
      [
        ['large', 200],
        ['small', 200],
      ],
    );
    assert.deepEqual(quality.lines(2), []);
  });

  test('another judge is another measure: a past of its own, and nobody fell for it', () => {
    const rng = seededRng(SEED + 3);
    const [old, stricter] = ['m; by judge with rubric 1 aaaaaaaa', 'm; by judge with rubric 2 bbbbbbbb'];
    const quality = new Quality();
    for (let i = 0; i < 1_000; i++) push(quality, 'acme', Number(rng.next() >= 0.05), old);
    for (let i = 0; i < 1_000; i++) push(quality, 'acme', Number(rng.next() >= 0.4), stricter);
    const line = quality.lines().find(({ basis }) => basis === stricter)!;
    assert.deepEqual([line.scored.n, line.change!.from, line.change!.of], [1_000, old, 'measure']);
    assert.ok(line.change!.evidence > 1_000 && !line.change!.fell, `seed ${SEED + 3}`);
    assert.equal(line.verdict, 'no_change');
    // The same judge goes on to tell models apart.
    for (let i = 0; i < 1_000; i++) push(quality, 'acme', Number(rng.next() >= 0.7), stricter.replace('m;', 'n;'));
    const next = quality.lines().find(({ basis }) => basis.startsWith('n;'))!;
    assert.deepEqual([next.change!.from, next.change!.of, next.change!.fell], [stricter, 'answers', true]);
  });

  test('scores of one name by a judge and by the API are two, and a basis says what labels say', () => {
    const quality = new Quality();
    push(quality, 'acme', 1);
    quality.push({
      ...{ tenant: 'acme' as TenantId, feature: 'search' as FeatureName, name: 'helpful', value: 0, basis: 'm' },
      ...{ at: 1 as EpochMs, source: 'judge' },
    });
    assert.deepEqual(
      quality.lines().map(({ source, scored }) => [source, scored]),
      [
        ['api', { n: 1, mean: 1 }],
        ['judge', { n: 1, mean: 0 }],
      ],
    );
    const entry = { modelAsked: 'm', templateHash: null, labels: { chunker: 'v2' } } as unknown as LedgerEntry;
    assert.equal(basisOf(entry), 'm');
    assert.equal(basisOf(entry, ['chunker', 'prompt']), 'm with chunker v2');
    assert.equal(measureOf(measuredBy(basisOf(entry), 'format json')), 'format json');
  });
});
