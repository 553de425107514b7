import { shipped } from '#ports/entry-text.ts';
import assert from 'node:assert/strict';
import { mkdtempSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { epochMs, type CallId } from '#kernel/brand.ts';
import { nanoUsd } from '#kernel/money.ts';
import { seededRng } from '#kernel/rng.ts';
import { everyTenant } from '#kernel/whose.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import type { StateStore } from '#ports/state-store.ts';
import { adminApi, type Me } from './index.ts';
import { admitted, ask, caller, dir, entry, refusalOf, START, world } from './test-world.ts';
import { NO_ATTRIBUTION } from './attribution/settings.ts';

describe('keys and callers', () => {
  test('a key is shown once, its hash never, and each refusal has its code', async () => {
    const of = await world();
    await of.call('POST', '/admin/tenants', { id: 'acme' });
    const made = await of.call('POST', '/admin/keys', { tenant: 'acme', name: 'k', expiresAt: '2026-11-25T00:00:00Z' });
    const headers = { 'x-api-key': String(made['key']) };
    assert.ok(of.tenants.authenticate(headers).ok);
    assert.doesNotMatch(JSON.stringify(await of.call('GET', '/admin/keys')), /"hash"|"key":|hg_[A-Za-z0-9_-]{40}/);
    assert.doesNotMatch(JSON.stringify(await of.call('GET', '/admin/tenants')), /secret/);
    const code = () => {
      const result = of.tenants.authenticate(headers);
      return result.ok ? 'ok' : result.error.code;
    };
    await of.call('PATCH', '/admin/tenants/acme', { disabled: true });
    assert.equal(code(), 'forbidden');
    await of.call('PATCH', '/admin/tenants/acme', { disabled: false });
    of.at = epochMs(Date.parse('2026-11-25T00:00:00Z'));
    assert.equal(code(), 'key_expired');
    await of.call('POST', `/admin/keys/${String(made['id'])}/revoke`);
    assert.equal(code(), 'key_revoked');
    const audit = await of.call('GET', '/admin/audit');
    assert.equal((audit['entries'] as unknown[]).length, 5);
    assert.doesNotMatch(JSON.stringify(audit), new RegExp(String(made['key'])));
  });

  test('a rotated key works with both secrets until the overlap is over', async () => {
    const of = await world();
    await of.call('POST', '/admin/tenants', { id: 'acme' });
    const old = await of.call('POST', '/admin/keys', { tenant: 'acme', name: 'k' });
    const next = await of.call('POST', `/admin/keys/${String(old['id'])}/rotate`, { overlap: '1h' });
    assert.equal(next['id'], old['id']);
    const works = (made: Record<string, unknown>) => of.tenants.authenticate({ 'x-api-key': String(made['key']) }).ok;
    assert.ok(works(old) && works(next));
    of.at = epochMs(START + 3_600_000);
    assert.ok(!works(old) && works(next));
  });

  test('a key of an earlier gateway comes in by raw text or by hash, once', async () => {
    const of = await world();
    await of.call('POST', '/admin/tenants', { id: 'acme' });
    const raw = 'sk-earlier-gateway-key-1';
    await of.call('POST', '/admin/keys/import', { tenant: 'acme', name: 'old', raw });
    assert.ok(of.tenants.authenticate({ authorization: `Bearer ${raw}` }).ok);
    const again = await refusalOf(() => of.call('POST', '/admin/keys/import', { tenant: 'acme', name: 'old', raw }));
    assert.equal(again.code, 'conflict');
  });

  test('names that do not exist are refused with the nearest', async () => {
    const of = await world();
    await of.call('POST', '/admin/tenants', { id: 'acme' });
    const wrong = async (body: object) =>
      (await refusalOf(() => of.call('POST', '/admin/keys', { tenant: 'acme', name: 'k', ...body }))).message;
    assert.match(await wrong({ defaultFeature: 'chta' }), /`chat`/);
    assert.match(await wrong({ tenant: 'acmee' }), /`acme`/);
    assert.match(await wrong({ modles: [] }), /`models`/);
    assert.match((await refusalOf(() => of.call('GET', '/admin/key'))).message, /\/admin\/keys/);
    assert.equal((await refusalOf(() => of.call('PUT', '/admin/keys'))).code, 'method_not_allowed');
    assert.match(
      (await refusalOf(() => of.call('GET', '/admin/spend', undefined, { by: 'modle' }))).message,
      /`model`/,
    );
  });
});

describe('restart', () => {
  test('budgets come back from the ledger and the unshipped spool, each entry once', async () => {
    const first = await world();
    const who = await caller(first);
    const scopes = [
      { level: 'operator' },
      { level: 'tenant', tenant: 'acme' },
      { level: 'key', tenant: 'acme', id: who.key.id },
    ];
    const windows = ['day', '24h', 'total'];
    for (const scope of scopes)
      for (const window of windows) await first.call('POST', '/admin/budgets', { ...scope, limitUsd: '1', window });
    const mine = { tenant: who.tenant.id, key: who.key.id, team: null, feature: null, endUser: null };
    const inStore = entry(nanoUsd(3_000_000n), { ...mine, at: epochMs(START - 60_000) });
    await first.ledger.ship(shipped([inStore, entry(nanoUsd(5n), { at: START })]));
    // Of a stream that was cut, the exact count came to the store, and then the process died.
    const cut = { ...mine, at: epochMs(START - 20_000) };
    const lost = 'call_cut' as CallId;
    await first.ledger.ship(shipped([entry(nanoUsd(1_000_000n), { ...cut, corrects: lost })]));
    const second = await world({ state: first.state, ledger: first.ledger });
    const unshipped = {
      ...mine,
      ...{ kind: 'generate' as const, inputTokens: 1, outputTokens: 1 },
      at: epochMs(START - 30_000),
      reservedNanoUsd: nanoUsd(9n),
      costNanoUsd: nanoUsd(2_000_000n),
    };
    await second.tenants.rebuild([
      { ...unshipped, id: inStore.id },
      { ...unshipped, id: 'call_other' as CallId },
      { ...unshipped, ...cut, id: lost },
    ]);
    const again = second.tenants.authenticate({ 'x-api-key': 'none' });
    assert.ok(!again.ok);
    for (const view of (second.tenants.me(who, []) as Me).budgets)
      assert.equal(view.spentUsd, '0.006', JSON.stringify(view));
    const listed = (await second.call('GET', '/admin/budgets'))['budgets'] as {
      scope: { level: string };
      spentUsd: string;
    }[];
    assert.deepEqual(
      new Set(listed.filter(({ scope }) => scope.level === 'operator').map(({ spentUsd }) => spentUsd)),
      new Set(['0.006000005']),
    );
  });

  test('a node serves known keys within their budgets from its snapshots while the stores are away', async () => {
    const dataDir = mkdtempSync(join(dir, 's-'));
    const first = await world({}, dataDir);
    const who = await caller(first);
    await first.call('POST', '/admin/budgets', { level: 'tenant', tenant: 'acme', limitUsd: '0.001', window: 'total' });
    first.tenants.settle(await admitted(first, ask(first, who)), entry(nanoUsd(1_000_000n)));
    await first.tenants.close();
    assert.equal(statSync(join(dataDir, 'state.snapshot.json')).mode & 0o777, 0o600);
    const away = () => Promise.reject(new Error('away'));
    const state = { ...first.state, load: away, apply: away } as unknown as StateStore;
    const ledger = { ...first.ledger, spend: away, call: away } as unknown as LedgerStore;
    const second = await world({ state, ledger }, dataDir);
    await second.tenants.rebuild([]);
    assert.equal(second.tenants.origin, 'snapshot');
    const [key] = [...second.tenants.directory.keys(everyTenant('a test'))];
    assert.equal(key!.hash, who.key.hash);
    assert.equal((await refusalOf(() => admitted(second, ask(second, who)))).code, 'budget_exceeded');
    assert.equal(
      (await refusalOf(() => second.call('POST', '/admin/tenants', { id: 'new' }))).code,
      'store_unavailable',
    );
  });
});

describe('ids that a provider keeps', () => {
  test('another tenant’s id and an unknown one read the same', async () => {
    const of = await world();
    const mine = await caller(of);
    await of.call('POST', '/admin/tenants', { id: 'other' });
    const made = await of.call('POST', '/admin/keys', { tenant: 'other', name: 'k' });
    const other = of.tenants.authenticate({ 'x-api-key': String(made['key']) });
    assert.ok(other.ok);
    of.tenants.rememberKeptIds(mine, [{ kind: 'response', id: 'resp_1' }], 'openai/gpt');
    const asked = [{ kind: 'response', id: 'resp_1', field: 'previous_response_id' }];
    assert.deepEqual(await of.tenants.checkKeptIds(mine, asked), { ok: true, value: 'openai/gpt' });
    const foreign = await of.tenants.checkKeptIds(other.value, asked);
    const unknown = await of.tenants.checkKeptIds(mine, [{ ...asked[0]!, id: 'resp_2' }]);
    assert.ok(!foreign.ok && !unknown.ok);
    assert.equal(foreign.error.message.replace('resp_1', ''), unknown.error.message.replace('resp_2', ''));
    assert.deepEqual([foreign.error.code, foreign.error.details.field], ['not_found', 'previous_response_id']);
    // Another process, the same store.
    const second = await world({ state: of.state, ledger: of.ledger });
    assert.deepEqual(await second.tenants.checkKeptIds(mine, asked), { ok: true, value: 'openai/gpt' });
  });
});

test('the OpenAPI document names every route, its parameters and its fields', async () => {
  const of = await world();
  const names = { features: () => new Set<string>(), labels: () => new Set<string>(), configFile: () => null };
  const api = adminApi({
    ...names,
    tenants: of.tenants,
    ledger: of.ledger,
    clock: { now: () => START, mono: () => 0 },
    rng: seededRng(1),
    randomBytes: (n) => new Uint8Array(n),
    prices: {} as never,
    attribution: () => NO_ATTRIBUTION,
    leakWatch: () => null,
  });
  const document = api.openApi('0.1.0') as {
    paths: Record<string, Record<string, { operationId: string; requestBody?: unknown }>>;
  };
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
  assert.equal(operations.length, api.routes.length);
  assert.equal(new Set(operations.map(({ operationId }) => operationId)).size, api.routes.length);
  assert.match(JSON.stringify(document.paths['/admin/budgets']!['post']), /limitUsd/);
  assert.match(JSON.stringify(document.paths['/admin/keys/{key}/rotate']!['post']), /"in":"path"/);
});
