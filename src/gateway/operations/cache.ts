import { z } from 'zod';
import type { FeatureName, TenantId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { usdDecimal } from '#kernel/money.ts';
import { route, type AdminRoute } from '#capabilities/tenants/routes.ts';
import type { KeptShare } from '#ports/answer-cache.ts';
import { bypassesOf, sumOf, type CountedShare } from '../cache/meter.ts';
import type { Gate } from '../gate.ts';
import { noted } from './noted.ts';

const tag = 'cache';

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
  const { answers, flights, meter } = gate.cache;
  const { totalBytes, tenantBytes } = gate.config.file.cache;
  const own = <T extends { readonly tenant: TenantId | null }>(all: readonly T[]): readonly T[] =>
    tenant === null ? all : all.filter((one) => one.tenant === tenant);
  const kept = own(await answers.shares());
  const counted = own(meter.shares);
  const declared = Object.entries(gate.config.file.features).filter(([, { cache }]) => cache !== undefined);
  return {
    ...keptSums(kept),
    ...(tenant === null && { evicted: answers.evicted, flights: flights.size, waiting: flights.followers }),
    ...(tenant === null && { totalBytes }),
    tenantBytes,
    features: declared.map(([feature, { cache }]) => ({
      ...{ feature, ttlMs: cache!.ttl, singleFlight: cache!.singleFlight },
      ...countedView(counted.filter((share) => share.feature === feature)),
      ...keptSums(kept.filter((share) => share.feature === feature)),
    })),
    tenants: sharesOf(counted, kept).map(({ tenant: whose, feature }) => ({
      ...{ tenant: whose, feature },
      ...countedView(counted.filter((share) => share.tenant === whose && share.feature === feature)),
      ...keptSums(kept.filter((share) => share.tenant === whose && share.feature === feature)),
    })),
  };
}

function countedView(shares: readonly CountedShare[]): object {
  const counts = sumOf(shares);
  const { hits, collapsed, misses, bypasses, savedNanoUsd, savedTokens } = counts;
  return {
    ...{ hits, collapsed, misses, bypasses: bypassesOf(counts), bypassedFor: Object.fromEntries(bypasses) },
    ...{ savedUsd: usdDecimal(savedNanoUsd), savedTokens },
  };
}

const keptSums = (shares: readonly KeptShare[]): { readonly answers: number; readonly bytes: number } => ({
  answers: shares.reduce((sum, share) => sum + share.answers, 0),
  bytes: shares.reduce((sum, share) => sum + share.bytes, 0),
});

/** Each tenant and feature of which something is counted or kept, once. */
function sharesOf(counted: readonly CountedShare[], kept: readonly KeptShare[]): readonly Whose[] {
  const all = new Map<string, Whose>();
  for (const { tenant, feature } of [...counted, ...kept]) all.set(`${tenant} ${feature}`, { tenant, feature });
  return [...all.values()];
}

interface Whose {
  readonly tenant: TenantId | null;
  readonly feature: FeatureName;
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
  const scope = { tenant: tenant as TenantId | null, feature: feature as FeatureName | null };
  return { id: subject, tenant, feature, answers: await gate.cache.answers.clear(scope) };
}
