import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DdSketch } from '#math/ddsketch.ts';
import { emptySums, spendRow } from '#ports/rollups.ts';
import { spendView } from './spend-view.ts';

const sums = emptySums();
for (let ms = 1; ms <= 1_000; ms++) sums.totalMs.add(ms);
const row = spendRow(['acme'], { ...sums, calls: 1_000 });

test('quantiles are those of the sketch, and what was not measured is null', () => {
  const view = spendView(row, 'quantiles') as { totalMs: Record<string, number>; firstTokenMs: unknown };
  const sketch = DdSketch.fromText(row.totalMsSketch);
  assert.deepEqual(view.totalMs, { p50: sketch.quantile(0.5), p95: sketch.quantile(0.95), p99: sketch.quantile(0.99) });
  assert.ok(Math.abs(view.totalMs['p99']! - 990) <= 10);
  assert.equal(view.firstTokenMs, null);
  assert.ok(!('totalMsSketch' in view));
});

test('sums alone carry neither sketch nor quantile', () => {
  const view = spendView(row, 'sums');
  assert.ok(!Object.keys(view).some((name) => /sketch|Ms$/i.test(name)));
  assert.equal(spendView(row, 'sketches'), row);
});
