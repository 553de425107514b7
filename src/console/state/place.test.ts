import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addressOf, bucketOf, partsOf, pathOf, placeOf, PRESETS, spanOf, START, toPage, type Place } from './place.ts';

const SEED = 20_261_125;
const words = fc.string({ minLength: 1, maxLength: 30 }).filter((text) => text.isWellFormed());
const place: fc.Arbitrary<Place> = fc.record({
  path: fc.constantFrom('', 'calls', 'spend', pathOf('calls', 'call_1'), pathOf('sessions', 'a/b', 'x y?')),
  window: fc.oneof(
    fc.constantFrom(...(Object.keys(PRESETS) as (keyof typeof PRESETS)[])),
    fc.integer({ min: 0, max: 2e12 }).map((from) => ({ from, to: from + 60_000 })),
  ),
  paused: fc.boolean(),
  asked: fc.dictionary(fc.constantFrom('tenant', 'model', 'q', 'by', 'label'), words),
});

test('the address holds everything: what is read from it is what was written', () => {
  fc.assert(
    fc.property(place, (one) => assert.deepEqual(placeOf(addressOf(one)), { ...one, asked: { ...one.asked } })),
    { seed: SEED },
  );
});

test('any address is a place', () => {
  for (const address of [
    '/console/',
    '/console',
    '/',
    '/console/calls/?window=3y&from=x&to=y',
    '/console/?from=2026-01-02&to=2026-01-01',
  ])
    assert.equal(placeOf(address).window, '24h', address);
  assert.deepEqual(placeOf('/console/'), START);
});

test('another page keeps the window, the tenant and the pause, and leaves the rest', () => {
  const here = placeOf('/console/calls?window=7d&live=off&tenant=acme&outcome=timeout&before=call_1');
  assert.equal(
    addressOf(toPage(here, 'spend', { by: 'model' })),
    '/console/spend?window=7d&live=off&tenant=acme&by=model',
  );
});

test('ids with slashes and percent signs are one part of a path', () => {
  for (const id of ['a/b', '50%', '<b>', 'ü', '.', '..', '~..', '~'])
    assert.deepEqual(partsOf(placeOf(`/console/${pathOf('sessions', id, id)}`).path), ['sessions', id, id]);
});

test('a window has at most 240 bars', () => {
  const steps = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
  for (const length of Object.values(PRESETS)) {
    const span = spanOf({ from: 0, to: length }, 0);
    assert.ok(length / steps[bucketOf(span)] <= 240);
  }
});
