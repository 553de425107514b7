import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { epochMs, type TenantId } from '#kernel/brand.ts';
import { nanoUsd, type NanoUsd } from '#kernel/money.ts';
import { everyTenant, keyPrefix, tenantKey } from '#kernel/whose.ts';
import type { BudgetCounters, Hold, PotClaim, PotKey, Slot } from './shared-state.ts';

export interface SharedStateContractOptions {
  readonly name: string;
  /** New empty counters. */
  readonly open: () => Promise<BudgetCounters>;
  readonly runs?: number;
}

const FOREVER: Slot = { start: epochMs(0), expiresAt: Infinity as never };
const NOW = epochMs(1_000_000);
const usd = (value: number): NanoUsd => nanoUsd(BigInt(value));
const potOf = (name: string): PotKey => tenantKey('acme' as TenantId, 'budget', name);
const claim = (pot: string, amount: number, limit: number, slot = FOREVER): PotClaim => ({
  pot: potOf(pot),
  slot,
  limitNanoUsd: usd(limit),
  amountNanoUsd: usd(amount),
});
const state = (spent: number, reserved: number) => ({ spentNanoUsd: usd(spent), reservedNanoUsd: usd(reserved) });

/** What every implementation of the counters must do; run on each. */
export function sharedStateContract({ name, open, runs = 200 }: SharedStateContractOptions): void {
  const held = async (counters: BudgetCounters, claims: readonly PotClaim[], now = NOW): Promise<Hold> => {
    const result = await counters.reserve(claims, now);
    assert.ok(result.ok);
    return result.value;
  };

  describe(`budget counters: ${name}`, () => {
    test('a claim is held, settled, and its rest given back', async () => {
      const counters = await open();
      const hold = await held(counters, [claim('a', 10, 100)]);
      assert.deepEqual(await counters.read([potOf('a')], NOW), [state(0, 10)]);
      const [settled] = await counters.settle(hold, [usd(4)], NOW);
      assert.equal(settled!.refundNanoUsd, 6n);
      assert.equal(settled!.overrunNanoUsd, 0n);
      assert.deepEqual(await counters.read([potOf('a')], NOW), [state(4, 0)]);
    });

    test('a correction takes spending back from the slot that it was counted in', async () => {
      const counters = await open();
      const soon: Slot = { start: NOW, expiresAt: epochMs(NOW + 10) };
      await counters.seed([{ pot: potOf('a'), slot: soon, spentNanoUsd: usd(9) }]);
      await counters.seed([{ pot: potOf('a'), slot: soon, spentNanoUsd: usd(-4) }]);
      assert.deepEqual(await counters.read([potOf('a')], NOW), [state(5, 0)]);
      assert.deepEqual(await counters.read([potOf('a')], epochMs(NOW + 10)), [state(0, 0)]);
    });

    test('all or none: a refusal of the last pot holds nothing in the first', async () => {
      const counters = await open();
      const refused = await counters.reserve([claim('a', 10, 100), claim('b', 10, 9)], NOW);
      assert.ok(!refused.ok);
      assert.equal(refused.error.index, 1);
      assert.equal(refused.error.fitsAt, null);
      assert.deepEqual(await counters.read([potOf('a'), potOf('b')], NOW), [state(0, 0), state(0, 0)]);
    });

    test('growth is all or none, and may be forced', async () => {
      const counters = await open();
      const hold = await held(counters, [claim('a', 10, 100), claim('b', 10, 12)]);
      const to = [
        { toNanoUsd: usd(20), limitNanoUsd: usd(100) },
        { toNanoUsd: usd(20), limitNanoUsd: usd(12) },
      ];
      const refused = await counters.grow(hold, to, NOW, false);
      assert.ok(!refused.ok && refused.error.index === 1);
      assert.deepEqual(await counters.read([potOf('a'), potOf('b')], NOW), [state(0, 10), state(0, 10)]);
      assert.ok((await counters.grow(hold, to, NOW, true)).ok);
      assert.deepEqual(await counters.read([potOf('a'), potOf('b')], NOW), [state(0, 20), state(0, 20)]);
    });

    test('zero fits where the money is gone', async () => {
      const counters = await open();
      await counters.seed([{ pot: potOf('a'), slot: FOREVER, spentNanoUsd: usd(500) }]);
      assert.ok((await counters.reserve([claim('a', 0, 100)], NOW)).ok);
      assert.ok(!(await counters.reserve([claim('a', 1, 100)], NOW)).ok);
    });

    test('a call is counted in the slot of its admission, also after the roll-over', async () => {
      const counters = await open();
      const first = { start: epochMs(0), expiresAt: epochMs(NOW + 10) };
      const second = { start: epochMs(NOW + 10), expiresAt: epochMs(NOW + 20) };
      const hold = await held(counters, [claim('a', 60, 100, first)]);
      const refused = await counters.reserve([claim('a', 60, 100, first)], NOW);
      assert.ok(!refused.ok && refused.error.fitsAt === NOW + 10);
      const later = epochMs(NOW + 12);
      const next = await held(counters, [claim('a', 100, 100, second)], later);
      await counters.settle(hold, [usd(70)], later);
      assert.deepEqual(await counters.read([potOf('a')], later), [state(0, 100)]);
      await counters.settle(next, [usd(1)], later);
      assert.deepEqual(await counters.read([potOf('a')], later), [state(1, 0)]);
    });

    test('a hold is settled once', async () => {
      const counters = await open();
      const hold = await held(counters, [claim('a', 1, 2)]);
      await counters.settle(hold, [usd(1)], NOW);
      await assert.rejects(async () => counters.settle(hold, [usd(1)], NOW));
    });

    test('what was dumped seeds the same', async () => {
      const [from, to] = [await open(), await open()];
      await from.seed([{ pot: potOf('a'), slot: FOREVER, spentNanoUsd: usd(7) }]);
      assert.equal(await from.known(potOf('a')), true);
      assert.equal(await to.known(potOf('a')), false);
      await to.seed([...(await from.dump(everyTenant('a snapshot'), NOW))]);
      assert.deepEqual(await to.read([potOf('a')], NOW), [state(7, 0)]);
      await to.forget(keyPrefix('other' as TenantId, 'budget'));
      assert.equal(await to.known(potOf('a')), true);
      await to.forget(keyPrefix('acme' as TenantId, 'budget'));
      assert.equal(await to.known(potOf('a')), false);
    });

    test('a tenant’s spending is dumped without another’s', async () => {
      const counters = await open();
      const owners = ['acme' as TenantId, 'other' as TenantId, everyTenant('the operator’s own')];
      const spent = owners.map((whose, i) => ({
        pot: tenantKey(whose, 'budget', 'one'),
        slot: FOREVER,
        spentNanoUsd: usd(i + 1),
      }));
      await counters.seed(spent);
      assert.deepEqual([...(await counters.dump('other' as TenantId, NOW))], [spent[1]]);
      assert.equal([...(await counters.dump(everyTenant('a snapshot'), NOW))].length, 3);
    });

    test('property: money is conserved and no limit is passed without force', async () => {
      const step = fc.record({
        do: fc.constantFrom('reserve', 'grow', 'settle'),
        which: fc.nat(20),
        amount: fc.nat(60),
        share: fc.double({ min: 0, max: 1, noNaN: true }),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
          const counters = await open();
          const limits = { operator: 200, tenant: 120, key: 70 };
          const pots = Object.keys(limits) as (keyof typeof limits)[];
          const openHolds: Hold[] = [];
          let spent = 0n;
          for (const { do: action, which, amount, share } of steps) {
            const hold = openHolds[which % Math.max(1, openHolds.length)];
            if (action === 'reserve') {
              const result = await counters.reserve(
                pots.map((pot) => claim(pot, amount, limits[pot])),
                NOW,
              );
              if (result.ok) openHolds.push(result.value);
            } else if (hold && action === 'grow') {
              const to = pots.map((pot, i) => ({
                toNanoUsd: nanoUsd(hold.pots[i]!.heldNanoUsd + BigInt(amount)),
                limitNanoUsd: usd(limits[pot]),
              }));
              await counters.grow(hold, to, NOW, false);
            } else if (hold) {
              openHolds.splice(openHolds.indexOf(hold), 1);
              const actual = nanoUsd(BigInt(Math.floor(Number(hold.pots[0]!.heldNanoUsd) * share)));
              const settled = await counters.settle(
                hold,
                pots.map(() => actual),
                NOW,
              );
              for (const one of settled)
                assert.equal(one.actualNanoUsd, one.reservedNanoUsd - one.refundNanoUsd + one.overrunNanoUsd);
              spent += actual;
            }
            const reserved = openHolds.reduce((sum, { pots: [first] }) => sum + first!.heldNanoUsd, 0n);
            for (const [i, pot] of pots.entries()) {
              const [now] = await counters.read([potOf(pot)], NOW);
              assert.equal(now!.spentNanoUsd, spent);
              assert.equal(now!.reservedNanoUsd, reserved, `pot ${i}`);
              assert.ok(spent + reserved <= BigInt(limits[pot]));
            }
          }
        }),
        { numRuns: runs },
      );
    });

    test('property: a rolling window never admits more than the limit', async () => {
      const [spanMs, minuteMs, limit] = [600_000, 60_000, 100];
      const call = fc.record({ afterMs: fc.nat(200_000), amount: fc.integer({ min: 1, max: 60 }) });
      await fc.assert(
        fc.asyncProperty(fc.array(call, { maxLength: 80 }), async (calls) => {
          const counters = await open();
          const admitted: { at: number; amount: number }[] = [];
          let at = 5_000_000;
          for (const { afterMs, amount } of calls) {
            at += afterMs;
            const start = Math.floor(at / minuteMs) * minuteMs;
            const slot = { start: epochMs(start), expiresAt: epochMs(start + minuteMs + spanMs) };
            const result = await counters.reserve([claim('a', amount, limit, slot)], epochMs(at));
            if (!result.ok) continue;
            await counters.settle(result.value, [usd(amount)], epochMs(at));
            admitted.push({ at, amount });
            const inWindow = admitted.filter((one) => one.at > at - spanMs);
            assert.ok(inWindow.reduce((sum, one) => sum + one.amount, 0) <= limit);
          }
        }),
        { numRuns: runs },
      );
    });
  });
}
