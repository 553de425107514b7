import { randomBytes } from 'node:crypto';
import type { FeatureName, KeyId, TenantId } from '#kernel/brand.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import { KEY_BYTES, hashKey, keyHint, keyText, type Tenants } from '#capabilities/tenants/index.ts';
import { systemClock, systemRng } from './system.ts';

/** The demo tenant and its key, made by the first start on an empty store. Null: there are keys already. */
export async function firstKey(tenants: Tenants, features: ReadonlySet<string>): Promise<string | null> {
  if (tenants.origin !== 'store' || !tenants.directory.tenants()[Symbol.iterator]().next().done) return null;
  const now = systemClock.now();
  const raw = keyText(randomBytes(KEY_BYTES));
  const tenant = 'demo' as TenantId;
  const id = timeOrderedId('key_', now, systemRng) as KeyId;
  const feature = ([...features][0] ?? null) as FeatureName | null;
  await tenants.change(
    [
      {
        put: 'tenant',
        value: {
          id: tenant,
          name: 'Demo',
          createdAt: now,
          disabledAt: null,
          secret: randomBytes(32).toString('hex'),
          costExpose: null,
        },
      },
      {
        put: 'key',
        value: {
          id,
          tenant,
          team: null,
          name: 'demo',
          owner: null,
          hash: hashKey(raw),
          hint: keyHint(raw),
          previous: [],
          createdAt: now,
          expiresAt: null,
          revokedAt: null,
          models: null,
          rights: { features: '*', endUser: true, session: true, agent: true, purpose: true, labels: [] },
          defaultFeature: feature,
          defaultLabels: {},
          operator: false,
        },
      },
    ],
    {
      id: timeOrderedId('aud_', now, systemRng),
      at: now,
      actor: 'system',
      action: 'key.create',
      subject: id,
      tenant,
      detail: JSON.stringify({ name: 'demo', why: 'first start' }),
    },
  );
  return raw;
}
