import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import type { CallId, KeyId, TenantId } from '#kernel/brand.ts';
import { tenantKey } from '#kernel/whose.ts';
import { openIdempotency } from './idempotency.ts';
import { systemClock } from './system.ts';

const folder = mkdtempSync(join(tmpdir(), 'headgate-idempotency-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const config = { file: { idempotency: { remember: 3_600_000, keysPerApiKey: 10, keys: 10 } } };
const directory = { key: (id: string) => (id === 'key_1' ? { tenant: 'acme' } : undefined) };
const open = (dataDir: string) => openIdempotency({ config } as never, { directory } as never, dataDir);
const nameOf = (hash: string) => tenantKey('acme' as TenantId, 'idempotency', hash);

test('a journal from before names said whose they are: what was claimed is, what was released is free, a gone key’s is nobody’s', () => {
  const dataDir = mkdtempSync(join(folder, 'd-'));
  mkdirSync(join(dataDir, 'idempotency'));
  const now = systemClock.now();
  const lines = [
    ['claimed-hash', 'call_1', now - 3, 'key_1', 'request'],
    ['released-hash', 'call_2', now - 2, 'key_1', 'request'],
    ['gone-hash', 'call_3', now - 2, 'key_gone', 'request'],
    ['released-hash', 'call_2', now - 1],
  ];
  writeFileSync(
    join(dataDir, 'idempotency', `keys-${now - 10}.log`),
    lines.map((line) => `${JSON.stringify(line)}\n`).join(''),
  );
  const owner = 'key_1' as KeyId;
  const use = { request: 'request', call: 'call_9' as CallId, at: now };
  const keys = open(dataDir);
  const claimed = keys.claim({ name: nameOf('claimed-hash'), owner, use });
  assert.ok(!claimed.ok && claimed.error !== 'full' && claimed.error.earlier.call === 'call_1');
  assert.ok(keys.claim({ name: nameOf('released-hash'), owner, use }).ok);
  assert.ok(keys.claim({ name: nameOf('gone-hash'), owner, use }).ok);
  // What it wrote itself it reads, beside what was there.
  const again = open(dataDir);
  assert.equal(again.size, 3);
  const second = again.claim({ name: nameOf('released-hash'), owner, use });
  assert.ok(!second.ok && second.error !== 'full' && second.error.earlier.call === 'call_9');
});
