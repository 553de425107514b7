import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { CallId, FeatureName, TenantId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { answerKey } from '#ports/answer-cache.ts';
import { CUT_SHORT, type Flight, type Follower } from './flight.ts';
import { Flights } from './flights.ts';

const id = (n: number): CallId => `call_${n}` as CallId;
const key = (tenant: string, digest = 'd') => answerKey(tenant as TenantId, 'search' as FeatureName, digest);
const failure = { thrown: new HeadgateError('provider_error') };

/** Reads as far as it is let, and writes down what it got. */
class Reader implements Follower {
  readonly id: CallId;
  readonly #flight: Flight;
  at = 0;
  text = '';
  paused = false;
  told: string[] = [];

  constructor(flight: Flight, n: number) {
    this.id = id(n);
    this.#flight = flight;
  }
  more(): void {
    if (this.paused) return;
    for (let piece = this.#flight.piece(this.at); piece; piece = this.#flight.piece(this.at)) {
      this.text += piece.bytes.toString();
      this.at += 1;
    }
    if (this.#flight.end) this.told.push(this.#flight.end.kind);
  }
  takeOver(how: 'lead' | 'alone'): void {
    this.told.push(how);
  }
  lost(): void {
    this.told.push('lost');
  }
}

const roomy = { totalBytes: 1_000_000, tenantBytes: 1_000_000 };
const piece = (text: string) => ({ bytes: Buffer.from(text), tellsUsage: false });

test('whoever comes, and whenever, reads the whole from its start, or is told that it cannot', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string({ minLength: 1, maxLength: 40 }), fc.constantFrom('join', 'pause', 'go')), {
        maxLength: 60,
      }),
      (steps) => {
        const flights = new Flights(() => roomy);
        const flight = flights.lead(key('a'), id(0), 200)!;
        const readers: Reader[] = [];
        let text = '';
        for (const step of steps) {
          if (step === 'join') {
            const open = flights.find(key('a'));
            if (open === null) continue;
            readers.push(new Reader(flight, readers.length + 1));
            flight.join(readers.at(-1)!);
            readers.at(-1)!.more();
          } else if (step === 'pause' && readers.length > 0) readers.at(-1)!.paused = true;
          else if (step === 'go') for (const reader of readers) [(reader.paused = false), reader.more()];
          else {
            flight.take(piece(step));
            flight.open([]);
            text += step;
            // No more is here than who reads slowest may be behind.
            assert.ok(flights.bytes <= 200 + 40, String(flights.bytes));
          }
        }
        for (const reader of readers) reader.paused = false;
        flight.land(CUT_SHORT);
        for (const reader of readers) {
          if (reader.told.includes('lost')) assert.ok(text.startsWith(reader.text));
          else assert.equal(reader.text, text);
          flight.leave(reader);
        }
        assert.deepEqual([flights.size, flights.bytes, flights.find(key('a'))], [0, 0, null]);
      },
    ),
    { numRuns: 500, seed: 20261127 },
  );
});

test('a leader that fails before its first piece has one successor at a time, and two in all', () => {
  const flights = new Flights(() => roomy);
  const flight = flights.lead(key('a'), id(0), 200)!;
  const readers = [1, 2, 3, 4].map((n) => new Reader(flight, n));
  for (const reader of readers) flight.join(reader);
  for (const leader of [0, 1]) {
    flight.take(piece('of an attempt that comes to nothing'));
    flight.failed(id(leader), failure, false);
    flight.failed(id(leader), failure, false);
    flight.handOver(id(leader));
    assert.equal(flight.leader, id(leader + 1), 'who has led has no say any more');
  }
  flight.failed(id(2), failure, false);
  assert.deepEqual(
    readers.map(({ told, text }) => [...told, text]),
    [
      ['lead', ''],
      ['lead', ''],
      ['failed', ''],
      ['failed', ''],
    ],
  );
  assert.equal(flights.find(key('a')), null);
});

test('a failure of the request is everybody’s at once, and one in the middle of an answer too', () => {
  const flights = new Flights(() => roomy);
  const early = flights.lead(key('a', '1'), id(0), 200)!;
  const [first, second] = [new Reader(early, 1), new Reader(early, 2)];
  for (const reader of [first, second]) early.join(reader);
  early.failed(id(0), failure, true);
  assert.deepEqual([first.told, second.told], [['failed'], ['failed']]);
  const late = flights.lead(key('a', '2'), id(0), 200)!;
  const reader = new Reader(late, 1);
  late.join(reader);
  late.take(piece('x'));
  late.open([]);
  late.handOver(id(0));
  assert.deepEqual([reader.text, reader.told], ['x', ['broken']]);
});

test('a name is found by its tenant alone, and once', () => {
  const flights = new Flights(() => roomy);
  assert.ok(flights.lead(key('a'), id(0), 200));
  assert.equal(flights.lead(key('a'), id(1), 200), null);
  assert.equal(flights.find(key('b')), null);
  assert.ok(flights.lead(key('b'), id(2), 200));
});

test('flights are bounded by number and bytes, of a tenant and in all; a call beyond them asks for itself', () => {
  const flights = new Flights(() => ({ totalBytes: 1_000, tenantBytes: 300 }));
  const flight = flights.lead(key('a'), id(0), 100_000)!;
  flight.take(piece('x'.repeat(299)));
  assert.ok(flights.find(key('a')));
  flight.take(piece('xx'));
  assert.equal(flights.find(key('a')), null, 'nobody joins it any more');
  flight.open([]);
  assert.equal(flights.bytes, 0, 'what nobody waits for is not kept');
  let led = 0;
  while (flights.lead(key('a', String(led)), id(led), 100)) led += 1;
  assert.equal(led, 2_000);
  assert.ok(flights.lead(key('b'), id(0), 100));
  const crowd = flights.find(key('b'))!;
  for (let n = 0; n < 1_000; n++) crowd.join(new Reader(crowd, n));
  assert.equal(flights.find(key('b')), null);
});

test('the last follower that leaves tells a leader whose client has gone', () => {
  const flights = new Flights(() => roomy);
  const flight = flights.lead(key('a'), id(0), 200)!;
  const readers = [new Reader(flight, 1), new Reader(flight, 2)];
  for (const reader of readers) flight.join(reader);
  let told = 0;
  flight.onUnread(() => (told += 1));
  flight.leave(readers[0]!);
  assert.equal(told, 0);
  flight.leave(readers[1]!);
  assert.equal(told, 1);
});
