import { z } from 'zod';
import type { FeatureName, TenantId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { usdDecimal } from '#kernel/money.ts';
import { concerns, namedOr } from '#kernel/whose.ts';
import { route, type AdminRoute } from '#capabilities/tenants/routes.ts';
import type { KeptShare } from '#ports/answer-cache.ts';
import { bypassesOf, sumOf, type CountedShare } from '../cache/meter.ts';
import type { Gate } from '../gate.ts';
import { noted } from './noted.ts';

const tag = 'cache';
const AWAY = 'The store of answers does not answer: nothing is known to be gone.';

/** What this process keeps of answers and what that saved since its start; and how to let answers go. */
export const cacheRoutes = (parts: { readonly gate: Gate }): AdminRoute[] => [
  route('GET /admin/cache', {
    tag,
    summary:
      'Show the cache of answers: hits, misses and savings of this process since its start, by feature and tenant, and what is kept',
    query: z.strictObject({ tenant: z.string().min(1).max(128).optional().describe('Of this tenant alone.') }),
    run: (_, { tenant }) => cacheView(parts.gate, (tenant as TenantId | undefined) ?? null),
  }),
  route('POST /admin/cache/clear', {
    tag,
    summary: 'Let the kept answers of a tenant go, or all of them',
    body: z.strictObject({
      tenant: z.string().min(1).max(128).optional(),
      feature: z.string().min(1).max(128).optional(),
      all: z.literal(true).optional().describe('Of every tenant.'),
    }),
    run: async (_, { tenant, feature, all }, { actor }) => {
      if ((tenant === undefined) === (all === undefined))
        throw new HeadgateError('invalid_request', { field: 'tenant', message: 'Name a tenant, or say `all`.' });
      return clear(parts.gate, { tenant: tenant ?? null, feature: feature ?? null, actor });
    },
  }),
];

async function cacheView(gate: Gate, tenant: TenantId | null): Promise<object> {
  const { answers, flights, meter, store } = gate.cache;
  const { totalBytes, tenantBytes } = gate.config.file.cache;
  const whose = namedOr(tenant, 'the operator looks at the whole cache');
  const kept = await answers.shares(whose);
  const counted = meter.shares.filter((share) => concerns(whose, share.tenant));
  const byFeature = grouped(counted, kept, ({ feature }) => feature);
  const byTenant = grouped(counted, kept, (one) => `${one.tenant} ${one.feature}`);
  const declared = Object.entries(gate.config.file.features).filter(([, { cache }]) => cache !== undefined);
  return {
    ...sumsOf({ counted: [], kept }).size,
    ...(tenant === null && { evicted: answers.evicted, flights: flights.size, waiting: flights.followers }),
    ...(tenant === null && { store, up: answers.up, unanswered: answers.unanswered, totalBytes }),
    tenantBytes,
    features: declared.map(([feature, { cache }]) => {
      const { ttl: ttlMs, singleFlight } = cache!;
      const { calls, size } = sumsOf(byFeature.get(feature) ?? NOTHING);
      return { feature, ttlMs, singleFlight, ...calls, ...size };
    }),
    tenants: [...byTenant.values()].map((group) => {
      const { tenant: whose, feature } = group.counted[0] ?? group.kept[0]!;
      const { calls, size } = sumsOf(group);
      return { tenant: whose, feature, ...calls, ...size };
    }),
  };
}

interface Group {
  readonly counted: CountedShare[];
  readonly kept: KeptShare[];
}
const NOTHING: Group = { counted: [], kept: [] };

/** Whose calls and answers they are. */
type Owner = Pick<CountedShare, 'tenant' | 'feature'>;

function grouped(
  counted: readonly CountedShare[],
  kept: readonly KeptShare[],
  nameOf: (owner: Owner) => string,
): ReadonlyMap<string, Group> {
  const groups = new Map<string, Group>();
  const of = (owner: Owner): Group => {
    const name = nameOf(owner);
    const group = groups.get(name) ?? { counted: [], kept: [] };
    groups.set(name, group);
    return group;
  };
  for (const share of counted) of(share).counted.push(share);
  for (const share of kept) of(share).kept.push(share);
  return groups;
}

function sumsOf({ counted, kept }: { readonly counted: readonly CountedShare[]; readonly kept: readonly KeptShare[] }) {
  const counts = sumOf(counted);
  const { hits, collapsed, misses, bypasses, savedNanoUsd, savedTokens } = counts;
  return {
    calls: {
      ...{ hits, collapsed, misses, bypasses: bypassesOf(counts), bypassedFor: Object.fromEntries(bypasses) },
      ...{ savedUsd: usdDecimal(savedNanoUsd), savedTokens },
    },
    size: {
      answers: kept.reduce((sum, share) => sum + share.answers, 0),
      bytes: kept.reduce((sum, share) => sum + share.bytes, 0),
    },
  };
}

interface Clearing {
  readonly tenant: string | null;
  readonly feature: string | null;
  readonly actor: string;
}

async function clear(gate: Gate, { tenant, feature, actor }: Clearing): Promise<object> {
  if (tenant !== null && !gate.tenants.directory.tenant(tenant as TenantId))
    throw new HeadgateError('not_found', { message: `There is no tenant \`${tenant}\`.` });
  const subject = tenant ?? 'all';
  const whose = tenant === null ? {} : { tenant: tenant as TenantId };
  await noted(gate, { actor, action: 'cache.clear', subject, ...whose, detail: { tenant, feature } });
  const scope = { whose: namedOr(tenant, 'the operator said `all`'), feature: feature as FeatureName | null };
  const gone = await Promise.resolve(gate.cache.answers.clear(scope)).catch((error: unknown) => {
    throw new HeadgateError('store_unavailable', { message: AWAY }, error);
  });
  return { id: subject, tenant, feature, answers: gone };
}
