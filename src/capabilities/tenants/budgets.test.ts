import { shipped } from '#ports/entry-text.ts';
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { epochMs } from '#kernel/brand.ts';
import { nanoUsd, parseUsd, pricePerMillion, usdDecimal } from '#kernel/money.ts';
import type { Attempt } from '#ports/entry.ts';
import { admitted, ask, caller, entry, quote, refusalOf, serving, world, type World } from './test-world.ts';
import type { Me } from './index.ts';

describe('budgets', () => {
  const budget = (of: World, body: object) =>
    of.call('POST', '/admin/budgets', { level: 'tenant', tenant: 'acme', limitUsd: '0.02', ...body });

  for (const mode of ['bounded', 'strict'] as const) {
    test(`200 concurrent calls against a budget that pays for 20: ${mode}`, async () => {
      const of = await world();
      const who = await caller(of);
      // bounded reserves 100 + 900 tokens: $0.001. strict reserves 100 bytes + 900 tokens: the same.
      await budget(of, { mode, contact: 'finance@example.com' });
      const asked = Array.from({ length: 200 }, async () =>
        of.tenants.admit(ask(of, who, { size: { bodyBytes: 100 } })),
      );
      const results = await Promise.all(asked);
      const held = results.flatMap((result) => (result.ok ? [result.value] : []));
      assert.equal(held.length, 20);
      const refused = results.find((result) => !result.ok)!;
      assert.ok(!refused.ok);
      assert.equal(refused.error.code, 'budget_exceeded');
      assert.match(refused.error.message, /finance@example\.com/);
      assert.equal(refused.error.details.facts?.['reservedUsd'], '0.02');
      const overshoot = of.tenants.overshoot();
      assert.equal(overshoot.callsInFlight, 20);
      assert.equal(overshoot.totalNanoUsd, 0n);
      for (const one of held) of.tenants.settle(one, entry(nanoUsd(1_000_000n)));
      assert.equal((of.tenants.me(who, []) as Me).budgets[0]!.spentUsd, '0.02');
      assert.deepEqual(
        of.warnings.map(({ share }) => share),
        [0.8],
      );
    });
  }

  test('the stated overshoot is never less than the real one', async () => {
    const of = await world();
    const who = await caller(of);
    await budget(of, { limitUsd: '0.005' });
    // No max_tokens: 4,096 tokens are reserved of the 8,000 that the model can give.
    const call = ask(of, who, { size: { maxOutputTokens: null, bodyBytes: 100 } });
    const held = await admitted(of, call);
    assert.equal(usdDecimal(held.reservedNanoUsd), '0.004196');
    const stated = of.tenants.overshoot().totalNanoUsd;
    assert.equal(usdDecimal(stated), '0.003904');
    assert.equal(of.tenants.progress(held, nanoUsd(6_000_000n)), 'go_on');
    of.tenants.settle(held, entry(nanoUsd(8_100_000n)));
    const spent = parseUsd((of.tenants.me(who, []) as Me).budgets[0]!.spentUsd)!;
    assert.ok(spent - parseUsd('0.005')! <= stated);
  });

  test('endWhenSpent ends a stream when the money is gone', async () => {
    const of = await world();
    const who = await caller(of);
    await budget(of, { limitUsd: '0.005', endWhenSpent: true });
    const held = await admitted(of, ask(of, who, { size: { maxOutputTokens: null } }));
    assert.equal(of.tenants.progress(held, nanoUsd(4_000_000n)), 'go_on');
    assert.equal(of.tenants.progress(held, nanoUsd(4_900_000n)), 'go_on');
    assert.equal(of.tenants.progress(held, nanoUsd(5_100_000n)), 'end');
    assert.equal(of.tenants.progress(held, nanoUsd(5_100_000n)), 'end');
  });

  test('strict pays for every byte and sends the limit that it pays for', async () => {
    const of = await world();
    const who = await caller(of);
    await budget(of, { mode: 'strict', limitUsd: '1' });
    const size = { maxOutputTokens: null, media: { images: 2, audios: 0, files: 0 }, n: 2 };
    const held = await admitted(of, ask(of, who, { size }));
    assert.equal(held.sendMaxOutputTokens, 8_000);
    // 400 bytes, two images of 1,000 tokens, two answers of 8,000.
    assert.equal(usdDecimal(held.reservedNanoUsd), '0.0184');
    const limited = await admitted(of, ask(of, who, { size: { maxOutputTokens: null }, featureMaxOutputTokens: 500 }));
    assert.equal(limited.sendMaxOutputTokens, 500);
    const tool = await refusalOf(() => admitted(of, ask(of, who, { hostedTools: ['web_search'] })));
    assert.equal(tool.code, 'price_unknown');
  });

  test('a further attempt is paid for, or refused', async () => {
    const of = await world();
    const who = await caller(of);
    await budget(of, { limitUsd: '0.0025' });
    const held = await admitted(of, ask(of, who));
    assert.ok((await of.tenants.topUp(held)).ok);
    assert.equal(usdDecimal(held.reservedNanoUsd), '0.002');
    const third = await of.tenants.topUp(held);
    assert.ok(!third.ok && third.error.code === 'budget_exceeded');
    assert.ok((await of.tenants.topUp(held, nanoUsd(0n))).ok);
    of.tenants.release(held);
    assert.equal((of.tenants.me(who, []) as Me).budgets[0]!.reservedUsd, '0');
  });

  test('an unknown price is refused under a budget unless it names a ceiling; zero is a price', async () => {
    const of = await world();
    const who = await caller(of);
    const unknown = { serving: [{ ...serving, price: null }] };
    assert.equal((await admitted(of, ask(of, who, unknown))).reservedNanoUsd, 0n);
    const made = await budget(of, { limitUsd: '0.01' });
    const refused = await refusalOf(() => admitted(of, ask(of, who, unknown)));
    assert.equal(refused.code, 'price_unknown');
    assert.match(refused.message, /headgate prices set m/);
    await of.call('PATCH', `/admin/budgets/${String(made['id'])}`, { unknownPriceUsd: '0.01' });
    const held = await admitted(of, ask(of, who, unknown));
    of.tenants.settle(held, entry(null));
    assert.equal((of.tenants.me(who, []) as Me).budgets[0]!.spentUsd, '0.01');
    const nothing = pricePerMillion(0n);
    const free = {
      ...quote,
      inputPerMillion: nothing,
      outputPerMillion: nothing,
      dearestInputPerMillion: nothing,
      dearestOutputPerMillion: nothing,
    };
    await admitted(of, ask(of, who, { serving: [{ ...serving, price: free }] }));
    assert.equal((await refusalOf(() => admitted(of, ask(of, who)))).code, 'budget_exceeded');
  });

  test('a window that resets within a minute is a 429 with its wait, and then resets', async () => {
    const of = await world();
    const who = await caller(of);
    await budget(of, { window: 'day', timeZone: 'Europe/Berlin', limitUsd: '0.001' });
    of.at = epochMs(Date.parse('2026-11-24T22:59:30Z'));
    of.tenants.settle(await admitted(of, ask(of, who)), entry(nanoUsd(1_000_000n)));
    const refused = await refusalOf(() => admitted(of, ask(of, who)));
    assert.equal(refused.code, 'budget_window');
    assert.equal(refused.details.retryAfterMs, 30_000);
    of.at = epochMs(of.at + 30_000);
    await admitted(of, ask(of, who));
  });

  test('a raise adds money until its time', async () => {
    const of = await world();
    const who = await caller(of);
    const made = await budget(of, { limitUsd: '0.001', window: 'total' });
    const path = `/admin/budgets/${String(made['id'])}/raise`;
    await admitted(of, ask(of, who));
    assert.equal((await refusalOf(() => admitted(of, ask(of, who)))).code, 'budget_exceeded');
    await of.call('POST', path, { byUsd: '0.01', for: '1h', reason: 'launch' });
    await admitted(of, ask(of, who));
    of.at = epochMs(of.at + 3_600_000);
    assert.equal((await refusalOf(() => admitted(of, ask(of, who)))).code, 'budget_exceeded');
  });

  test('a budget for each end user holds each of them alone, and knows what the ledger knows', async () => {
    const of = await world();
    const who = await caller(of);
    const ada = ask(of, who, { endUser: 'ada' });
    await of.ledger.ship(
      shipped([entry(nanoUsd(900_000n), { tenant: who.tenant.id, endUser: ada.attribution.endUser })]),
    );
    await budget(of, { level: 'end_user', limitUsd: '0.001' });
    assert.equal((await refusalOf(() => admitted(of, ada))).code, 'budget_exceeded');
    await admitted(of, ask(of, who, { endUser: 'bob' }));
    await admitted(of, ask(of, who));
  });

  test('a refusal of the operator’s budget shows no figure, and none names a key', async () => {
    const of = await world();
    const who = await caller(of);
    await of.call('POST', '/admin/budgets', { level: 'operator', limitUsd: '0.0001' });
    const refused = await refusalOf(() => admitted(of, ask(of, who)));
    assert.equal(refused.details.facts?.['usedUsd'], null);
    assert.doesNotMatch(refused.message + JSON.stringify(refused.details), /\$|key_|hg_/);
    assert.deepEqual((of.tenants.me(who, []) as Me).budgets, []);
  });

  test('after 50 answers the p95 of the feature and model is reserved', async () => {
    const of = await world();
    const who = await caller(of, { defaultFeature: 'chat' });
    await budget(of, { limitUsd: '100' });
    const call = ask(of, who, { size: { maxOutputTokens: 8_000 } });
    for (let i = 0; i < 50; i++) {
      const held = await admitted(of, call);
      assert.equal(held.reservedOutputTokens, 4_096);
      const usage = { ...entry(null).usage, outputTokens: i < 45 ? 100 : 300 };
      const one = entry(nanoUsd(1n), {
        status: 'ok',
        usageSource: 'provider',
        usage,
        feature: 'chat' as never,
        modelAsked: 'm',
      });
      of.tenants.settle(held, { ...one, attempts: [one.attempts[0] ?? ({} as Attempt)] });
    }
    const learnt = await admitted(of, call);
    assert.equal(learnt.reservedOutputTokens, 300);
  });

  test('property: what is spent never passes a strict limit, over all levels', async () => {
    const of = await world();
    const who = await caller(of, { defaultFeature: 'chat' });
    await budget(of, { mode: 'strict', limitUsd: '0.05', window: 'total' });
    await of.call('POST', '/admin/budgets', { level: 'operator', mode: 'strict', limitUsd: '0.06', window: 'total' });
    await budget(of, { level: 'key', mode: 'strict', limitUsd: '0.04', window: 'total' });
    await budget(of, { level: 'feature', id: 'chat', mode: 'strict', limitUsd: '0.045', window: 'total' });
    const step = fc.record({
      bytes: fc.nat(3_000),
      tokens: fc.integer({ min: 1, max: 5_000 }),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        for (const { bytes, tokens, share } of steps) {
          const result = await of.tenants.admit(ask(of, who, { size: { bodyBytes: bytes, maxOutputTokens: tokens } }));
          if (!result.ok) continue;
          const most = Number(result.value.worstCostNanoUsd);
          of.tenants.settle(result.value, entry(nanoUsd(BigInt(Math.floor(most * share)))));
          const spent = parseUsd(
            (of.tenants.me(who, []) as Me).budgets.find(({ scope }) => scope === 'key')!.spentUsd,
          )!;
          assert.ok(spent <= parseUsd('0.04')!);
        }
      }),
      { numRuns: 20 },
    );
  });
});
