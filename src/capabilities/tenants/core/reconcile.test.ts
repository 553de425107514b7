import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { epochMs, type TeamId, type TenantId } from '#kernel/brand.ts';
import { nanoUsd } from '#kernel/money.ts';
import { hashesOf } from '#ports/state-changes.ts';
import type { ApiKey, Budget, StateSnapshot } from '#ports/state-store.ts';
import { isDeclared, type Declared, type DeclaredBudget, type DeclaredKey, type DeclaredLimit } from './declared.ts';
import { reconcile } from './reconcile.ts';

type Held = Pick<StateSnapshot, 'tenants' | 'teams' | 'keys' | 'budgets' | 'limits' | 'layers'>;
const EMPTY: Held = { tenants: [], teams: [], keys: [], budgets: [], limits: [], layers: [] };
const RIGHTS = { features: [], endUser: false, session: true, agent: true, purpose: true, labels: [] };

const tenantOf = (id: string, disabled = false): Declared['tenants'][number] => ({
  path: `tenants.${id}`,
  id: id as TenantId,
  name: id,
  costExpose: null,
  plan: null,
  disabled,
});
const keyOf = (name: string, tenant: string, secret: string, fields: Partial<DeclaredKey> = {}): DeclaredKey => ({
  path: `keys.${name}`,
  tenant: tenant as TenantId,
  team: null,
  name,
  owner: null,
  expiresAt: null,
  models: null,
  rights: RIGHTS,
  defaultFeature: null,
  defaultLabels: {},
  operator: false,
  hash: `hash of ${secret}`,
  hint: '',
  overlapMs: 0,
  ...fields,
});
const budgetOf = (
  name: string,
  scope: Pick<DeclaredBudget, 'level' | 'tenant' | 'subject'>,
  usd: number,
): DeclaredBudget => ({
  path: `budgets.${name}`,
  name,
  ...scope,
  settings: {
    limitNanoUsd: nanoUsd(BigInt(usd) * 1_000_000_000n),
    window: { kind: 'calendar', unit: 'month', timeZone: 'UTC' },
    mode: 'bounded',
    endWhenSpent: false,
    warnAt: [0.8],
    unknownPriceNanoUsd: null,
    contact: null,
  },
});

const limitOf = (
  name: string,
  { level, unit }: { level: 'key' | 'tenant'; unit: 'requests' | 'concurrency' },
  limit: number,
): Declared['limits'][number] => ({
  path: `usageLimits.${name}`,
  name,
  level,
  tenant: name as TenantId,
  subject: null,
  settings: { unit, window: unit === 'requests' ? 'minute' : null, limit, contact: null },
});

const layerOf = (tenant: string, greeting: string): Declared['layers'][number] => ({
  path: `layers.${tenant}`,
  scope: { level: 'tenant', tenant: tenant as TenantId },
  subject: null,
  settings: {
    template: null,
    values: { greeting },
    aliases: {},
    tools: null,
    parameters: {},
    regions: null,
    ownKeys: [],
    locks: [],
  },
});

let made = 0;
const options = (at: number) => ({
  now: epochMs(at),
  newSecret: () => `secret ${++made}`,
  newId: (prefix: string) => `${prefix}${++made}`,
  author: 'a test',
});

/** The state after all changes of a plan, as a store would hold it. */
function applied(held: Held, wanted: Declared, at: number): Held {
  const rows = new Map(
    Object.entries(held).map(([kind, all]) => [
      kind,
      new Map((all as readonly { readonly id: string }[]).map((row) => [row.id, row])),
    ]),
  );
  const { steps, refusals } = reconcile(held, wanted, options(at));
  assert.deepEqual(refusals, []);
  for (const change of steps.flatMap(({ changes }) => changes))
    if ('remove' in change) rows.get(`${change.remove}s`)!.delete(change.id);
    else rows.get(`${change.put}s`)!.set(change.value.id, change.value);
  return Object.fromEntries([...rows].map(([kind, all]) => [kind, [...all.values()]])) as unknown as Held;
}

/** A key's secret and tenant follow from its name: whatever is drawn, the file is good and no key changes its tenant. */
function declaredWith(names: readonly string[]): fc.Arbitrary<Declared> {
  const name = fc.constantFrom(...names);
  const subset = fc.subarray([...names]);
  const drawn = fc.record({
    tenants: subset,
    disabled: subset,
    teams: subset,
    keys: fc.uniqueArray(fc.record({ name, version: fc.nat(2), overlapMs: fc.constantFrom(0, 150) }), {
      selector: (key) => key.name,
    }),
    budgets: fc.uniqueArray(fc.record({ name, usd: fc.nat(3), each: fc.boolean() }), {
      selector: (budget) => budget.name,
    }),
    limits: fc.uniqueArray(
      fc.record({
        name,
        level: fc.constantFrom('key' as const, 'tenant' as const),
        unit: fc.constantFrom('requests' as const, 'concurrency' as const),
        limit: fc.nat(3),
      }),
      { selector: (limit) => limit.name },
    ),
    layers: subset,
    greeting: fc.constantFrom('hello', 'good day'),
  });
  return drawn.map(({ tenants, disabled, teams, keys, budgets, limits, layers, greeting }) => ({
    limits: limits.map(({ name: of, limit, ...counted }) => limitOf(of, counted, limit)),
    layers: layers.map((id) => layerOf(id, greeting)),
    tenants: tenants.map((id) => tenantOf(id, disabled.includes(id))),
    teams: teams.filter((id) => tenants.includes(id)).map(coreOf),
    keys: keys.map((key) => keyOf(key.name, key.name, `${key.name}${key.version}`, { overlapMs: key.overlapMs })),
    budgets: budgets.map(({ name: of, usd, each }) =>
      budgetOf(of, { level: each ? 'key' : 'tenant', tenant: of as TenantId, subject: null }, usd),
    ),
  }));
}

const coreOf = (tenant: string): Declared['teams'][number] => ({
  path: `tenants.${tenant}.teams.core`,
  id: `${tenant}.core` as TeamId,
  tenant: tenant as TenantId,
  name: 'core',
  disabled: false,
});

const declaredArb = declaredWith(['a', 'b', 'c', 'd']);

test('after any sequence of files the state is as the last one says, and the same file again is no change', () => {
  fc.assert(
    fc.property(fc.array(declaredArb, { minLength: 1, maxLength: 6 }), (files) => {
      let held = EMPTY;
      files.forEach((file, i) => (held = applied(held, file, 100 * (i + 1))));
      const last = files.at(-1)!;
      assert.deepEqual(reconcile(held, last, options(10_000)).steps, []);
      for (const kind of ['tenants', 'teams', 'keys', 'budgets', 'limits', 'layers'] as const) {
        const there = held[kind].filter(isDeclared).map(({ declared }) => declared!.path);
        assert.deepEqual(there.toSorted(), last[kind].map(({ path }) => path).toSorted());
      }
      for (const row of held.keys) assert.equal(row.revokedAt === null, isDeclared(row), row.id);
      for (const row of held.tenants) if (!isDeclared(row)) assert.notEqual(row.disabledAt, null);
      for (const row of held.teams) if (!isDeclared(row)) assert.notEqual(row.disabledAt, null);
      assert.ok([...held.budgets, ...held.limits, ...held.layers].every(isDeclared));
      for (const { name, level, tenant, settings } of last.limits) {
        const { scope, ...row } = held.limits.find(({ declared }) => declared!.path === `usageLimits.${name}`)!;
        assert.deepEqual({ scope, ...settings }, { scope: { level, tenant, id: null }, ...pick(row) });
      }
      const hashes = held.keys.flatMap(hashesOf);
      assert.equal(new Set(hashes).size, hashes.length, 'no secret opens two keys');
    }),
  );
});

const pick = ({ unit, window, limit, contact }: DeclaredLimit['settings']) => ({ unit, window, limit, contact });

test('what comes back has its id, its secret for end users and its time of creation', () => {
  fc.assert(
    fc.property(declaredArb, declaredArb, (first, second) => {
      const before = applied(EMPTY, first, 100);
      const after = applied(applied(before, second, 200), first, 300);
      for (const kind of ['tenants', 'keys'] as const)
        for (const row of before[kind]) {
          const again = after[kind].find(({ declared }) => declared!.path === row.declared!.path)!;
          assert.deepEqual([again.id, again.createdAt], [row.id, row.createdAt]);
          if ('secret' in row) assert.equal((again as typeof row).secret, row.secret);
        }
    }),
  );
});

test('rows of the API stay as they are', () => {
  fc.assert(
    fc.property(declaredWith(['p', 'q', 'r']), declaredArb, (theirs, wanted) => {
      const plain = <T extends object>({ declared: _, ...row }: T & { declared?: unknown }) => row;
      const rows = Object.entries(applied(EMPTY, theirs, 50)).map(([kind, all]) => [kind, all.map(plain)]);
      const held = Object.fromEntries(rows) as Held;
      const after = applied(held, wanted, 100);
      for (const kind of ['tenants', 'teams', 'keys', 'budgets', 'limits'] as const)
        for (const row of held[kind])
          assert.deepEqual(
            after[kind].find(({ id }) => id === row.id),
            row,
          );
    }),
  );
});

const file = (parts: Partial<Declared>): Declared => ({
  tenants: [tenantOf('a'), tenantOf('b')],
  teams: [],
  keys: [],
  budgets: [],
  limits: [],
  layers: [],
  ...parts,
});
const refusals = (held: Held, wanted: Declared): string[] =>
  reconcile(held, wanted, options(500)).refusals.map(({ message }) => message);

test('two keys of the file may exchange their secrets', () => {
  const held = applied(EMPTY, file({ keys: [keyOf('x', 'a', '1'), keyOf('y', 'a', '2')] }), 100);
  const after = applied(held, file({ keys: [keyOf('x', 'a', '2'), keyOf('y', 'a', '1')] }), 200);
  const hashOf = (state: Held, path: string) => state.keys.find(({ declared }) => declared!.path === path)!;
  assert.equal(hashOf(after, 'keys.x').id, hashOf(held, 'keys.x').id);
  assert.equal(hashOf(after, 'keys.x').hash, 'hash of 2');
});

test('a key never changes its tenant, and a secret opens one key', () => {
  const held = applied(EMPTY, file({ keys: [keyOf('x', 'a', '1')] }), 100);
  assert.match(refusals(held, file({ keys: [keyOf('x', 'b', '1')] }))[0]!, /of tenant `a`.*never changes/);
  assert.match(refusals(held, file({ keys: [keyOf('y', 'b', '1')] }))[0]!, /of tenant `a`.*never changes/);
  const [key] = held.keys;
  const byApi: ApiKey = { ...key!, previous: [{ hash: 'hash of 0', until: epochMs(9_999) }] };
  const { declared: _, ...plain } = byApi;
  assert.match(
    refusals({ ...held, keys: [plain] }, file({ keys: [keyOf('z', 'b', '0')] }))[0]!,
    /has this secret, or had it/,
  );
});

test('a name may go to a key of another tenant: the one before ends', () => {
  const held = applied(EMPTY, file({ keys: [keyOf('x', 'a', '1')] }), 100);
  const after = applied(held, file({ keys: [keyOf('x', 'b', '2')] }), 200);
  assert.deepEqual(
    after.keys.map(({ tenant, revokedAt }) => [tenant, revokedAt]),
    [
      ['a', 200],
      ['b', null],
    ],
  );
});

test('a name that two live keys of the tenant have takes over neither', () => {
  const one = applied(EMPTY, file({ keys: [keyOf('x', 'a', '1'), keyOf('y', 'a', '2', { name: 'x' })] }), 100);
  const keys = one.keys.map(({ declared: _, ...key }) => key);
  const { steps } = reconcile({ ...one, keys }, file({ keys: [keyOf('x', 'a', '3')] }), options(200));
  assert.deepEqual(
    steps.map(({ action, takenOver }) => [action, takenOver]),
    [['key.create', false]],
  );
});

test('a budget of another scope is counted anew', () => {
  const tenantA = { level: 'tenant', tenant: 'a' as TenantId, subject: null } as const;
  const held = applied(EMPTY, file({ budgets: [budgetOf('m', tenantA, 5)] }), 100);
  const moved = budgetOf('m', { ...tenantA, tenant: 'b' as TenantId }, 5);
  const [step] = reconcile(held, file({ budgets: [moved] }), options(200)).steps;
  assert.deepEqual(
    step!.changes.map((change) => Object.keys(change)[0]),
    ['remove', 'put'],
  );
  const [same] = reconcile(held, file({ budgets: [budgetOf('m', tenantA, 6)] }), options(200)).steps;
  assert.deepEqual(
    same!.changes.map((change) => Object.keys(change)[0]),
    ['put'],
  );
});

test('a limit of another unit or scope is another limit, with counters of its own', () => {
  const perMinute = limitOf('a', { level: 'tenant', unit: 'requests' }, 5);
  const held = applied(EMPTY, file({ limits: [perMinute] }), 100);
  const changed = applied(held, file({ limits: [limitOf('a', { level: 'tenant', unit: 'requests' }, 6)] }), 200);
  assert.deepEqual([changed.limits[0]!.id, changed.limits[0]!.limit], [held.limits[0]!.id, 6]);
  const other = applied(held, file({ limits: [limitOf('a', { level: 'tenant', unit: 'concurrency' }, 5)] }), 200);
  assert.equal(other.limits.length, 1);
  assert.notEqual(other.limits[0]!.id, held.limits[0]!.id);
});

test('the only limit of the API that counts the same is taken over, with its raise', () => {
  const perMinute = limitOf('a', { level: 'tenant', unit: 'requests' }, 5);
  const [made] = applied(EMPTY, file({ limits: [perMinute] }), 100).limits;
  const raise = { by: 5, until: epochMs(9_999), actor: 'somebody', reason: 'launch' };
  const { declared: _, ...byApi } = { ...made!, raise };
  const { steps } = reconcile({ ...EMPTY, limits: [byApi] }, file({ limits: [perMinute] }), options(200));
  const step = steps.find(({ path }) => path === 'usageLimits.a')!;
  assert.deepEqual([step.takenOver, step.subject, step.action], [true, made!.id, 'limit.update']);
  const [change] = step.changes;
  assert.ok(change && 'put' in change && change.put === 'limit');
  assert.deepEqual(change.value.raise, raise);
});

test('a budget keeps the opening balance that it came with, unless it becomes somebody else’s', () => {
  const tenantA = { level: 'tenant', tenant: 'a' as TenantId, subject: null } as const;
  const made = applied(EMPTY, file({ budgets: [budgetOf('m', tenantA, 5)] }), 100);
  const opening = { spentNanoUsd: nanoUsd(7n), at: epochMs(50), source: 'litellm' };
  const held = { ...made, budgets: made.budgets.map((budget) => ({ ...budget, opening })) };
  const put = (budget: ReturnType<typeof budgetOf>): Budget => {
    const [step] = reconcile(held, file({ budgets: [budget] }), options(200)).steps;
    const change = step!.changes.at(-1)!;
    assert.ok('put' in change && change.put === 'budget');
    return change.value;
  };
  assert.deepEqual(put(budgetOf('m', tenantA, 6)).opening, opening);
  assert.equal(put(budgetOf('m', { ...tenantA, tenant: 'b' as TenantId }, 5)).opening, null);
});
