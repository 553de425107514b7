import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DdSketch } from '#math/ddsketch.ts';
import type { SpendRow } from '#ports/ledger-store.ts';
import type { ApiKey, Limit } from '#ports/state-store.ts';
import { ruleSchema, type AlertRule, type RuleOf } from '../config.ts';
import {
  judgeBudgetBurn,
  judgeBurn,
  judgeErrorRate,
  judgeFirstToken,
  judgeKeyUnused,
  judgeKeyUnusual,
  judgeLimitRefused,
  judgeLimitUse,
  judgePriceUnknown,
  judgeSpoolLag,
} from './judge.ts';

const rule = <K extends AlertRule['kind']>(kind: K, fields: object): RuleOf<K> =>
  ruleSchema.parse({ kind, ...fields }) as RuleOf<K>;
const row = (fields: Partial<SpendRow>): SpendRow =>
  ({ by: [], calls: 0, errors: 0, unknownCostCalls: 0, costNanoUsd: 0n, ...fields }) as SpendRow;
const DAY = 86_400_000;
const key = (id: string, fields: Partial<ApiKey> = {}): ApiKey =>
  ({ id, tenant: 'acme', name: id, createdAt: 0, expiresAt: null, revokedAt: null, ...fields }) as ApiKey;

test('error rate: beyond the threshold, and not of a handful of calls', () => {
  const of = rule('error-rate', { threshold: 0.05, each: 'model' });
  const readings = judgeErrorRate(of, [
    row({ by: ['a'], calls: 100, errors: 6 }),
    row({ by: ['b'], calls: 100, errors: 5 }),
    row({ by: ['c'], calls: 3, errors: 3 }),
  ]);
  assert.deepEqual(
    readings.map(({ labels, value, breached }) => [labels, value, breached]),
    [
      [{ model: 'a' }, 0.06, true],
      [{ model: 'b' }, 0.05, false],
      [{ model: 'c' }, null, false],
    ],
  );
  assert.equal(readings[0]!.text, 'model a: 6 of 100 calls failed (6.0 %, at most 5.0 %)');
});

test('first token: the quantile of the sketch', () => {
  const sketch = new DdSketch();
  for (let i = 0; i < 100; i++) sketch.add(i < 94 ? 200 : 5_000);
  const rows = [row({ firstTokenMsSketch: sketch.toText() })];
  const [slow] = judgeFirstToken(rule('first-token', { threshold: '2s' }), rows);
  assert.ok(slow!.breached && Math.abs(slow!.value! - 5_000) < 60);
  const [median] = judgeFirstToken(rule('first-token', { threshold: '2s', quantile: 'p50' }), rows);
  assert.equal(median!.breached, false);
  const [few] = judgeFirstToken(rule('first-token', { threshold: '2s', minCalls: 1000 }), rows);
  assert.deepEqual([few!.value, few!.breached], [null, false]);
});

test('limits: from the threshold on, and not those of nothing or for each of many', () => {
  const of = (id: string, fields: { most: number; taken: number | null; refused?: number }) => ({
    limit: { id, scope: { level: 'tenant', tenant: 'acme', id: null }, unit: 'input_tokens', window: 'day' } as Limit,
    refused: 0,
    ...fields,
  });
  const all = [
    of('a', { most: 10, taken: 8, refused: 2 }),
    of('b', { most: 10, taken: 7, refused: 1 }),
    of('c', { most: 0, taken: 0, refused: 9 }),
    of('d', { most: 10, taken: null }),
  ];
  const use = judgeLimitUse(rule('limit-use', {}), all);
  assert.deepEqual(
    use.map(({ labels, value, breached }) => [labels, value, breached]),
    [
      [{ limit: 'a', tenant: 'acme' }, 0.8, true],
      [{ limit: 'b', tenant: 'acme' }, 0.7, false],
    ],
  );
  assert.equal(
    use[0]!.text,
    'limit a (input tokens a day, tenant of acme) has 8 of 10 taken (80.0 %, alert from 80.0 %)',
  );
  assert.deepEqual(
    judgeLimitRefused(rule('limit-refused', { threshold: 2 }), all).map(({ value, breached }) => [value, breached]),
    [
      [2, true],
      [1, false],
      [9, true],
    ],
  );
});

test('spool lag and unknown prices', () => {
  const lag = rule('spool-lag', { threshold: '1m' });
  assert.deepEqual(
    [60_001, 60_000, null].map((ms) => judgeSpoolLag(lag, ms)[0]!.breached),
    [true, false, false],
  );
  const unknown = judgePriceUnknown(rule('price-unknown', {}), [
    row({ by: ['new-model'], unknownCostCalls: 3 }),
    row({ by: ['known'] }),
  ]);
  assert.deepEqual(
    unknown.map(({ labels, value, breached }) => [labels, value, breached]),
    [[{ model: 'new-model' }, 3, true]],
  );
});

test('a budget burns where both windows burn: a month’s money at fifteen times its pace', () => {
  const of = rule('budget-burn', { threshold: 14.4 });
  const month = 30 * DAY;
  // $720 a month is $1 an hour.
  const burn = (long: number, short: number) => ({
    ...{ budget: 'bud_1', limitNanoUsd: 720_000_000_000n, periodMs: month },
    ...{ longNanoUsd: BigInt(long * 1e9), shortNanoUsd: BigInt(short * 1e9) },
  });
  const breached = (long: number, short: number): boolean => judgeBudgetBurn(of, [burn(long, short)])[0]!.breached;
  assert.equal(breached(15, 1.5), true);
  assert.equal(breached(15, 0.5), false, 'it has stopped burning');
  assert.equal(breached(10, 5), false, 'a short peak');
  assert.deepEqual(judgeBudgetBurn(of, [{ ...burn(15, 2), limitNanoUsd: 0n }]), []);
});

test('burn: gone before the window ends at the slower of two paces; by kind of window', () => {
  const now = Date.UTC(2026, 10, 25, 12);
  const of = rule('burn', {});
  const usd = (amount: number): bigint => BigInt(Math.round(amount * 1e9));
  const pace = (fields: object) => ({
    ...{ budget: 'bud_1', limitNanoUsd: usd(100), spentNanoUsd: usd(50), resetsAt: now + 10 * 3_600_000 },
    ...{ rollingMs: null, fastNanoUsd: usd(6), slowNanoUsd: usd(36) },
    ...fields,
  });
  const fires = (fields: object): boolean => judgeBurn(of, [pace(fields)], now)[0]!.breached;
  // $6 an hour: $50 last for 8.3 hours of ten.
  assert.equal(fires({}), true);
  assert.equal(fires({ resetsAt: now + 8 * 3_600_000 }), false);
  assert.equal(fires({ fastNanoUsd: usd(1) }), false, 'it has stopped');
  assert.equal(fires({ slowNanoUsd: usd(6) }), false, 'a peak');
  assert.equal(fires({ fastNanoUsd: 0n }), false);
  assert.equal(
    fires({ spentNanoUsd: usd(4.9), limitNanoUsd: usd(100), fastNanoUsd: usd(60), slowNanoUsd: usd(360) }),
    false,
    'hardly begun',
  );
  assert.equal(fires({ spentNanoUsd: usd(100), fastNanoUsd: 0n }), true, 'spent');
  assert.deepEqual(judgeBurn(of, [pace({ limitNanoUsd: 0n })], now), []);
  // Without an end: the horizon of a week, which $50 at $6 an hour do not last.
  assert.equal(fires({ resetsAt: null }), true);
  assert.equal(fires({ resetsAt: null, limitNanoUsd: usd(2000), spentNanoUsd: usd(900) }), false);
  // A rolling day at $6 an hour is $144.
  assert.equal(fires({ resetsAt: null, rollingMs: DAY }), true);
  assert.equal(fires({ resetsAt: null, rollingMs: DAY, limitNanoUsd: usd(150) }), false);
  const [reading] = judgeBurn(of, [pace({})], now);
  assert.ok(Math.abs(reading!.value! - 50 / 6) < 1e-9);
});

test('unused keys: those that work, are old enough and made no call', () => {
  const now = 100 * DAY;
  const keys = [
    key('used'),
    key('unused'),
    key('young', { createdAt: (now - DAY) as never }),
    key('revoked', { revokedAt: 1 as never }),
    key('expired', { expiresAt: 1 as never }),
    key('of-another', { tenant: 'globex' as never }),
  ];
  const names = (fields: object): string[] =>
    judgeKeyUnused(rule('key-unused', { threshold: '30d', ...fields }), new Set(['used']), { keys, now }).map(
      ({ labels }) => labels['key']!,
    );
  assert.deepEqual(names({}), ['unused', 'of-another']);
  assert.deepEqual(names({ scope: { tenant: 'acme' } }), ['unused']);
});

test('unusual keys: silent before and calling now, or far above their own usual', () => {
  const now = 100 * DAY;
  const of = rule('key-unusual', { threshold: 10, window: '1h', baseline: '10d', minUsd: '1' });
  const spent = (usd: number, calls = 5) => ({ calls, costNanoUsd: BigInt(Math.round(usd * 1e9)) });
  const keys = ['silent', 'steady', 'burst', 'cheap', 'idle']
    .map((id) => key(id))
    .concat(key('new', { createdAt: (now - DAY) as never }));
  const readings = judgeKeyUnusual(of, {
    ...{ keys, now },
    window: new Map([
      ['silent', spent(0.001)],
      ['steady', spent(2)],
      ['burst', spent(20)],
      ['cheap', spent(0.5)],
      ['new', spent(50)],
    ]),
    // 240 hours: $1 an hour of `steady` and `burst`, next to nothing of `cheap`.
    baseline: new Map([
      ['steady', spent(240)],
      ['burst', spent(240)],
      ['cheap', spent(0.24)],
      ['idle', spent(240)],
    ]),
  });
  assert.deepEqual(
    readings.filter(({ breached }) => breached).map(({ labels }) => labels['key']),
    ['silent', 'burst'],
  );
});
