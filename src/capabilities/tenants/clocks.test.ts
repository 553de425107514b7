import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import { nanoUsd } from '#kernel/money.ts';
import { intBetween, seededRng } from '#kernel/rng.ts';
import { admitted, ask, caller, entry, refusalOf, START, world, type World } from './test-world.ts';

const [MINUTE, DAY, YEAR] = [60_000, 86_400_000, 365 * 86_400_000];
const SEED = Number(process.env['SEED'] ?? 20_261_127);

const budget = (of: World, window: string, limitUsd: string, more: object = {}) =>
  of.call('POST', '/admin/budgets', { level: 'tenant', tenant: 'acme', limitUsd, window, ...more });
const limit = (of: World, change: object) =>
  of.call('POST', '/admin/limits', { level: 'tenant', tenant: 'acme', ...change });
const spend = async (of: World, who: Awaited<ReturnType<typeof caller>>, nano: bigint): Promise<void> =>
  void (await of.tenants.settle(await admitted(of, ask(of, who)), entry(nanoUsd(nano))));
const figures = async (of: World, path: string) => {
  const { spentUsd, reservedUsd, used, reserved } = await of.call('GET', path);
  return { spentUsd, reservedUsd, used, reserved };
};

describe('clocks that jump', () => {
  test('back: what was spent and counted still counts, in every kind of window', async () => {
    const of = await world();
    const who = await caller(of);
    const ids = [];
    for (const window of ['day', 'month', 'total', '1h']) ids.push((await budget(of, window, '100'))['id']);
    const day = await limit(of, { unit: 'requests', window: 'day', limit: 5 });
    await spend(of, who, 2_000_000_000n);
    for (const back of [1, MINUTE, DAY, YEAR]) {
      of.at = epochMs(START - back);
      for (const id of ids) {
        const { spentUsd, reservedUsd } = await figures(of, `/admin/budgets/${id}`);
        assert.deepEqual([spentUsd, reservedUsd], ['2', '0'], `${id} ${back} ms back`);
      }
      assert.equal((await figures(of, `/admin/limits/${day['id']}`)).used, 1);
    }
  });

  test('back, again and again: a limit lets through what it is, and no more', async () => {
    const of = await world();
    const who = await caller(of);
    await limit(of, { unit: 'requests', window: 'day', limit: 5 });
    let granted = 0;
    for (let i = 0; i < 20; i++) {
      of.at = epochMs(START - i * i * MINUTE);
      const result = await of.tenants.admit(ask(of, who));
      if (!result.ok) continue;
      granted++;
      await of.tenants.settle(result.value, entry(nanoUsd(1n)));
    }
    assert.equal(granted, 5);
  });

  test('ahead: windows begin anew, totals stay, and what is held is given back where it was taken', async () => {
    const of = await world();
    const who = await caller(of);
    const day = (await budget(of, 'day', '100'))['id'];
    const total = (await budget(of, 'total', '100'))['id'];
    const flights = (await limit(of, { unit: 'concurrency', limit: 2 }))['id'];
    const requests = (await limit(of, { unit: 'requests', window: 'minute', limit: 1 }))['id'];
    const held = await admitted(of, ask(of, who));
    assert.equal((await refusalOf(() => admitted(of, ask(of, who)))).code, 'rate_limited');
    of.at = epochMs(START + YEAR);
    const after = await admitted(of, ask(of, who));
    assert.equal((await figures(of, `/admin/limits/${flights}`)).reserved, 2);
    await of.tenants.settle(held, entry(nanoUsd(3_000_000_000n)));
    await of.tenants.settle(after, entry(nanoUsd(1_000_000_000n)));
    assert.deepEqual(await figures(of, `/admin/budgets/${day}`), {
      ...{ spentUsd: '1', reservedUsd: '0', used: undefined, reserved: undefined },
    });
    assert.equal((await figures(of, `/admin/budgets/${total}`)).spentUsd, '4');
    assert.deepEqual(await figures(of, `/admin/limits/${flights}`), {
      ...{ spentUsd: undefined, reservedUsd: undefined, used: 0, reserved: 0 },
    });
    // Back from there: the year that never was shuts nobody out for longer than a window.
    of.at = epochMs(START + MINUTE);
    assert.equal((await refusalOf(() => admitted(of, ask(of, who)))).code, 'rate_limited');
    of.at = epochMs(START + 2 * MINUTE + 2_000);
    await spend(of, who, 1n);
    assert.equal((await figures(of, `/admin/limits/${requests}`)).used, 1);
  });

  test(`property: whatever the clock does, a total is never passed and nothing stays held (seed ${SEED})`, async () => {
    const rng = seededRng(SEED);
    for (let run = 0; run < 20; run++) {
      const of = await world();
      const who = await caller(of);
      const total = (await budget(of, 'total', '0.05'))['id'];
      const flights = (await limit(of, { unit: 'concurrency', limit: 4 }))['id'];
      const open: Awaited<ReturnType<typeof admitted>>[] = [];
      let spent = 0n;
      for (let i = 0; i < 120; i++) {
        of.at = epochMs(START + intBetween(rng, -YEAR, YEAR));
        const result = await of.tenants.admit(ask(of, who));
        if (result.ok) open.push(result.value);
        assert.ok(open.length <= 4);
        if (open.length > 0 && (!result.ok || rng.next() < 0.5)) {
          const one = open.splice(intBetween(rng, 0, open.length - 1), 1)[0]!;
          const cost = BigInt(intBetween(rng, 0, Number(one.reservedNanoUsd)));
          spent += cost;
          await of.tenants.settle(one, entry(nanoUsd(cost)));
        }
      }
      for (const one of open) await of.tenants.release(one);
      const { spentUsd, reservedUsd } = await figures(of, `/admin/budgets/${total}`);
      assert.deepEqual([Math.round(Number(spentUsd) * 1e9), reservedUsd], [Number(spent), '0']);
      assert.ok(spent <= 50_000_000n);
      assert.equal((await figures(of, `/admin/limits/${flights}`)).reserved, 0);
    }
  });
});

describe('figures that nobody means', () => {
  test('absurd budgets are refused with their field, and change nothing', async () => {
    const of = await world();
    await caller(of);
    for (const [body, field] of [
      ...['-1', '-0.01', '1e30', 'NaN', 'Infinity', '', ' ', '1,5', '0x10', '9'.repeat(400), '1000000000.01'].map(
        (limitUsd) => [{ limitUsd }, 'limitUsd'] as const,
      ),
      ...[-1, Number.NaN, Infinity, 1e300, null, [], {}, true].map((limitUsd) => [{ limitUsd }, 'limitUsd'] as const),
      [{ window: '-1h' }, 'window'],
      [{ window: '0s' }, 'window'],
      [{ window: '1e9d' }, 'window'],
      [{ unknownPriceUsd: '-1' }, 'unknownPriceUsd'],
      [{ warnAt: [-1] }, 'warnAt.0'],
      [{ warnAt: [Number.NaN] }, 'warnAt.0'],
    ] as const) {
      const error = await refusalOf(() => budget(of, 'total', '1', body));
      assert.deepEqual([error.code, error.details.field], ['invalid_request', field], JSON.stringify(body));
    }
    assert.deepEqual((await of.call('GET', '/admin/budgets'))['budgets'], []);
    const made = await budget(of, 'total', '1');
    for (const body of [{ limitUsd: '-5' }, { limitUsd: -0.5 }])
      assert.equal(
        (await refusalOf(() => of.call('PATCH', `/admin/budgets/${made['id']}`, body))).code,
        'invalid_request',
      );
    for (const byUsd of ['-1', '1e30', 'x'])
      assert.equal(
        (
          await refusalOf(() =>
            of.call('POST', `/admin/budgets/${made['id']}/raise`, { byUsd, until: epochMs(START + DAY), reason: 'r' }),
          )
        ).code,
        'invalid_request',
      );
    assert.equal((await of.call('GET', `/admin/budgets/${made['id']}`))['limitUsd'], '1');
  });

  test('what a provider says it used, below nothing or beyond all, moves no counter below nothing', async () => {
    const of = await world();
    const who = await caller(of);
    const tokens = (await limit(of, { unit: 'total_tokens', window: 'day', limit: 1_000_000 }))['id'];
    const usage = (inputTokens: number, outputTokens: number) => ({
      usage: { ...entry(null).usage, inputTokens, outputTokens },
    });
    const used = async (): Promise<number> => Number((await figures(of, `/admin/limits/${tokens}`)).used);
    await of.tenants.settle(await admitted(of, ask(of, who)), entry(nanoUsd(1n), usage(-1_000_000, -5)));
    assert.equal(await used(), 0);
    await of.tenants.settle(await admitted(of, ask(of, who)), entry(nanoUsd(1n), usage(Number.NaN, 10)));
    assert.equal(await used(), 10);
    await of.tenants.settle(await admitted(of, ask(of, who)), entry(nanoUsd(1n), usage(1e300, 0)));
    assert.ok(Number.isSafeInteger(await used()));
  });
});

test('a look-up of a key takes no longer for a guess that is nearly right', async () => {
  const of = await world();
  await of.call('POST', '/admin/tenants', { id: 'acme' });
  const key = String((await of.call('POST', '/admin/keys', { tenant: 'acme', name: 'k' }))['key']);
  const near = `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`;
  const far = `hg_${'z'.repeat(key.length - 3)}`;
  const usOf = (guess: string): number => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < 200; i++) assert.ok(!of.tenants.authenticate({ 'x-api-key': guess }).ok);
    return Number(process.hrtime.bigint() - start) / 200_000;
  };
  const rounds = Array.from({ length: 150 }, () => [usOf(near), usOf(far)] as const).slice(50);
  const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;
  const ratio = median(rounds.map(([one, other]) => one / other));
  assert.ok(ratio > 0.8 && ratio < 1.25, `a near guess takes ${ratio} of a far one`);
});
