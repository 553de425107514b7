import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { epochMs, type CallId, type TeamId } from '#kernel/brand.ts';
import type { HeadgateError } from '#kernel/errors.ts';
import { nanoUsd } from '#kernel/money.ts';
import { shipped } from '#ports/entry-text.ts';
import { NO_USAGE } from '#wire/usage.ts';
import { admitted, ask, caller, entry, refusalOf, START, world, type World } from './test-world.ts';
import type { AdmitCall, Caller, Me } from './index.ts';

const limit = (of: World, body: object) =>
  of.call('POST', '/admin/limits', { level: 'tenant', tenant: 'acme', limit: 10, ...body });
const cost = nanoUsd(1n);
const used = (inputTokens: number | null, outputTokens: number | null) =>
  entry(cost, { usage: { ...NO_USAGE, inputTokens, outputTokens } });
const isRefused = async (of: World, call: AdmitCall): Promise<HeadgateError | null> => {
  const result = await of.tenants.admit(call);
  return result.ok ? null : result.error;
};
/** Calls that pass of so many at once. */
const passing = async (of: World, who: Caller, count: number, change = {}): Promise<number> => {
  let passed = 0;
  for (let i = 0; i < count; i++) if ((await isRefused(of, ask(of, who, change))) === null) passed++;
  return passed;
};
const figures = (of: World, who: Caller) =>
  (of.tenants.me(who, []) as Me).limits.map(({ unit, used, reserved }) => [unit, used, reserved]);

describe('limits', () => {
  test('a burst at the edge of a minute or a day gets its limit once', async () => {
    for (const [window, spanMs, stepMs] of [
      ['minute', 60_000, 1_000],
      ['day', 86_400_000, 900_000],
    ] as const) {
      const of = await world();
      const who = await caller(of);
      await limit(of, { window, limit: 10 });
      const edge = START + 14 * 3_600_000;
      of.at = epochMs(edge - 1);
      assert.equal(await passing(of, who, 12), 10);
      // The fixed windows of a counter that begins anew would let ten more through here.
      of.at = epochMs(edge + 1);
      assert.equal(await passing(of, who, 5), 0);
      of.at = epochMs(edge + spanMs - 1);
      assert.equal(await passing(of, who, 5), 0);
      of.at = epochMs(edge + spanMs + stepMs);
      assert.equal(await passing(of, who, 12), 10);
    }
  });

  test('each level counts its own, and one for each of many', async () => {
    const scopes: readonly (readonly [object, string, object])[] = [
      [{ level: 'operator', tenant: undefined }, 'operator', {}],
      [{ level: 'tenant' }, 'tenant', {}],
      [{ level: 'team' }, 'team', {}],
      [{ level: 'feature', id: 'search' }, 'feature', {}],
      [{ level: 'key' }, 'key', {}],
      [{ level: 'end_user' }, 'end_user', { endUser: 'anna' }],
    ];
    for (const [scope, level, change] of scopes) {
      const of = await world();
      await of.call('POST', '/admin/tenants', { id: 'acme' });
      const { id: team } = await of.call('POST', '/admin/teams', { tenant: 'acme', name: 'core' });
      const who = await caller(of, { team, defaultFeature: 'search' });
      await limit(of, { ...scope, limit: 2 });
      assert.equal(await passing(of, who, 3, change), 2, level);
      const error = await isRefused(of, ask(of, who, change));
      assert.equal(error!.details.facts!['scope'], level);
      const stranger = await caller(of, { name: 'stranger', defaultFeature: 'chat' });
      const others = { operator: 0, tenant: 0, team: 2, feature: 2, key: 2, end_user: 2 }[level];
      const changed = level === 'end_user' ? { endUser: 'bert' } : {};
      assert.equal(await passing(of, stranger, 2, changed), others, `${level}: somebody else`);
    }
  });

  test('an end user without a name has no limit of end users', async () => {
    const of = await world();
    const who = await caller(of);
    await limit(of, { level: 'end_user', limit: 0 });
    assert.equal(await passing(of, who, 1), 1);
    assert.equal(await passing(of, who, 1, { endUser: 'anna' }), 0);
  });

  test('tokens are reserved as they are expected, and counted as they were used', async () => {
    const of = await world();
    const who = await caller(of);
    for (const unit of ['input_tokens', 'output_tokens', 'total_tokens']) await limit(of, { unit, limit: 3_000 });
    // 100 in and max_tokens 900 out.
    const held = await admitted(of, ask(of, who));
    assert.deepEqual(figures(of, who), [
      ['input_tokens', 0, 100],
      ['output_tokens', 0, 900],
      ['total_tokens', 0, 1_000],
    ]);
    of.tenants.settle(held, used(120, 30));
    assert.deepEqual(figures(of, who), [
      ['input_tokens', 120, 0],
      ['output_tokens', 30, 0],
      ['total_tokens', 150, 0],
    ]);
    const over = await admitted(of, ask(of, who));
    of.tenants.settle(over, used(100, 5_000));
    const error = await isRefused(of, ask(of, who));
    assert.equal(error!.code, 'rate_limited', 'an overrun counts against the next');
    assert.match(error!.message, /3000 output tokens a minute, used 5030, .* this call takes 900\./);
  });

  test('tokens that nobody knows stay as they were reserved; a call that nobody served takes none', async () => {
    const of = await world();
    const who = await caller(of);
    await limit(of, { unit: 'total_tokens', limit: 10_000 });
    of.tenants.settle(await admitted(of, ask(of, who)), entry(null, { usage: NO_USAGE }));
    assert.deepEqual(figures(of, who), [['total_tokens', 1_000, 0]]);
    of.tenants.settle(await admitted(of, ask(of, who)), entry(nanoUsd(0n), { usage: NO_USAGE }));
    assert.deepEqual(figures(of, who), [['total_tokens', 1_000, 0]]);
    of.tenants.settle(await admitted(of, ask(of, who)), used(1e300, 1));
    assert.ok((figures(of, who)[0]![1] as number) < 2 ** 53, 'an absurd answer leaves a number');
  });

  test('what is larger than its limit is told so, and not to come again', async () => {
    const of = await world();
    const who = await caller(of);
    await limit(of, { unit: 'total_tokens', limit: 999, contact: 'ops' });
    const error = await isRefused(of, ask(of, who));
    assert.equal(error!.code, 'limit_exceeded');
    assert.equal(error!.row.retryable, false);
    assert.equal(error!.details.retryAfterMs, undefined);
    assert.match(error!.message, /takes 1000\. It never fits.* Ask ops for a raise\./);
    assert.equal(await passing(of, who, 1, { size: { maxOutputTokens: 899 } }), 1);
  });

  test('a day without room is no wait that SDKs obey', async () => {
    const of = await world();
    const who = await caller(of);
    await limit(of, { window: 'day', limit: 1 });
    await passing(of, who, 1);
    const error = await isRefused(of, ask(of, who));
    assert.equal(error!.code, 'limit_exceeded');
    assert.equal(error!.details.retryAfterMs, 86_400_000 + 900_000);
    assert.equal(error!.details.facts!['reset'], '2026-11-25T10:15:00.000Z');
  });

  test('models that cost nothing have limits too; what asks no model takes a request alone', async () => {
    const of = await world();
    const who = await caller(of);
    for (const unit of ['requests', 'total_tokens', 'concurrency']) await limit(of, { unit, limit: 1_000 });
    await admitted(of, ask(of, who, { free: true }));
    await admitted(of, ask(of, who, { free: true, requestOnly: true }));
    assert.deepEqual(figures(of, who), [
      ['requests', 0, 2],
      ['total_tokens', 0, 1_000],
      ['concurrency', 0, 1],
    ]);
  });

  test('limits and money: both or neither', async () => {
    const of = await world();
    const who = await caller(of);
    await limit(of, { limit: 2 });
    await limit(of, { unit: 'concurrency', limit: 2 });
    await of.call('POST', '/admin/budgets', { level: 'tenant', tenant: 'acme', limitUsd: '0.001' });
    const held = await admitted(of, ask(of, who));
    assert.equal((await isRefused(of, ask(of, who)))!.code, 'budget_exceeded');
    assert.deepEqual(figures(of, who), [
      ['requests', 0, 1],
      ['concurrency', 0, 1],
    ]);
    of.tenants.settle(held, used(1, 1));
    const unpriced = { serving: [{ ...ask(of, who).serving[0]!, price: null }] };
    assert.equal((await isRefused(of, ask(of, who, unpriced)))!.code, 'price_unknown');
    await passing(of, who, 1, { free: true });
    const reserved = () => (of.tenants.me(who, []) as Me).budgets[0]!.reservedUsd;
    assert.equal((await isRefused(of, ask(of, who)))!.code, 'rate_limited', 'limits come first');
    assert.equal(reserved(), '0');
  });

  test('a ledger that cannot be read leaves no place taken', async () => {
    const of = await world();
    const who = await caller(of);
    await limit(of, { unit: 'concurrency', limit: 1 });
    const { size } = ask(of, who);
    const broken = Object.defineProperty({ ...ask(of, who) }, 'serving', {
      get: () => {
        throw new Error('a mistake');
      },
    });
    for (let i = 0; i < 3; i++) await assert.rejects(async () => of.tenants.admit(broken as AdmitCall), /a mistake/);
    assert.equal(await passing(of, who, 1, { size }), 1);
  });

  test('calls in flight end with settlement or release, whatever became of them', async () => {
    const of = await world();
    const who = await caller(of);
    await limit(of, { unit: 'concurrency', limit: 2 });
    const [first, second] = [await admitted(of, ask(of, who)), await admitted(of, ask(of, who))];
    of.at = epochMs(of.at + 7_200_000);
    const error = await isRefused(of, ask(of, who));
    assert.equal(error!.code, 'rate_limited');
    assert.equal(error!.details.retryAfterMs, 1_000);
    assert.match(error!.message, /2 calls in flight, used 0, reserved by calls in flight 2, this call takes 1\.$/);
    of.tenants.settle(first, entry(null, { status: 'cancelled' }));
    of.tenants.release(second);
    assert.equal(await passing(of, who, 3), 2);
  });

  test('a raise expires by itself, and so does what was taken away', async () => {
    const of = await world();
    const who = await caller(of);
    const { id } = await limit(of, { limit: 2 });
    const raised = await of.call('POST', `/admin/limits/${id}/raise`, { by: 3, for: '30s', reason: 'launch' });
    assert.deepEqual([raised['limit'], raised['usual'], raised['kept']], [5, 2, 'store']);
    assert.equal(await passing(of, who, 6), 5);
    of.at = epochMs(of.at + 30_000);
    assert.equal((of.tenants.me(who, []) as Me).limits[0]!.limit, 2);
    of.at = epochMs(of.at + 31_000);
    assert.equal(await passing(of, who, 6), 2);
    of.at = epochMs(of.at + 61_000);
    const until = new Date(of.at + 1_000).toISOString();
    await of.call('POST', `/admin/limits/${id}/raise`, { by: -9, until, reason: 'a flood' });
    assert.equal(await passing(of, who, 1), 0);
    of.at = epochMs(of.at + 1_000);
    assert.equal(await passing(of, who, 3), 2);
  });

  test('a limit changed in mid-window keeps what is counted; a new one begins at nothing', async () => {
    const of = await world();
    const who = await caller(of);
    const { id } = await limit(of, { limit: 5 });
    assert.equal(await passing(of, who, 4), 4);
    await of.call('PATCH', `/admin/limits/${id}`, { limit: 3 });
    assert.equal(await passing(of, who, 1), 0);
    await of.call('PATCH', `/admin/limits/${id}`, { limit: 6 });
    assert.equal(await passing(of, who, 5), 2);
    await of.call('DELETE', `/admin/limits/${id}`);
    assert.equal(await passing(of, who, 9), 9);
    await limit(of, { limit: 5 });
    assert.equal(await passing(of, who, 9), 5);
  });

  test('a key moved to another team takes the limits of that one, and its tenant’s count stays', async () => {
    const of = await world();
    await of.call('POST', '/admin/tenants', { id: 'acme' });
    for (const name of ['core', 'web']) await of.call('POST', '/admin/teams', { tenant: 'acme', name });
    const who = await caller(of, { team: 'acme.core' });
    await limit(of, { limit: 5 });
    await limit(of, { level: 'team', id: 'acme.core', limit: 2 });
    await limit(of, { level: 'team', id: 'acme.web', limit: 4 });
    assert.equal(await passing(of, who, 5), 2);
    // As a file does that declares the key.
    of.tenants.directory.apply([{ put: 'key', value: { ...who.key, team: 'acme.web' as TeamId } }]);
    const moved = of.tenants.callerOfKey(who.key.id);
    assert.ok(moved.ok);
    assert.equal(await passing(of, moved.value, 5), 3);
  });

  test('absurd limits are refused with their field', async () => {
    const of = await world();
    await caller(of);
    const wrong: readonly (readonly [object, string])[] = [
      [{ limit: -1 }, 'limit'],
      [{ limit: 1.5 }, 'limit'],
      [{ limit: 1e13 }, 'limit'],
      [{ limit: Infinity }, 'limit'],
      [{ limit: '5' }, 'limit'],
      [{ limit: null }, 'limit'],
      [{ unit: 'bananas' }, 'unit'],
      [{ window: 'hour' }, 'window'],
      [{ unit: 'concurrency', window: 'minute' }, 'window'],
      [{ level: 'operator' }, 'level'],
      [{ level: 'key', tenant: undefined }, 'tenant'],
      [{ id: 'x' }, 'id'],
      [{ level: 'feature', id: 'none' }, 'id'],
      [{ level: 'end_user', id: 'anna' }, 'id'],
      [{ limmit: 5 }, 'limmit'],
    ];
    for (const [body, field] of wrong) {
      const error = await refusalOf(() => limit(of, body));
      assert.deepEqual([error.code, error.details.field], ['invalid_request', field], JSON.stringify(body));
    }
    const { id } = await limit(of, {});
    assert.equal((await refusalOf(() => limit(of, { limit: 11 }))).code, 'conflict');
    const raise = (body: object) =>
      refusalOf(() => of.call('POST', `/admin/limits/${id}/raise`, { reason: 'r', ...body }));
    for (const [body, field] of [
      [{ by: 0, for: '1h' }, 'by'],
      [{ by: 1e13, for: '1h' }, 'by'],
      [{ by: 1 }, 'until'],
      [{ by: 1, for: '1h', until: '2027-01-01T00:00:00Z' }, 'until'],
      [{ by: 1, until: '2020-01-01T00:00:00Z' }, 'until'],
      [{ by: 1, until: '2099-01-01T00:00:00Z' }, 'until'],
      [{ by: 1, for: '400d' }, 'for'],
    ] as const)
      assert.equal((await raise(body)).details.field, field, JSON.stringify(body));
    assert.equal((await refusalOf(() => of.call('PATCH', '/admin/limits/lim_none', { limit: 1 }))).code, 'not_found');
  });

  test('an operator’s own limit says nothing of what others use', async () => {
    const of = await world();
    const who = await caller(of);
    await limit(of, { level: 'operator', tenant: undefined, limit: 7_777, unit: 'total_tokens' });
    const held = await admitted(of, ask(of, who));
    assert.deepEqual(held.limitHeaders(of.at), []);
    of.tenants.settle(held, used(7_000, 777));
    const error = await isRefused(of, ask(of, who));
    assert.equal(error!.details.headers, undefined);
    const { limit: most, used: count, reserved, asked, scope } = error!.details.facts!;
    assert.deepEqual([scope, most, count, reserved, asked], ['operator', null, null, null, null]);
    assert.doesNotMatch(error!.message, /7777|7000|777/);
    assert.deepEqual((of.tenants.me(who, []) as Me).limits, []);
  });

  test('headers name the limit with the least left, of requests and of tokens', async () => {
    const of = await world();
    const who = await caller(of);
    await limit(of, { limit: 100 });
    await limit(of, { window: 'day', limit: 50 });
    await limit(of, { level: 'key', unit: 'input_tokens', limit: 5_000 });
    await limit(of, { unit: 'total_tokens', limit: 4_000 });
    await limit(of, { unit: 'concurrency', limit: 1 });
    const held = await admitted(of, ask(of, who));
    assert.deepEqual(held.limitHeaders(epochMs(of.at + 500)), [
      ...['x-ratelimit-limit-requests', '50'],
      ...['x-ratelimit-remaining-requests', '49'],
      ...['x-ratelimit-reset-requests', '24h14m59.5s'],
      ...['x-ratelimit-limit-tokens', '4000'],
      ...['x-ratelimit-remaining-tokens', '3000'],
      ...['x-ratelimit-reset-tokens', '1m0.5s'],
    ]);
  });

  test('limits outlive a restart, in the store and in the snapshot of a node whose store is away', async () => {
    const of = await world();
    const who = await caller(of);
    await limit(of, { limit: 1 });
    await of.tenants.close();
    const again = await world({ state: of.state });
    assert.equal(await passing(again, who, 2), 1);
    const away = { ...of.state, load: () => Promise.reject(new Error('away')) };
    const offline = await world({ state: away as never }, of.tenants.options.dataDir);
    assert.equal(await passing(offline, who, 2), 1);
  });

  test('a restart counts the last day from the ledger and the spool, for all levels but end users', async () => {
    const of = await world();
    const who = await caller(of, { defaultFeature: 'search' });
    for (const level of ['tenant', 'feature', 'key', 'end_user'])
      for (const unit of ['requests', 'total_tokens', 'output_tokens'])
        await limit(of, { level, unit, window: 'day', limit: 100_000 });
    await limit(of, { unit: 'requests', window: 'minute' });
    await limit(of, { unit: 'concurrency' });
    const mine = { tenant: who.tenant.id, team: null, feature: 'search' as never, key: who.key.id, endUser: null };
    const call = (agoMs: number, fields: object = {}) =>
      entry(cost, {
        ...{ ...mine, kind: 'generate', at: epochMs(START - agoMs) },
        ...{ usage: { ...NO_USAGE, inputTokens: 10, outputTokens: 5 }, ...fields },
      });
    const hour = 3_600_000;
    await of.ledger.ship(
      shipped([
        call(1_000),
        call(20 * hour),
        call(26 * hour),
        call(hour, { kind: 'count' }),
        call(5, { key: 'key_x' }),
      ]),
    );
    const again = await world({ state: of.state, ledger: of.ledger });
    const unshipped = {
      ...{ ...mine, kind: 'generate' as const, id: 'call_unshipped' as CallId, at: epochMs(START - 2_000) },
      ...{ inputTokens: 100, outputTokens: 50, reservedNanoUsd: cost, costNanoUsd: cost },
    } as const;
    await again.tenants.rebuild([
      unshipped,
      { ...unshipped, id: 'call_old' as CallId, at: epochMs(START - 30 * hour) },
    ]);
    const day = [
      [5, 195, 65],
      [5, 195, 65],
      [4, 180, 60],
    ];
    const shown = (again.tenants.me(who, []) as Me).limits;
    assert.deepEqual(
      ['tenant', 'feature', 'key'].map((level) =>
        (['requests', 'total_tokens', 'output_tokens'] as const).map(
          (of) => shown.find(({ scope, window, unit }) => scope === level && window === 'day' && unit === of)!.used,
        ),
      ),
      day,
    );
    const others = shown.filter(({ window }) => window !== 'day').map(({ unit, used }) => [unit, used]);
    // Of the spool alone the instant is known: a minute begins anew but for that.
    assert.deepEqual(Object.fromEntries(others), { requests: 1, concurrency: 0 });
    again.at = epochMs(START + 5 * hour);
    const [first] = (again.tenants.me(who, []) as Me).limits.filter(
      ({ unit, window }) => unit === 'requests' && window === 'day',
    );
    assert.equal(first!.used, 4, 'the call of twenty hours before has left');
  });

  test('while the ledger is away a day begins at nothing, and says so', async () => {
    const of = await world();
    const who = await caller(of);
    await limit(of, { window: 'day', limit: 1 });
    const spend = () => Promise.reject(new Error('away'));
    const again = await world({ state: of.state, ledger: { ...of.ledger, spend } as never });
    await again.tenants.rebuild([]);
    assert.ok(again.troubles.some((what) => what.includes('limits of a day begin at nothing')));
    assert.equal(await passing(again, who, 2), 1);
  });
});
