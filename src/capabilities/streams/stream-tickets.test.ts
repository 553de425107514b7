import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallId, KeyId } from '#kernel/brand.ts';
import { StreamTickets, TICKET_MS, type StreamTicket } from './stream-tickets.ts';

const ticketOf = (key: string): StreamTicket => ({ stream: 'call_1' as CallId, key: key as KeyId });

function made(): { tickets: StreamTickets; pass(ms: number): void } {
  let now = 5;
  return { tickets: new StreamTickets({ mono: () => now }), pass: (ms) => void (now += ms) };
}

test('a ticket opens once', () => {
  const { tickets } = made();
  tickets.add('a', ticketOf('k'));
  assert.equal(tickets.redeem('b'), null);
  assert.equal(tickets.redeem('a')?.stream, 'call_1');
  assert.equal(tickets.redeem('a'), null);
});

test('after its time it opens nothing', () => {
  const { tickets, pass } = made();
  tickets.add('a', ticketOf('k'));
  tickets.add('b', ticketOf('k'));
  pass(TICKET_MS - 1);
  assert.ok(tickets.redeem('a'));
  pass(1);
  assert.equal(tickets.redeem('b'), null);
});

test('a key has a bounded number, and room again when they are used or over', () => {
  const { tickets, pass } = made();
  let count = 0;
  while (tickets.add(`of k ${count}`, ticketOf('k'))) count++;
  assert.equal(count, 1_024);
  assert.ok(tickets.add('of another', ticketOf('l')));
  tickets.redeem('of k 3');
  assert.ok(tickets.add('one more', ticketOf('k')));
  assert.ok(!tickets.add('and one', ticketOf('k')));
  pass(TICKET_MS);
  assert.ok(tickets.add('later', ticketOf('k')));
});

test('the process has a bounded number too', () => {
  const { tickets } = made();
  let count = 0;
  while (tickets.add(`t${count}`, ticketOf(`k${count >> 9}`))) count++;
  assert.equal(count, 65_536);
});
