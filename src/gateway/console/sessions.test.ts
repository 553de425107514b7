import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import type { TenantId } from '#kernel/brand.ts';
import { OPERATOR } from '#capabilities/tenants/routes.ts';
import type { Holder } from '../holders.ts';
import { SESSION_MS, Sessions, type KeptSession } from './sessions.ts';

interface Shelf {
  kept: readonly KeptSession[];
  now: number;
}

const holderOf = (ref: string, more: Partial<Holder> = {}): Holder => ({
  ...{ ref, id: ref, name: ref, access: OPERATOR, expiresAt: null },
  ...more,
});
const ONE = holderOf('tok_one');
const TENANT = holderOf('tok_acme', { access: { scope: 'tenant', tenant: 'acme' as TenantId } });

/** `alive`: tokens that are neither revoked nor over. */
const open = (shelf: Shelf, alive: ReadonlyMap<string, Holder> = aliveOf(ONE, TENANT)): Sessions =>
  new Sessions({
    holders: { ofRef: (ref) => alive.get(ref) ?? null },
    randomBytes,
    now: () => shelf.now,
    kept: { load: () => shelf.kept, save: (sessions) => void (shelf.kept = sessions) },
  });
const aliveOf = (...holders: readonly Holder[]): Map<string, Holder> =>
  new Map(holders.map((holder) => [holder.ref, holder]));

test('a session outlives a restart, and what is kept of it opens nothing', () => {
  const shelf: Shelf = { kept: [], now: 1_000 };
  const { id, csrf } = open(shelf).open(ONE);
  const text = JSON.stringify(shelf.kept);
  assert.ok(!text.includes(id) && !text.includes(csrf));
  const later = open(shelf);
  assert.deepEqual(later.find(id), { csrf, expiresAt: 1_000 + SESSION_MS, holder: ONE });
  for (const { hash } of shelf.kept) assert.equal(later.find(hash), null);
});

test('it ends with its time, with its logout, and with its token', () => {
  const shelf: Shelf = { kept: [], now: 0 };
  const sessions = open(shelf);
  const [first, second] = [sessions.open(ONE), sessions.open(ONE)];
  assert.notEqual(first.csrf, second.csrf);
  sessions.close(first.id);
  assert.equal(sessions.find(first.id), null);
  assert.ok(sessions.find(second.id));
  assert.equal(open(shelf, aliveOf(TENANT)).find(second.id), null);
  shelf.now = SESSION_MS;
  assert.equal(sessions.find(second.id), null);
});

test('a token that is revoked ends its sessions at once and for good, and no others', () => {
  const shelf: Shelf = { kept: [], now: 0 };
  const alive = aliveOf(ONE, TENANT);
  const sessions = open(shelf, alive);
  const [operator, tenant] = [sessions.open(ONE), sessions.open(TENANT)];
  alive.delete(TENANT.ref);
  assert.equal(sessions.find(tenant.id), null);
  assert.equal(sessions.find(operator.id)?.holder, ONE);
  sessions.open(ONE);
  assert.ok(!JSON.stringify(shelf.kept).includes(TENANT.ref), 'the next login clears it away');
});

test('it lasts no longer than its token, and has what the token opens now', () => {
  const shelf: Shelf = { kept: [], now: 0 };
  const short = holderOf('tok_short', { expiresAt: 60_000 });
  const sessions = open(shelf, aliveOf(short));
  const { id, expiresAt } = sessions.open(short);
  assert.equal(expiresAt, 60_000);
  shelf.now = 60_000;
  assert.equal(sessions.find(id), null);
});

test('there are at most 256; the oldest login ends first', () => {
  const shelf: Shelf = { kept: [], now: 0 };
  const sessions = open(shelf);
  const first = sessions.open(ONE);
  const rest = Array.from({ length: 256 }, () => sessions.open(ONE));
  assert.equal(sessions.find(first.id), null);
  assert.ok(rest.every(({ id }) => sessions.find(id)));
  assert.equal(shelf.kept.length, 256);
});

test('a token that logs in without end throws out its own sessions and nobody else’s', () => {
  const shelf: Shelf = { kept: [], now: 0 };
  const sessions = open(shelf);
  const operator = sessions.open(ONE);
  const tenants = Array.from({ length: 1_000 }, () => sessions.open(TENANT));
  assert.ok(sessions.find(operator.id));
  assert.equal(sessions.find(tenants[0]!.id), null);
  assert.ok(sessions.find(tenants.at(-1)!.id));
  assert.equal(shelf.kept.length, 256);
});
