import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nanoUsd, pricePerMillion } from '#kernel/money.ts';
import { cancelOf, wasteOf, type CancelSample } from './cancel.ts';
import { compressionOf } from './compression.ts';
import { heartbeatOf } from './heartbeat.ts';
import { idleOf, type GapSample } from './idle.ts';
import type { Arrival, StreamSample } from './sample.ts';
import { sightOf } from './truncation.ts';
import { upgradeOf } from './upgrade.ts';

const sample = (more: Partial<StreamSample>): StreamSample => ({
  ...{ status: 200, httpVersion: '1.1', headersMs: 1, contentEncoding: null, events: [], beats: [] },
  ...{ end: 'complete', endMs: 0, code: null },
  ...more,
});
const at = (...gots: number[]): Arrival[] => gots.map((gotMs) => ({ sentMs: gotMs, gotMs }));

/** A silence on a way that cuts after `cutMs`. */
function gap(gapMs: number, cutMs: number, end: StreamSample['end'] = 'aborted'): GapSample {
  const lives = gapMs < cutMs;
  const events = lives ? at(0, gapMs) : at(0);
  return { gapMs, sample: sample({ events, end: lives ? 'complete' : end, endMs: lives ? gapMs : cutMs }) };
}

test('the idle time of a way is found, whatever lengths are tried', () => {
  const lengths = fc.uniqueArray(fc.integer({ min: 500, max: 120_000 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(lengths, fc.integer({ min: 1_000, max: 100_000 }), (gaps, cutMs) => {
      // Whether a silence that is as long as the idle time lives is chance.
      fc.pre(gaps.every((one) => Math.abs(one - cutMs) > 500));
      const idle = idleOf(gaps.map((one) => gap(one, cutMs)));
      const lived = gaps.filter((one) => one < cutMs);
      assert.equal(idle.livedMs, lived.length > 0 ? Math.max(...lived) : null);
      assert.equal(idle.kind, lived.length === gaps.length ? 'open' : 'cut');
      if (idle.kind === 'cut') assert.equal(idle.cutAtMs, cutMs);
    }),
  );
});

test('a longer silence that lives beside a shorter one that was cut is no clear picture', () => {
  assert.equal(idleOf([gap(5_000, 3_000), gap(9_000, 99_000)]).kind, 'unclear');
  const hung: GapSample = { gapMs: 3_000, sample: sample({ events: at(0), end: 'bound', endMs: 9_000 }) };
  assert.equal(idleOf([gap(1_000, 9_000), hung]).kind, 'unclear');
  assert.equal(idleOf([]).kind, 'unknown');
});

test('a silence that is ended in order is a cut as well, and is called what it looks like', () => {
  const idle = idleOf([gap(1_000, 4_000), gap(6_000, 4_000, 'clean')]);
  assert.deepEqual([idle.kind, idle.seenAs], ['cut', 'clean']);
});

test('heartbeats: reached, held until the end, lost, or of no use', () => {
  const idle = idleOf([gap(1_000, 4_000), gap(6_000, 4_000)]);
  const beats = (held: (sentMs: number) => number): Arrival[] =>
    [1, 2, 3, 4, 5].map((n) => ({ sentMs: n * 1_000, gotMs: held(n * 1_000) }));
  const ask = { gapMs: 6_000, beatMs: 1_000 };
  const events = at(0, 6_000);
  const whole = { ...ask, sample: sample({ events, beats: beats((sent) => sent + 3), endMs: 6_000 }) };
  assert.deepEqual(pick(heartbeatOf(whole, idle)), ['reach', true]);
  const late = sample({
    events: at(6_000, 6_000).map((one, n) => ({ ...one, sentMs: n * 6_000 })),
    beats: beats(() => 6_000),
  });
  assert.deepEqual(pick(heartbeatOf({ ...ask, sample: late }, idle)), ['held', true]);
  assert.deepEqual(pick(heartbeatOf({ ...ask, sample: sample({ events }) }, idle)), ['lost', true]);
  const cut = sample({ events: at(0), beats: beats((sent) => sent).slice(0, 3), end: 'aborted', endMs: 4_000 });
  assert.deepEqual(pick(heartbeatOf({ ...ask, sample: cut }, idle)), ['cut', false]);
  // Where silence is not cut, they prove nothing by keeping a stream alive.
  assert.deepEqual(pick(heartbeatOf(whole, idleOf([gap(6_000, 9_000)]))), ['reach', null]);
});
const pick = ({ kind, keepsAlive }: ReturnType<typeof heartbeatOf>): unknown[] => [kind, keepsAlive];

test('truncation: a clean end without the terminal event is hidden, an abort is seen', () => {
  const [clean, aborted] = [sample({ end: 'clean' }), sample({ end: 'aborted' })];
  assert.equal(sightOf([clean, clean]), 'hidden');
  assert.equal(sightOf([aborted, aborted]), 'seen');
  assert.equal(sightOf([aborted, clean]), 'mixed');
  assert.equal(sightOf([sample({ status: 502, end: 'clean' })]), 'seen');
  assert.equal(sightOf([sample({ end: 'bound' })]), 'unknown');
  assert.equal(sightOf([]), 'unknown');
});

const left = (learntAfterMs: number | null, more: Partial<CancelSample> = {}): CancelSample => ({
  ...{ leftMs: 700, learntMs: learntAfterMs === null ? null : 700 + learntAfterMs, watchedMs: 5_000, known: true },
  ...more,
});

test('cancel: told at once, by a write, by a timer, or never', () => {
  const kind = (busy: CancelSample[], silent: CancelSample[]): string => cancelOf({ everyMs: 200, busy, silent }).kind;
  assert.equal(kind([left(1)], [left(2), left(3)]), 'at_once');
  assert.equal(kind([left(147)], [left(null), left(null)]), 'at_a_write');
  assert.equal(kind([left(346)], [left(4_300)]), 'late');
  assert.equal(kind([left(null)], [left(null)]), 'unheard');
  assert.equal(kind([left(null, { known: false })], []), 'unknown');
  // One of two that was not told is not told.
  assert.equal(kind([left(10)], [left(5), left(null)]), 'at_a_write');
  assert.equal(cancelOf({ everyMs: 200, busy: [left(346)], silent: [left(null)] }).busy.writes, 2);
});

test('waste: time × pace × price, exact, and at least so much where no end was seen', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 600_000 }), fc.integer({ min: 1, max: 1_000 }), (afterMs, pace) => {
      const learning = { afterMs, watchedMs: 600_000, samples: 1 };
      const waste = wasteOf(learning, { tokensPerSecond: pace, perMillion: pricePerMillion(10_000_000_000n) })!;
      assert.equal(waste.tokens, Math.round((afterMs * pace) / 1_000));
      // $10 a million is 10,000 nano-dollars a token.
      assert.equal(waste.costNanoUsd, nanoUsd(BigInt(waste.tokens) * 10_000n));
      assert.equal(waste.atLeast, false);
    }),
  );
  const price = { tokensPerSecond: 50, perMillion: pricePerMillion(10_000_000_000n) };
  const unheard = wasteOf({ afterMs: null, watchedMs: 10_000, samples: 2 }, price)!;
  assert.deepEqual([unheard.tokens, unheard.costNanoUsd, unheard.atLeast], [500, 5_000_000n, true]);
  assert.equal(wasteOf({ afterMs: null, watchedMs: 0, samples: 0 }, price), null);
});

test('an upgrade: who answered in the place of it', () => {
  const socket = (status: number | null, origin: { upgrade: string | null; httpVersion: string } | null = null) => ({
    ...sample({ status }),
    origin,
  });
  assert.equal(upgradeOf([socket(101), socket(101)]).kind, 'opens');
  assert.equal(upgradeOf([socket(101), socket(200)]).kind, 'mixed');
  assert.equal(upgradeOf([socket(200, { upgrade: null, httpVersion: '1.0' })]).kind, 'stripped');
  assert.equal(upgradeOf([socket(403)]).kind, 'refused');
  assert.equal(upgradeOf([socket(null)]).kind, 'unreachable');
});

test('compression: found by what came, and by what stops it', () => {
  const zipped = sample({ contentEncoding: 'gzip' });
  const ask = { plain: [zipped], noTransform: [zipped], identity: [sample({})], expected: 8 };
  const found = compressionOf(ask);
  assert.deepEqual(
    [found.kind, found.encoding, found.stoppedByNoTransform, found.stoppedByIdentity],
    ['compressed', 'gzip', false, true],
  );
  const none = compressionOf({ ...ask, plain: [sample({ contentEncoding: 'identity' })] });
  assert.deepEqual([none.kind, none.stoppedByNoTransform], ['none', null]);
});
