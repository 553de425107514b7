import assert from 'node:assert/strict';
import { test } from 'node:test';
import { intBetween, seededRng } from '#kernel/rng.ts';
import { FairQueue } from './fair-queue.ts';

const SEED = 20261126;

test('tenants that always wait get their weighted share of tokens, whatever the size of their calls', () => {
  const rng = seededRng(SEED);
  const queue = new FairQueue<number>();
  // Weight and the largest call of each.
  const tenants = Array.from({ length: 50 }, (_, i) => ({
    name: `t${i}`,
    weight: 1 + (i % 4),
    most: 100 * (1 + (i % 7)),
  }));
  const given = new Map(tenants.map(({ name }) => [name, 0]));
  const ask = (i: number): void => {
    const { name, weight, most } = tenants[i]!;
    queue.push(name, weight, intBetween(rng, 1, most));
  };
  tenants.forEach((_, i) => ask(i));
  // One of them floods.
  for (let i = 0; i < 2_000; i++) ask(7);
  let total = 0;
  for (let i = 0; i < 100_000; i++) {
    const { client, work } = queue.pop()!;
    const at = Number(client.slice(1));
    queue.charge(client, tenants[at]!.weight, work);
    given.set(client, given.get(client)! + work);
    total += work;
    ask(at);
  }
  const weights = tenants.reduce((sum, { weight }) => sum + weight, 0);
  for (const { name, weight } of tenants) {
    const share = given.get(name)! / total / (weight / weights);
    assert.ok(Math.abs(share - 1) < 0.01, `seed ${SEED}: ${name} got ${share} of its share`);
  }
});

test('a tenant that floods waits for itself: another gets its turn with the next place', () => {
  const queue = new FairQueue<string>();
  for (let i = 0; i < 1_000; i++) queue.push('greedy', 1, `greedy ${i}`);
  for (let i = 0; i < 10; i++) queue.charge(queue.pop()!.client, 1, 100);
  queue.push('small', 1, 'small');
  const next = [1, 2].map(() => {
    const { client, work } = queue.pop()!;
    queue.charge(client, 1, 100);
    return work;
  });
  assert.ok(next.includes('small'), String(next));
});

test('who was away gets no credit for it, and what others took meanwhile is no debt of theirs', () => {
  const queue = new FairQueue<string>();
  for (let i = 0; i < 300; i++) queue.push('busy', 1, 'busy');
  queue.push('other', 1, 'other');
  for (let i = 0; i < 100; i++) queue.charge(queue.pop()!.client, 1, 100);
  // Nobody but `busy` was there for most of it. From now on both get the same.
  for (let i = 0; i < 100; i++) queue.push('late', 1, 'late');
  const order = Array.from({ length: 60 }, () => {
    const place = queue.pop()!;
    queue.charge(place.client, 1, 100);
    return place.client;
  });
  assert.ok(Math.abs(order.filter((name) => name === 'late').length - 30) <= 1, order.join(' '));
});

test('the oldest of a tenant goes first, and what is taken back is never given', () => {
  const queue = new FairQueue<number>();
  const places = Array.from({ length: 500 }, (_, i) => queue.push('a', 1, i));
  for (const place of places.slice(100, 400)) assert.ok(queue.drop(place));
  assert.equal(queue.drop(places[200]!), false);
  const got: number[] = [];
  for (let place = queue.pop(); place; place = queue.pop()) got.push(place.work);
  assert.deepEqual(got, [...Array(100).keys(), ...Array.from({ length: 100 }, (_, i) => 400 + i)]);
  assert.equal(queue.drop(places[0]!), false);
  assert.equal(queue.size, 0);
  assert.equal(queue.clients, 0, 'nothing is kept of who does not wait');
});

test('against a list that is looked through for the least: the same turns in 20,000 random steps', () => {
  const rng = seededRng(SEED + 1);
  const queue = new FairQueue<number>();
  const counters = new Map<string, number>();
  const waiting: { readonly name: string; readonly work: number; readonly place: object }[] = [];
  const least = (): number => Math.min(...waiting.map(({ name }) => counters.get(name)!));
  for (let step = 0; step < 20_000; step++) {
    const name = `t${intBetween(rng, 0, 19)}`;
    const dice = rng.next();
    if (dice < 0.45) {
      const known = counters.get(name);
      if (waiting.length === 0) counters.set(name, known ?? 0);
      else if (!waiting.some((one) => one.name === name)) counters.set(name, Math.max(known ?? 0, least()));
      waiting.push({ name, work: step, place: queue.push(name, 1, step) });
    } else if (dice < 0.8) {
      const place = queue.pop();
      if (waiting.length === 0) {
        assert.equal(place, null);
        continue;
      }
      assert.equal(counters.get(place!.client), least(), `seed ${SEED + 1}, step ${step}`);
      const at = waiting.findIndex((one) => one.name === place!.client);
      assert.equal(waiting[at]!.work, place!.work);
      waiting.splice(at, 1);
      if (waiting.length === 0) counters.clear();
    } else if (dice < 0.95) {
      const tokens = intBetween(rng, 1, 50);
      queue.charge(name, 1, tokens);
      if (waiting.length > 0) counters.set(name, (counters.get(name) ?? least()) + tokens);
    } else if (waiting.length > 0) {
      const at = intBetween(rng, 0, waiting.length - 1);
      assert.ok(queue.drop(waiting[at]!.place as never));
      waiting.splice(at, 1);
      if (waiting.length === 0) counters.clear();
    }
    assert.equal(queue.size, waiting.length);
  }
});
