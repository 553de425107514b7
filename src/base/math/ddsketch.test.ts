import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DDSketch } from '@datadog/sketches-js';
import fc from 'fast-check';
import { DdSketch, LARGEST, mergeSketchBytes, RELATIVE_ACCURACY, subtractSketchBytes } from './ddsketch.ts';

const SEED = 20_260_801;
const QUANTILES = [0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1];
const check = (property: Parameters<typeof fc.assert>[0]): void =>
  fc.assert(property as fc.IProperty<unknown>, { seed: SEED, numRuns: 200 });

const duration = fc.oneof(
  fc.constant(0),
  fc.double({ min: 0.001, max: 1e8, noNaN: true }),
  fc.integer({ min: 0, max: 100_000 }),
);
const durations = fc.array(duration, { maxLength: 200 });

function sketchOf(values: readonly number[]): DdSketch {
  const sketch = new DdSketch();
  for (const value of values) sketch.add(value);
  return sketch;
}
const merged = (...sketches: DdSketch[]): DdSketch => {
  const out = new DdSketch();
  for (const sketch of sketches) out.merge(sketch);
  return out;
};

test('every quantile is within 1 % of the sample of its rank', () => {
  check(
    fc.property(durations, (values) => {
      const sketch = sketchOf(values);
      const sorted = values.toSorted((a, b) => a - b);
      for (const q of QUANTILES) {
        const found = sketch.quantile(q);
        if (sorted.length === 0) assert.equal(found, null);
        else assertClose(found!, sorted[Math.floor(q * (sorted.length - 1))]!);
      }
    }),
  );
});

function assertClose(found: number, exact: number): void {
  // One part in a million above the bound for the rounding of log and exp.
  assert.ok(Math.abs(found - exact) <= exact * (RELATIVE_ACCURACY + 1e-6), `${found} for ${exact}`);
}

test('quantiles equal those of the Datadog library', () => {
  check(
    fc.property(fc.array(fc.double({ min: 0.001, max: 1e8, noNaN: true }), { minLength: 1 }), (values) => {
      const judge = new DDSketch({ relativeAccuracy: RELATIVE_ACCURACY });
      for (const value of values) judge.accept(value);
      const ours = sketchOf(values);
      for (const q of QUANTILES) assertWithin(ours.quantile(q)!, judge.getValueAtQuantile(q));
    }),
  );
});

function assertWithin(ours: number, theirs: number): void {
  assert.ok(Math.abs(ours / theirs - 1) < 1e-6, `${ours} against ${theirs}`);
}

test('merge is associative, commutative and the same as adding to one sketch', () => {
  check(
    fc.property(durations, durations, durations, (a, b, c) => {
      const [x, y, z] = [sketchOf(a), sketchOf(b), sketchOf(c)];
      const whole = sketchOf([...a, ...b, ...c]).toText();
      assert.equal(merged(merged(x, y), z).toText(), whole);
      assert.equal(merged(x, merged(z, y)).toText(), whole);
    }),
  );
});

test('text and bytes come back as they were, and subtract undoes merge', () => {
  check(
    fc.property(durations, durations, (a, b) => {
      const [x, y] = [sketchOf(a), sketchOf(b)];
      assert.equal(DdSketch.fromText(x.toText()).toText(), x.toText());
      assert.equal(DdSketch.fromText(x.toText()).count, a.length);
      const both = mergeSketchBytes(x.toBytes(), y.toBytes());
      assert.deepEqual(both, merged(x, y).toBytes());
      assert.deepEqual(subtractSketchBytes(both, y.toBytes()), x.toBytes());
    }),
  );
});

test('nothing measured is null, a zero is a zero', () => {
  assert.equal(new DdSketch().toText(), null);
  assert.equal(new DdSketch().quantile(0.5), null);
  assert.equal(new DdSketch().shareAtMost(5), null);
  assert.equal(sketchOf([0, 0, 0]).quantile(1), 0);
  assert.equal(sketchOf([0, 0, 10]).quantile(0.5), 0);
});

test('values beyond the bounds are clamped, and the sketch stays small', () => {
  assertClose(sketchOf([Infinity]).quantile(1)!, LARGEST);
  assert.equal(sketchOf([1e-9]).quantile(1), 0);
  const everywhere = sketchOf(Array.from({ length: 20_000 }, (_, i) => 10 ** ((i % 1400) / 100 - 4)));
  assert.ok(everywhere.toBytes()!.length < 8_000);
  assert.throws(() => sketchOf([-1]));
  assert.throws(() => sketchOf([NaN]));
});

test('the share at most a limit is monotone and ends at one', () => {
  const sketch = sketchOf([0, 1, 2, 4, 8, 16]);
  assert.deepEqual(
    [-1, 0, 1.5, 5, 100].map((limit) => sketch.shareAtMost(limit)),
    [0, 1 / 6, 2 / 6, 4 / 6, 1],
  );
});

test('bytes that no sketch wrote are refused', () => {
  assert.throws(() => DdSketch.fromBytes(new Uint8Array([9, 0])));
  assert.throws(() => DdSketch.fromBytes(new Uint8Array([1, 0x80])));
  assert.throws(() => DdSketch.fromBytes(new Uint8Array([1, 0, 0x80, 0x80, 0x80, 0x01, 1])));
  assert.throws(() => DdSketch.fromBytes(new Uint8Array([1, ...new Array<number>(12).fill(0xff)])));
});

test('a list of sketches in hexadecimal merges as the sketches do', () => {
  check(
    fc.property(fc.array(durations, { maxLength: 6 }), (lists) => {
      const bytes = lists.map((values) => sketchOf(values).toBytes()).filter((one) => one !== null);
      const read = new DdSketch();
      read.mergeHexList(bytes.map((one) => Buffer.from(one).toString('hex').toUpperCase()).join(','));
      assert.deepEqual(read.toBytes(), merged(...lists.map(sketchOf)).toBytes());
    }),
  );
});

test('a text that no sketch wrote is refused', () => {
  for (const text of ['0', '02', 'zz', '01', '01001', '010080'])
    assert.throws(() => new DdSketch().mergeHexList(text), { name: 'InvariantError' }, text);
});
