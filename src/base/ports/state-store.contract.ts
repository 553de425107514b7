import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { epochMs, type BudgetId, type KeyId, type LimitId, type TeamId, type TenantId } from '#kernel/brand.ts';
import type { Layer } from './layer.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { nanoUsd } from '#kernel/money.ts';
import { everyTenant } from '#kernel/whose.ts';
import type {
  AdminToken,
  ApiKey,
  AuditEntry,
  Budget,
  Drain,
  KeptId,
  Limit,
  PriceOverride,
  StateStore,
  Team,
  Tenant,
} from './state-store.ts';

export interface StateContractOptions {
  readonly name: string;
  /** A new empty store. */
  readonly open: () => Promise<StateStore>;
}

const AT = epochMs(Date.UTC(2026, 7, 3));
const tenant = (id: string): Tenant => ({
  id: id as TenantId,
  name: `Tenant "${id}"`,
  createdAt: AT,
  disabledAt: null,
  secret: 'ab'.repeat(32),
  costExpose: null,
});
const team = (id: string, of = 'ten_a'): Team => ({
  id: id as TeamId,
  tenant: of as TenantId,
  name: id,
  createdAt: AT,
  disabledAt: null,
});
const key = (id: string, fields: Partial<ApiKey> = {}): ApiKey => ({
  id: id as KeyId,
  tenant: 'ten_a' as TenantId,
  team: null,
  name: id,
  owner: null,
  hash: `hash of ${id}`,
  hint: 'hg_1…',
  previous: [],
  createdAt: AT,
  expiresAt: null,
  revokedAt: null,
  models: ['gpt-*'],
  rights: { features: '*', endUser: true, session: true, agent: false, purpose: false, labels: ['env'] },
  defaultFeature: null,
  defaultLabels: { env: 'x' },
  operator: false,
  ...fields,
});
// A value's name may end as money's does: it is a text all the same.
const layer = (id: string): Layer => ({
  id,
  scope: { level: 'tenant', tenant: 'ten_a' as TenantId, id: null },
  version: 2,
  at: AT,
  author: 'admin',
  settings: {
    template: {
      text: 'Hello {{name}}, "quoted"\n',
      variables: { name: { from: 'call', default: null, maxBytes: 256 } },
      place: 'after',
    },
    values: { feeNanoUsd: '5' },
    aliases: { fast: 'gpt-x' },
    tools: null,
    parameters: { temperature: { max: 0.5 } },
    regions: ['eu'],
    isolation: { preamble: true, ttftQuantumMs: 50 },
    ownKeys: ['openai'],
    locks: ['aliases'],
  },
  createdAt: AT,
  history: [],
});
const budget = (id: string): Budget => ({
  id: id as BudgetId,
  scope: { level: 'tenant', tenant: 'ten_a' as TenantId, id: null },
  limitNanoUsd: nanoUsd(2n ** 60n + 1n),
  window: { kind: 'calendar', unit: 'month', timeZone: 'Europe/Berlin' },
  mode: 'strict',
  endWhenSpent: false,
  warnAt: [0.8],
  unknownPriceNanoUsd: nanoUsd(5n),
  raise: { byNanoUsd: nanoUsd(2n ** 53n + 1n), until: AT, actor: 'admin', reason: 'launch' },
  contact: 'finance@example.com',
  createdAt: AT,
  declared: { path: 'budgets.month', removedAt: null },
});
const limit = (id: string): Limit => ({
  id: id as LimitId,
  scope: { level: 'key', tenant: 'ten_a' as TenantId, id: 'key_1' },
  unit: 'total_tokens',
  window: 'day',
  limit: 1_000_000_000_000,
  raise: { by: -5, until: AT, actor: 'admin', reason: 'a flood' },
  contact: null,
  createdAt: AT,
});
const price = (id: string): PriceOverride => ({
  id,
  provider: '*',
  model: 'gpt-4o',
  validFrom: AT,
  prices: { input: '2.50', limitNanoUsd: '7' },
  source: 'contract',
});
const drain = (id: string): Drain => ({
  id,
  kind: 'drain',
  target: { level: 'deployment', name: 'openai/gpt-4o' },
  reason: 'incident 7',
  actor: 'admin',
  startedAt: AT,
  until: epochMs(AT + 1),
});
const token = (id: string): AdminToken => ({
  ...{ id, name: 'dashboards', hash: `hash of ${id}`, scope: 'tenant', tenant: 'ten_a' as TenantId },
  ...{ createdAt: AT, expiresAt: AT, revokedAt: null },
});
const audit = (id: string, of: string | null = 'ten_a'): AuditEntry => ({
  id,
  at: AT,
  actor: 'admin',
  action: 'key.create',
  subject: 'key_1',
  tenant: of as TenantId | null,
  detail: '{"limitNanoUsd":"5"}',
});
const kept = (id: string, owner: string): KeptId => ({
  kind: 'response',
  id,
  tenant: owner as TenantId,
  key: 'key_1' as KeyId,
  deployment: 'openai/gpt-4o',
  at: AT,
});
const EVERY = everyTenant('a test');
const EMPTY = {
  tenants: [],
  teams: [],
  keys: [],
  budgets: [],
  limits: [],
  layers: [],
  prices: [],
  levers: [],
  tokens: [],
};
const isConflict = (error: unknown): boolean => error instanceof HeadgateError && error.code === 'conflict';

/** What every implementation of `StateStore` promises, as tests. */
export function stateStoreContract({ name, open }: StateContractOptions): void {
  const opened: StateStore[] = [];
  const fresh = async (): Promise<StateStore> => {
    const store = await open();
    opened.push(store);
    return store;
  };
  after(() => Promise.all(opened.map((store) => store.close())));
  describe(`state store: ${name}`, () => {
    changeTests(fresh);
    auditTests(fresh);
    keptIdTests(fresh);
  });
}

type Open = () => Promise<StateStore>;

function changeTests(open: Open): void {
  test('a snapshot holds what was put, exactly, and not what was removed', async () => {
    const store = await open();
    assert.deepEqual(await store.load(EVERY), EMPTY);
    await store.apply(
      [
        { put: 'tenant', value: tenant('ten_a') },
        { put: 'tenant', value: tenant('ten_b') },
        { put: 'team', value: team('team_1') },
        { put: 'key', value: key('key_1') },
        { put: 'budget', value: budget('bud_1') },
        { put: 'budget', value: budget('bud_2') },
        { put: 'limit', value: limit('lim_1') },
        { put: 'limit', value: limit('lim_2') },
        { put: 'layer', value: layer('tenant:ten_a') },
        { put: 'layer', value: layer('tenant:ten_b') },
        { put: 'price', value: price('price_1') },
        { put: 'token', value: token('tok_1') },
        { put: 'lever', value: drain('drn_1') },
        { put: 'lever', value: drain('drn_2') },
      ],
      audit('aud_1'),
    );
    await store.apply(
      [
        { remove: 'budget', id: 'bud_1' as BudgetId },
        { remove: 'limit', id: 'lim_1' as LimitId },
        { remove: 'layer', id: 'tenant:ten_a' },
        { remove: 'lever', id: 'drn_1' },
      ],
      audit('aud_2'),
    );
    assert.deepEqual(await store.load(EVERY), {
      tenants: [tenant('ten_a'), tenant('ten_b')],
      teams: [team('team_1')],
      keys: [key('key_1')],
      budgets: [budget('bud_2')],
      limits: [limit('lim_2')],
      layers: [layer('tenant:ten_b')],
      prices: [price('price_1')],
      levers: [drain('drn_2')],
      tokens: [token('tok_1')],
    });
  });

  test('a later put of an id takes the place of the earlier', async () => {
    const store = await open();
    await store.apply([{ put: 'key', value: key('key_1') }], audit('aud_1'));
    await store.apply([{ put: 'key', value: key('key_1', { revokedAt: AT, models: null }) }], audit('aud_2'));
    assert.deepEqual((await store.load(EVERY)).keys, [key('key_1', { revokedAt: AT, models: null })]);
  });

  test('two keys never share a raw key, and a refused change leaves nothing', async () => {
    const store = await open();
    const rotated = key('key_1', { previous: [{ hash: 'old', until: AT }] });
    await store.apply([{ put: 'key', value: rotated }], audit('aud_1'));
    for (const hash of ['old', 'hash of key_1']) {
      const taken = [
        { put: 'tenant', value: tenant('ten_c') },
        { put: 'key', value: key('key_2', { hash }) },
      ] as const;
      await assert.rejects(store.apply(taken, audit('aud_2')), isConflict);
    }
    assert.deepEqual(await store.load(EVERY), { ...EMPTY, keys: [rotated] });
    assert.equal((await store.audit({ whose: EVERY, limit: 10 })).length, 1);
    await store.apply([{ put: 'key', value: key('key_1') }], audit('aud_3'));
    await store.apply([{ put: 'key', value: key('key_2', { hash: 'old' }) }], audit('aud_4'));
  });
}

function auditTests(open: Open): void {
  test('each change has its audit entry, newest first, by tenant, by action and by pages', async () => {
    const store = await open();
    const entries = [audit('aud_1'), audit('aud_2', null), audit('aud_3', 'ten_b'), audit('aud_4')];
    for (const entry of entries) await store.apply([], entry);
    assert.deepEqual(await store.audit({ whose: EVERY, limit: 9 }), entries.toReversed());
    assert.deepEqual(await store.audit({ limit: 9, whose: 'ten_a' as TenantId }), [entries[3], entries[0]]);
    assert.deepEqual(await store.audit({ whose: EVERY, limit: 1, before: 'aud_3' }), [entries[1]]);
    const leak = { ...audit('aud_5'), action: 'leak.found' };
    await store.apply([], leak);
    await store.apply([], audit('aud_6'));
    assert.deepEqual(await store.audit({ whose: EVERY, limit: 9, action: 'leak.found' }), [leak]);
    assert.deepEqual(await store.audit({ limit: 9, action: 'leak.found', whose: 'ten_b' as TenantId }), []);
  });

  test('several changes with an entry each are one: all of it, once, or nothing', async () => {
    const store = await open();
    const both = [
      { put: 'tenant', value: tenant('ten_a') },
      { put: 'key', value: key('key_1') },
    ] as const;
    await store.apply(both, audit('aud_1'), audit('aud_2', null));
    await store.apply([{ put: 'tenant', value: tenant('ten_b') }], audit('aud_1'), audit('aud_3'));
    assert.deepEqual(await store.audit({ whose: EVERY, limit: 9 }), [audit('aud_2', null), audit('aud_1')]);
    assert.deepEqual((await store.load(EVERY)).tenants, [tenant('ten_a')]);
    const taken = [{ put: 'key', value: key('key_2', { hash: 'hash of key_1' }) }] as const;
    await assert.rejects(store.apply(taken, audit('aud_4'), audit('aud_5')), isConflict);
    assert.equal((await store.audit({ whose: EVERY, limit: 9 })).length, 2);
  });

  test('a change that is sent again under its audit id happens once', async () => {
    const store = await open();
    await store.apply([{ put: 'tenant', value: tenant('ten_a') }], audit('aud_1'));
    const renamed = { ...tenant('ten_a'), name: 'later' };
    await store.apply([{ put: 'tenant', value: renamed }], audit('aud_2'));
    await store.apply([{ put: 'tenant', value: tenant('ten_a') }], audit('aud_1'));
    assert.deepEqual((await store.load(EVERY)).tenants, [renamed]);
  });
}

function keptIdTests(open: Open): void {
  test('the first writer keeps an id, and nobody else reads whose it is', async () => {
    const store = await open();
    const own = (kind: string, tenant = 'ten_a') => store.keptId(tenant as TenantId, kind, 'resp_1');
    assert.equal(await own('response'), null);
    assert.deepEqual(await store.keepId(kept('resp_1', 'ten_a')), kept('resp_1', 'ten_a'));
    assert.deepEqual(await store.keepId(kept('resp_1', 'ten_b')), kept('resp_1', 'ten_a'));
    assert.deepEqual(await own('response'), kept('resp_1', 'ten_a'));
    assert.equal(await own('response', 'ten_b'), null);
    assert.equal(await own('file'), null);
  });
}
