import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { deliveryOf, TOLERANCE_MS, type Delivery } from './delivery.ts';
import type { StreamSample } from './sample.ts';

const EVENTS = 8;
const EVERY = 300;
const SENT = Array.from({ length: EVENTS }, (_, n) => n * EVERY);
const LAST = SENT.at(-1)!;

/** A stream whose event `n` comes at `got(sent)`. */
const sampleOf = (got: (sentMs: number, n: number) => number, more: Partial<StreamSample> = {}): StreamSample => ({
  ...{ status: 200, httpVersion: '1.1', headersMs: 1, contentEncoding: null, beats: [], end: 'complete', endMs: LAST },
  ...{ events: SENT.map((sentMs, n) => ({ sentMs, gotMs: got(sentMs, n) })), code: null },
  ...more,
});
const of = (samples: readonly StreamSample[], roundTripMs: number | null = null): Delivery =>
  deliveryOf(samples, { expected: EVENTS, roundTripMs });

/** What a busy machine does: it holds events back, and brings none early. Less than half the tolerance. */
const jitter = fc.array(fc.double({ min: 0, max: TOLERANCE_MS / 2.5, noNaN: true }), {
  minLength: EVENTS,
  maxLength: EVENTS,
});
const wayMs = fc.double({ min: 0, max: 400, noNaN: true });

test('a way that holds nothing streams, however long it is and however events jitter', () => {
  fc.assert(
    fc.property(wayMs, jitter, (way, noise) => {
      const delivery = of([sampleOf((sent, n) => way + sent + noise[n]!)]);
      assert.equal(delivery.kind, 'streams');
      assert.ok(delivery.worstHeldMs! <= TOLERANCE_MS);
    }),
  );
});

test('one sample that a stall tore does not count beside one that it did not', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: EVENTS - 1 }), fc.integer({ min: 200, max: 3_000 }), (from, stall) => {
      const clean = sampleOf((sent) => sent);
      const torn = sampleOf((sent, n) => (n < from ? sent : Math.max(sent, SENT[from]! + stall)));
      const { kind } = of([torn, clean]);
      // A stall from the first event to the last is what a hop does that holds the whole.
      assert.ok(kind === 'streams' || (kind === 'mixed' && from === 0 && stall >= LAST));
    }),
  );
});

test('what comes after the last event was sent is held whole', () => {
  fc.assert(
    fc.property(wayMs, jitter, (way, noise) => {
      const delivery = of([sampleOf((_, n) => way + LAST + noise[0]! + n * 0.1)]);
      assert.equal(delivery.kind, 'whole');
      assert.equal(delivery.bursts, 1);
      assert.ok(Math.abs(delivery.firstHeldMs! - LAST) < 5);
    }),
  );
});

test('a timer of a hop is a constant offset, and its length is found', () => {
  fc.assert(
    fc.property(fc.integer({ min: 150, max: 290 }), wayMs, (timer, way) => {
      const held = (sent: number, n: number): number => way + sent + (n === EVENTS - 1 ? 0 : timer);
      const delivery = of([sampleOf(held)]);
      assert.equal(delivery.kind, 'offset');
      assert.ok(Math.abs(delivery.firstHeldMs! - timer) < 1);
    }),
  );
});

test('a buffer that fills is told from a timer: events come in groups', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 4 }), (size) => {
      const due = (n: number): number => SENT[Math.min(EVENTS - 1, Math.ceil((n + 1) / size) * size - 1)]!;
      const delivery = of([sampleOf((_, n) => due(n))]);
      assert.equal(delivery.kind, 'batches');
      assert.equal(delivery.bursts, Math.ceil(EVENTS / size));
    }),
  );
});

test('a hop that looks at the first bytes holds the first events alone', () => {
  const { kind, firstHeldMs } = of([sampleOf((sent, n) => (n < 3 ? SENT[2]! : sent))]);
  assert.equal(kind, 'first_held');
  assert.equal(firstHeldMs, 600);
});

test('a constant delay is seen where the round trip is known, and is no verdict where it is not', () => {
  fc.assert(
    fc.property(fc.integer({ min: TOLERANCE_MS + 1, max: 5_000 }), fc.integer({ min: 0, max: 200 }), (late, trip) => {
      const samples = [sampleOf((sent) => sent + trip + late)];
      assert.equal(of(samples, trip).kind, 'late');
      assert.ok(Math.abs(of(samples, trip).addedMs! - late) < 1e-6);
      assert.equal(of(samples).kind, 'streams');
    }),
  );
});

test('the order of samples does not matter, nor does a sample that is there twice', () => {
  const got = fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: EVENTS, maxLength: EVENTS });
  fc.assert(
    fc.property(fc.array(got, { minLength: 1, maxLength: 4 }), (lags) => {
      const samples = lags.map((lag) => sampleOf((sent, n) => sent + lag[n]!));
      assert.deepEqual(of(samples), of(samples.toReversed()));
      const [kind] = [of(samples).kind];
      assert.equal(of([...samples, ...samples]).kind, kind);
    }),
  );
});

test('a shift of the whole stream changes no verdict and no figure but the added delay', () => {
  const lagsOf = fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: EVENTS, maxLength: EVENTS });
  fc.assert(
    fc.property(lagsOf, fc.integer({ min: 0, max: 500 }), (lags, shift) => {
      const [here, there] = [0, shift].map((by) => of([sampleOf((sent, n) => sent + lags[n]! + by)]));
      assert.deepEqual({ ...there, headersMs: null }, { ...here, headersMs: null });
    }),
  );
});

test('some streams whole, others not: mixed', () => {
  assert.equal(of([sampleOf(() => LAST), sampleOf((sent) => sent)]).kind, 'mixed');
});

test('where streams break, it says how', () => {
  const short = (end: StreamSample['end'], count: number): StreamSample => {
    const whole = sampleOf((sent) => sent);
    return { ...whole, events: whole.events.slice(0, count), end };
  };
  assert.equal(of([short('aborted', 3), short('aborted', 3)]).kind, 'cut');
  assert.equal(of([short('clean', 3), short('clean', 5)]).kind, 'cut');
  assert.equal(of([short('bound', 3)]).kind, 'stalls');
  assert.equal(of([short('bound', 0)]).kind, 'nothing');
  assert.equal(of([{ ...short('refused', 0), status: null }]).kind, 'unknown');
  assert.equal(of([]).kind, 'unknown');
});
