import { z } from 'zod';
import type { FeatureName, TenantId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { usdDecimal } from '#kernel/money.ts';
import { everyTenant, namedOr } from '#kernel/whose.ts';
import { route, type AdminRoute } from '#capabilities/tenants/routes.ts';
import { bypassesOf } from '../cache/meter.ts';
import type { Gate } from '../gate.ts';
import { noted } from './noted.ts';

const tag = 'cache';

/** What this process keeps of answers and what that saved since its start; and how to let answers go. */
export const cacheRoutes = (parts: { readonly gate: Gate }): AdminRoute[] => [
  route('GET /admin/cache', {
    tag,
    summary:
      'Show the cache of answers of this process: hits, misses and savings by feature since its start, and what it keeps',
    run: () => cacheView(parts.gate),
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

async function cacheView(gate: Gate): Promise<object> {
  const { answers, meter } = gate.cache;
  const { totalBytes, tenantBytes } = gate.config.file.cache;
  const shares = await answers.shares(everyTenant('the operator looks at the whole cache'));
  const sumOf = (name: string) => {
    const own = shares.filter(({ feature }) => feature === name);
    const sum = (field: 'answers' | 'bytes'): number => own.reduce((all, share) => all + share[field], 0);
    return { answers: sum('answers'), bytes: sum('bytes') };
  };
  const declared = Object.entries(gate.config.file.features).filter(([, { cache }]) => cache !== undefined);
  return {
    ...{ answers: answers.size, bytes: answers.bytes, evicted: answers.evicted, totalBytes, tenantBytes },
    features: declared.map(([feature, { cache }]) => {
      const counts = meter.of(feature);
      const { hits, misses, bypasses, savedNanoUsd, savedTokens } = counts;
      return {
        ...{ feature, ttlMs: cache!.ttl, hits, misses, bypasses: bypassesOf(counts), savedTokens },
        ...{ savedUsd: usdDecimal(savedNanoUsd), bypassedFor: Object.fromEntries(bypasses), ...sumOf(feature) },
      };
    }),
    tenants: shares,
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
  return { id: subject, tenant, feature, answers: await gate.cache.answers.clear(scope) };
}
