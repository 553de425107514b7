import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUsd } from '#kernel/money.ts';
import { detailWords } from './detail-words.ts';
import { cost, moment, plain } from './text.ts';

test('what turns or hides a line is made visible, letters of every script stay', () => {
  assert.equal(plain('a\u202eb\u200bc\nd\u0000'), 'a�b�c�d�');
  assert.equal(plain('مفتاح 東京 ü 👍'), 'مفتاح 東京 ü 👍');
});

test('sums say what they leave out, and nothing but unknown prices is unknown', () => {
  const sums = { costNanoUsd: parseUsd('1.5')!, estimatedNanoUsd: parseUsd('0')!, unknownCostCalls: 0, calls: 3 };
  assert.equal(cost(sums), '$1.50');
  assert.equal(cost({ ...sums, unknownCostCalls: 1 }), '≥$1.50');
  assert.equal(cost({ ...sums, estimatedNanoUsd: parseUsd('0.1')! }), '≈$1.50');
  assert.equal(cost({ ...sums, costNanoUsd: parseUsd('0')!, unknownCostCalls: 3 }), 'unknown');
});

test('a moment of today is its time alone', () => {
  const now = Date.UTC(2026, 10, 25, 18);
  assert.equal(moment(now - 1_000, 'UTC', now), '17:59:59');
  assert.equal(moment(now - 86_400_000, 'UTC', now), '2026-11-24 18:00:00');
});

test('a change in words: money from its nano-dollars, nothing that says nothing', () => {
  const detail = {
    byUsd: '20000000000',
    for: 3_600_000,
    until: Date.UTC(2026, 10, 25, 19),
    reason: 'launch',
    contact: null,
    labels: [],
    rights: { session: true },
  };
  assert.equal(
    detailWords(detail),
    'byUsd $20.00 · for 1 h · until 2026-11-25 19:00:00 UTC · reason launch · rights session true',
  );
  assert.equal(detailWords({}), null);
});
