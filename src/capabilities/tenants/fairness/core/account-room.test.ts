import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AccountRoom } from './account-room.ts';

const tokens = (remaining: number, resetMs: number | null = null) => [
  { unit: 'tokens' as const, limit: 6_000, remaining, resetMs },
];

test('an account of which nothing is known has room', () => {
  assert.equal(new AccountRoom().waitFor({ input: 1e9, output: 1e9 }, 0), 0);
});

test('what was sent is gone until an answer tells of it, and what is left comes back with time', () => {
  const room = new AccountRoom();
  const cost = { input: 400, output: 600 };
  room.learn(tokens(2_000), 0);
  room.sent(cost);
  room.sent(cost);
  // 6,000 a minute are 100 a second.
  assert.equal(room.waitFor(cost, 0), 10_000);
  assert.equal(room.waitFor(cost, 4_000), 6_000);
  room.learn(tokens(1_000), 4_000);
  room.over(cost);
  assert.equal(room.waitFor(cost, 4_000), 10_000, 'one is still on its way');
  room.over(cost);
  assert.equal(room.waitFor(cost, 4_000), 0);
});

test('the time until it is full says how fast it fills', () => {
  const room = new AccountRoom();
  // 6,000 in ten seconds.
  room.learn(tokens(0, 10_000), 0);
  assert.equal(room.waitFor({ input: 600, output: 0 }, 0), 1_000);
});

test('a call larger than the limit waits for all of it, and never for ever', () => {
  const room = new AccountRoom();
  room.learn(tokens(0), 0);
  assert.equal(room.waitFor({ input: 50_000, output: 0 }, 0), 60_000);
  assert.equal(room.waitFor({ input: 50_000, output: 0 }, 60_000), 0);
});

test('a refusal closes the account for the wait that it asks, whatever else is known; an old statement opens it', () => {
  const room = new AccountRoom();
  room.refused(3_000, 0);
  assert.equal(room.waitFor({ input: 1, output: 0 }, 1_000), 2_000);
  assert.equal(room.waitFor({ input: 1, output: 0 }, 3_000), 0);
  room.learn([{ unit: 'requests', limit: 1, remaining: 0, resetMs: 86_400_000 }], 3_000);
  assert.ok(room.waitFor({ input: 1, output: 0 }, 4_000) > 60_000);
  assert.equal(room.waitFor({ input: 1, output: 0 }, 4_000 + 300_000), 0, 'who has said nothing for five minutes');
});
