import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { SESSION_MS, Sessions, type KeptSession } from './sessions.ts';

interface Shelf {
  kept: readonly KeptSession[];
  now: number;
}

const open = (shelf: Shelf, adminToken = 'hga_one'): Sessions =>
  new Sessions({
    adminToken,
    randomBytes,
    now: () => shelf.now,
    kept: { load: () => shelf.kept, save: (sessions) => void (shelf.kept = sessions) },
  });

test('a session outlives a restart, and what is kept of it opens nothing', () => {
  const shelf: Shelf = { kept: [], now: 1_000 };
  const { id, csrf } = open(shelf).open();
  const text = JSON.stringify(shelf.kept);
  assert.ok(!text.includes(id) && !text.includes(csrf) && !text.includes('hga_one'));
  const later = open(shelf);
  assert.deepEqual(later.find(id), { csrf, expiresAt: 1_000 + SESSION_MS });
  for (const { hash } of shelf.kept) assert.equal(later.find(hash), null);
});

test('it ends with its time, with its logout, and with its token', () => {
  const shelf: Shelf = { kept: [], now: 0 };
  const sessions = open(shelf);
  const [first, second] = [sessions.open(), sessions.open()];
  assert.notEqual(first.csrf, second.csrf);
  sessions.close(first.id);
  assert.equal(sessions.find(first.id), null);
  assert.ok(sessions.find(second.id));
  assert.equal(open(shelf, 'hga_two').find(second.id), null);
  shelf.now = SESSION_MS;
  assert.equal(sessions.find(second.id), null);
});

test('there are at most 256; the oldest login ends first', () => {
  const shelf: Shelf = { kept: [], now: 0 };
  const sessions = open(shelf);
  const first = sessions.open();
  const rest = Array.from({ length: 256 }, () => sessions.open());
  assert.equal(sessions.find(first.id), null);
  assert.ok(rest.every(({ id }) => sessions.find(id)));
  assert.equal(shelf.kept.length, 256);
});
