import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { epochMs, type TenantId } from '#kernel/brand.ts';
import { tenantKey } from '#kernel/whose.ts';
import type { LimitClaim, LimitCounters, LimitHold, LimitKey, LimitLine, SlidingWindow } from './shared-state.ts';

export interface LimitCountersContractOptions {
  readonly name: string;
  /** New empty counters. */
  readonly open: () => Promise<LimitCounters>;
  readonly runs?: number;
  /** Why it cannot run here. */
  readonly skip?: string | false;
}

const MINUTE: SlidingWindow = { spanMs: 60_000, stepMs: 1_000 };
const DAY: SlidingWindow = { spanMs: 86_400_000, stepMs: 900_000 };
/** A counter is wrong after many steps, if at all; by default most runs are of ten. */
const LONG = { minLength: 60, maxLength: 200, size: 'max' } as const;
const START = 1_000_000_000;
const at = (afterMs: number) => epochMs(START + afterMs);
const line = (name: string, limit: number, window: SlidingWindow | null = MINUTE, measure = 0): LimitLine => ({
  ...{ name, window, limit, measure },
  lane: 0,
});
const keyOf = (name: string): LimitKey => tenantKey('acme' as TenantId, 'key', name);
/** A set of one line of the same name. */
const claim = (set: string, limit: number, window: SlidingWindow | null = MINUTE): LimitClaim => ({
  set: keyOf(set),
  lines: [line(set, limit, window)],
});
const none = { used: 0, reserved: 0 };

/** What every implementation of the counters must do; run on each. */
export function limitCountersContract({ name, open, runs = 200, skip = false }: LimitCountersContractOptions): void {
  const taken = async (
    counters: LimitCounters,
    claims: readonly LimitClaim[],
    amount = 1,
    now = at(0),
  ): Promise<LimitHold> => {
    const result = await counters.take(claims, [amount], now);
    assert.ok(result.ok);
    return result.value;
  };
  const isTaken = async (counters: LimitCounters, claims: readonly LimitClaim[], amount: number, ms: number) =>
    (await counters.take(claims, [amount], at(ms))).ok;

  describe(`limit counters: ${name}`, { skip }, () => {
    test('an amount is taken, and settled as what was used', async () => {
      const counters = await open();
      const a = claim('a', 100);
      const hold = await taken(counters, [a], 10);
      assert.deepEqual(hold.tightest, [{ line: a.lines[0], left: 90, emptyAt: at(61_000) }]);
      assert.deepEqual(await counters.read([a], at(0)), [[{ used: 0, reserved: 10 }]]);
      await counters.settle(hold, [4], at(100));
      assert.deepEqual(await counters.read([a], at(100)), [[{ used: 4, reserved: 0 }]]);
    });

    test('what was released was never taken', async () => {
      const counters = await open();
      const claims = [claim('a', 10), claim('c', 10, null)];
      await counters.release(await taken(counters, claims, 10), at(5));
      assert.deepEqual(await counters.read(claims, at(5)), [[none], [none]]);
      await taken(counters, claims, 10, at(5));
    });

    test('each line counts its own measure, and the hold tells the least left of each lane', async () => {
      const counters = await open();
      const lines = [
        { ...line('requests', 5), lane: 0 },
        { ...line('tokens', 100, DAY, 1), lane: 1 },
        { ...line('hidden', 60, MINUTE, 1), lane: null },
        { ...line('open', 3, null), lane: null },
      ];
      const result = await counters.take([{ set: keyOf('a'), lines }], [1, 40], at(0));
      assert.ok(result.ok);
      const [requests, tokens, ...more] = result.value.tightest;
      assert.deepEqual([requests!.line, requests!.left, requests!.emptyAt], [lines[0], 4, at(61_000)]);
      assert.deepEqual([tokens!.line, tokens!.left], [lines[1], 60]);
      assert.deepEqual(more, []);
      await counters.settle(result.value, [1, 90], at(0));
      assert.deepEqual(await counters.read([{ set: keyOf('a'), lines }], at(0)), [
        [{ used: 1, reserved: 0 }, { used: 90, reserved: 0 }, { used: 90, reserved: 0 }, none],
      ]);
    });

    test('all or none: a refusal of the last line takes nothing of the first', async () => {
      const counters = await open();
      const [a, b] = [claim('a', 100), { set: keyOf('b'), lines: [line('wide', 100), line('full', 9)] }];
      await taken(counters, [b], 9);
      const refused = await counters.take([a, b], [1], at(500));
      const error = { claim: 1, line: 1, used: 0, reserved: 9, fitsAt: at(61_000) };
      assert.deepEqual(refused, { ok: false, error });
      assert.deepEqual(await counters.read([a, b], at(500)), [
        [none],
        [
          { used: 0, reserved: 9 },
          { used: 0, reserved: 9 },
        ],
      ]);
    });

    test('what is larger than its limit never fits; zero always does', async () => {
      const counters = await open();
      const large = await counters.take([claim('a', 10)], [11], at(0));
      assert.deepEqual(large, { ok: false, error: { claim: 0, line: 0, used: 0, reserved: 0, fitsAt: null } });
      await taken(counters, [claim('b', 0)], 0);
    });

    test('it counts until the whole of its step has left the window', async () => {
      const counters = await open();
      const a = [claim('a', 3)];
      await counters.settle(await taken(counters, a, 3, at(999)), [3], at(999));
      assert.ok(!(await isTaken(counters, a, 1, 60_999)));
      assert.ok(await isTaken(counters, a, 3, 61_000));
    });

    test('room comes step by step, when the oldest leaves', async () => {
      const counters = await open();
      const a = [claim('a', 10)];
      for (const [ms, amount] of [
        [0, 2],
        [10_000, 3],
        [20_000, 5],
      ] as const)
        await taken(counters, a, amount, at(ms));
      const fits = async (amount: number) => {
        const refused = await counters.take(a, [amount], at(30_000));
        return refused.ok ? null : refused.error.fitsAt;
      };
      assert.deepEqual([await fits(2), await fits(3), await fits(10)], [at(61_000), at(71_000), at(81_000)]);
    });

    test('an overrun is counted, and a call that outlives its window changes nothing', async () => {
      const counters = await open();
      const a = [claim('a', 10)];
      const [short, long] = [await taken(counters, a, 5), await taken(counters, a, 5)];
      await counters.settle(short, [50], at(10));
      assert.deepEqual(await counters.read(a, at(10)), [[{ used: 50, reserved: 5 }]]);
      await counters.settle(long, [70], at(70_000));
      assert.deepEqual(await counters.read(a, at(70_000)), [[none]]);
    });

    test('calls in flight count until they are given back, however long', async () => {
      const counters = await open();
      const a = [claim('a', 1, null)];
      const one = await taken(counters, a);
      const refused = await counters.take(a, [1], at(10_000_000));
      assert.deepEqual(refused, { ok: false, error: { claim: 0, line: 0, used: 0, reserved: 1, fitsAt: null } });
      await counters.settle(one, [7], at(10_000_000));
      await taken(counters, a, 1, at(10_000_001));
    });

    test('a hold ends once', async () => {
      const counters = await open();
      const hold = await taken(counters, [claim('a', 2)]);
      await counters.release(hold, at(0));
      await assert.rejects(async () => counters.settle(hold, [1], at(0)));
    });

    test('a clock that goes back stands still, and shuts nothing for longer than the window', async () => {
      const counters = await open();
      const a = [claim('a', 5)];
      await taken(counters, a, 5);
      const back = -3_600_000;
      const refused = await counters.take(a, [1], at(back));
      assert.ok(!refused.ok);
      assert.deepEqual(refused.error.fitsAt, at(back + 61_000));
      assert.ok(!(await isTaken(counters, a, 1, back + 60_999)));
      assert.ok(await isTaken(counters, a, 5, back + 61_000));
    });

    test('a clock that went ahead and back again brings no call to an end in the step of another', async () => {
      const counters = await open();
      const a = [claim('a', 10)];
      const old = await taken(counters, a, 4);
      await counters.read(a, at(90_000));
      // The clock comes to the old step once more.
      const fresh = await taken(counters, a, 7, at(0));
      await counters.settle(old, [4], at(0));
      assert.deepEqual(await counters.read(a, at(0)), [[{ used: 0, reserved: 7 }]]);
      await counters.settle(fresh, [7], at(0));
    });

    test('a clock that jumps ahead is believed', async () => {
      const counters = await open();
      await taken(counters, [claim('a', 5)], 5);
      await taken(counters, [claim('a', 5)], 5, at(86_400_000));
    });

    test('lines come, go and change in mid-window: what stays keeps its count, and open calls end in it', async () => {
      const counters = await open();
      const before = [line('stays', 10), line('goes', 10), line('day', 10, DAY), line('open', 10, null)];
      const first = await taken(counters, [{ set: keyOf('a'), lines: before }], 4);
      await counters.settle(await taken(counters, [{ set: keyOf('a'), lines: before }], 3), [2], at(0));
      const after = [line('open', 10, null), line('comes', 9), line('stays', 7), line('day', 10, DAY)];
      const set = [{ set: keyOf('a'), lines: after }];
      assert.deepEqual(await counters.read(set, at(0)), [
        [{ used: 0, reserved: 4 }, none, { used: 2, reserved: 4 }, { used: 2, reserved: 4 }],
      ]);
      const refused = await counters.take(set, [2], at(1));
      assert.ok(!refused.ok && refused.error.line === 2, 'its new figure holds at once');
      await counters.settle(first, [1], at(2_000));
      const counted = { used: 3, reserved: 0 };
      assert.deepEqual(await counters.read(set, at(2_000)), [[none, none, counted, counted]]);
      assert.deepEqual(await counters.read([{ set: keyOf('a'), lines: before }], at(2_000)), [
        [counted, none, counted, none],
      ]);
    });

    test('use from before counts until the last of its time has left, in windows that are longer than that time', async () => {
      const counters = await open();
      const set: LimitClaim = {
        set: keyOf('a'),
        lines: [line('minute', 10), line('day', 10, DAY), line('open', 10, null)],
      };
      const [hour, day] = [3_600_000, 86_400_000];
      // As a clock reads that stands in the middle of an hour.
      const now = at(10 * day);
      const start = (Math.floor(now / hour) * hour) as typeof now;
      await counters.seed(
        [
          { claim: set, amounts: [2], from: epochMs(start - 25 * hour), to: epochMs(start - 24 * hour) },
          { claim: set, amounts: [3], from: epochMs(start - hour), to: start },
          { claim: set, amounts: [1], from: start, to: epochMs(start + hour) },
          { claim: set, amounts: [4], from: epochMs(now - 1_000), to: epochMs(now - 1_000) },
        ],
        now,
      );
      const used = async (when: number) => (await counters.read([set], epochMs(when)))[0]!.map((one) => one.used);
      assert.deepEqual(await used(now), [4, 8, 0]);
      assert.deepEqual(await used(start + day - 1), [0, 8, 0]);
      assert.deepEqual(await used(start + day), [0, 5, 0]);
      assert.deepEqual(await used(now + day + 900_000), [0, 0, 0]);
      await counters.seed(
        [{ claim: set, amounts: [99], from: epochMs(now), to: epochMs(now) }],
        epochMs(now + 2 * day),
      );
      assert.deepEqual(await used(now + 2 * day), [0, 0, 0]);
    });

    properties(open, runs);
  });
}

function properties(open: () => Promise<LimitCounters>, runs: number): void {
  const step = fc.record({
    do: fc.constantFrom('take', 'take', 'settle', 'release'),
    which: fc.nat(30),
    amount: fc.integer({ min: 1, max: 40 }),
    // Mostly small steps; now and then an hour forward, or back.
    afterMs: fc.oneof(
      { weight: 6, arbitrary: fc.nat(9_000) },
      { weight: 4, arbitrary: fc.nat(400) },
      { weight: 1, arbitrary: fc.constantFrom(59_999, 60_000, 60_001, 3_600_000) },
      { weight: 1, arbitrary: fc.integer({ min: -3_600_000, max: 0 }) },
    ),
  });
  test('property: no minute admits more than the limit, whatever the clock does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, LONG), async (steps) => {
        const counters = await open();
        const limits = { wide: 100, narrow: 60 };
        const claims = Object.entries(limits).map(([set, limit]) => claim(set, limit));
        const admitted: { since: number; amount: number }[] = [];
        const holds: { hold: LimitHold; call: (typeof admitted)[number] }[] = [];
        // The judge's time: what has passed at least, by a clock that goes back no time.
        let [clock, passed] = [0, 0];
        for (const { do: action, which, amount, afterMs } of steps) {
          clock += afterMs;
          passed += Math.max(0, afterMs);
          const open = holds[which % Math.max(1, holds.length)];
          if (action === 'take') {
            const result = await counters.take(claims, [amount], at(clock));
            if (!result.ok) continue;
            const call = { since: passed, amount };
            admitted.push(call);
            holds.push({ hold: result.value, call });
            const within = admitted.filter((one) => one.since > passed - MINUTE.spanMs);
            const sum = within.reduce((all, one) => all + one.amount, 0);
            assert.ok(sum <= limits.narrow, `${sum} within a minute`);
          } else if (open) {
            holds.splice(holds.indexOf(open), 1);
            // A settlement may say less; more would be an overrun, which no limit can prevent.
            open.call.amount = action === 'release' ? 0 : Math.min(open.call.amount, which);
            if (action === 'release') await counters.release(open.hold, at(clock));
            else await counters.settle(open.hold, [open.call.amount], at(clock));
          }
        }
      }),
      { numRuns: runs },
    );
  });

  test('property: all or none, so that both counters always say the same', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, LONG), async (steps) => {
        const counters = await open();
        const holds: LimitHold[] = [];
        let clock = 0;
        for (const { do: action, which, amount, afterMs } of steps) {
          clock += afterMs;
          const hold = holds[which % Math.max(1, holds.length)];
          // Either may be the one that refuses.
          const limits = which % 2 === 0 ? [70, 90] : [90, 70];
          if (action === 'take') {
            const result = await counters.take([claim('a', limits[0]!), claim('b', limits[1]!)], [amount], at(clock));
            if (result.ok) holds.push(result.value);
          } else if (hold) {
            holds.splice(holds.indexOf(hold), 1);
            if (action === 'release') await counters.release(hold, at(clock));
            else await counters.settle(hold, [amount], at(clock));
          }
          const [a, b] = await counters.read([claim('a', 1), claim('b', 1)], at(clock));
          assert.deepEqual(a, b);
          assert.ok(a![0]!.used >= 0 && a![0]!.reserved >= 0);
        }
      }),
      { numRuns: runs },
    );
  });
}
