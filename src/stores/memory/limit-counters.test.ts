import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochMs, type TenantId } from '#kernel/brand.ts';
import { tenantKey } from '#kernel/whose.ts';
import { limitCountersContract } from '#ports/limit-counters.contract.ts';
import { MemoryLimitCounters } from './limit-counters.ts';

limitCountersContract({ name: 'memory', open: async () => new MemoryLimitCounters() });

const window = { spanMs: 60_000, stepMs: 1_000 };
const one = (set: string, limit = 10) => ({
  set: tenantKey('acme' as TenantId, 'key', set),
  lines: [{ name: 'l', window, limit, measure: 0, lane: 0 }],
});

test('sets are bounded: what counts nothing goes first, then the longest unused, never what a call holds', () => {
  const counters = new MemoryLimitCounters(100);
  const start = 1_000_000;
  const use = (set: string, now: number): void => {
    const taken = counters.take([one(set)], [1], epochMs(now));
    if (taken.ok) counters.settle(taken.value, [1], epochMs(now));
  };
  const held = counters.take([one('held')], [1], epochMs(start));
  assert.ok(held.ok);
  for (let i = 0; i < 50; i++) use(`old${i}`, start);
  const later = epochMs(start + 61_000);
  const counted = counters.take([one('counted', 1)], [1], later);
  assert.ok(counted.ok);
  counters.settle(counted.value, [1], later);
  for (let i = 0; i < 60; i++) use(`new${i}`, later);
  assert.ok(counters.size <= 101, `${counters.size}`);
  // Idle sets made the room, so that no count was lost.
  assert.ok(!counters.take([one('counted', 1)], [1], later).ok);
  for (let i = 0; i < 1_000; i++) counters.take([one(`open${i}`)], [1], later);
  assert.ok(counters.size >= 1_000, 'calls in flight keep theirs');
  counters.release(held.value, later);
});

test('a call that needs sets at the bound holds those that it found', () => {
  const counters = new MemoryLimitCounters(10);
  const now = epochMs(1_000_000);
  const shared = one('shared', 1_000);
  for (let i = 0; i < 200; i++) {
    const taken = counters.take([shared, one(`user${i}`)], [1], now);
    assert.ok(taken.ok);
    counters.settle(taken.value, [1], now);
    assert.equal(counters.read([shared], now)[0]![0]!.used, i + 1);
  }
  assert.ok(counters.size <= 12, `${counters.size}`);
});

test('ten thousand tenants of which nine thousand are idle', () => {
  const counters = new MemoryLimitCounters();
  const heap = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  const before = heap();
  let now = 1_000_000;
  for (let i = 0; i < 10_000; i++) counters.take([one(`tenant${i}`)], [1], epochMs(now));
  for (let minute = 0; minute < 3; minute++)
    for (let i = 0; i < 1_000; i++) {
      now += 60;
      const taken = counters.take([one(`tenant${i}`)], [1], epochMs(now));
      if (taken.ok) counters.settle(taken.value, [1], epochMs(now));
    }
  assert.equal(counters.size, 10_000);
  assert.ok(heap() - before < 40_000_000, `${(heap() - before) / 1e6} MB`);
});
