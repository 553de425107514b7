import assert from 'node:assert/strict';
import { test } from 'node:test';
import { epochMs } from '#kernel/brand.ts';
import { seededRng } from '#kernel/rng.ts';
import { sampleEntry } from '#ports/ledger-store.samples.ts';
import { readConfig } from '#kernel/config/read.ts';
import { loadPublicList, VersionedPriceBook } from '#ledger/prices/index.ts';
import { resolveConfig } from '#gateway/config/resolve.ts';
import { configSchema } from '#gateway/config/schema.ts';
import { storedPricing } from './prices.ts';

const text = `
providers:
  openai: { apiKey: "\${env:OURS}" }
models:
  gpt-4o: { deployments: [{ provider: openai }] }
tenants: { acme: {} }
layers:
  acme-keys: { level: tenant, tenant: acme, ownKeys: { openai: "\${env:ACME}" } }
`;

test('a call under a tenant’s own key is priced again by the list of its provider', async () => {
  const at = epochMs(Date.parse('2026-11-20'));
  const config = resolveConfig(readConfig(text, 'headgate.yaml', configSchema), {
    ...{ text, path: 'headgate.yaml', hash: '', env: { ACME: 'key-of-acme', OURS: 'key' }, loadedS: 0 },
  });
  const book = new VersionedPriceBook({ ...(await loadPublicList()), overrides: [] });
  const account = [...config.accounts.keys()].find((name) => name.startsWith('openai@'))!;
  const [sample] = sampleEntry(seededRng(7), at).attempts;
  const versionAt = (provider: string): string | undefined =>
    storedPricing({ config }, book).priceOf({ ...sample!, provider, deployment: `${provider}/gpt-4o` }, at)?.version;
  assert.notEqual(versionAt('openai'), undefined);
  assert.equal(versionAt(account), versionAt('openai'));
});
