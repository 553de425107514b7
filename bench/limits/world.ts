import { epochMs, type LimitId, type TeamId, type TenantId } from '#kernel/brand.ts';
import { systemClock } from '../../src/up/system.ts';
import { pricePerMillion, ZERO_USD } from '#kernel/money.ts';
import type { LimitCounters } from '#ports/shared-state.ts';
import type { Limit, LimitUnit } from '#ports/state-store.ts';
import { openTenants, type AdmitCall, type Tenants } from '#capabilities/tenants/index.ts';
import { memoryLedger } from '#stores/memory/ledger-store.ts';
import { memorySharedState } from '#stores/memory/shared-state.ts';
import { memoryState } from '#stores/memory/state-store.ts';

const TENANT = 'acme' as TenantId;
const TEAM = 'acme.core' as TeamId;

export interface Kind {
  readonly unit: LimitUnit;
  readonly window: Limit['window'];
}
/** What part 4 asks for: requests, three kinds of tokens, each a minute and a day, and calls in flight. */
export const EVERY_KIND: readonly Kind[] = [
  ...(['requests', 'input_tokens', 'output_tokens', 'total_tokens'] as const).flatMap((unit) =>
    (['minute', 'day'] as const).map((window) => ({ unit, window })),
  ),
  { unit: 'concurrency', window: null },
];
/** What providers themselves limit. */
export const USUAL_KINDS: readonly Kind[] = [
  { unit: 'requests', window: 'minute' },
  { unit: 'total_tokens', window: 'minute' },
];

/** Each kind on all six levels: named down to the feature, one for each key and each end user. */
export const limitsOf = (kinds: readonly Kind[]): Limit[] =>
  (['operator', 'tenant', 'team', 'feature', 'key', 'end_user'] as const).flatMap((level) =>
    kinds.map(({ unit, window }) => ({
      id: `lim_${level}_${unit}_${window}` as LimitId,
      scope: {
        level,
        tenant: level === 'operator' ? null : TENANT,
        id: level === 'team' ? TEAM : level === 'feature' ? 'search' : null,
      },
      ...{ unit, window, raise: null, contact: null, createdAt: epochMs(0) },
      limit: 1_000_000_000_000,
    })),
  );

export async function openWorld(
  dataDir: string,
  limits: readonly Limit[],
  limitCounters: LimitCounters = memorySharedState().limits,
): Promise<Tenants> {
  const counters = memorySharedState().budgets;
  const trouble = (what: unknown): void => console.error(what);
  const tenants = await openTenants({
    ...{ counters, limitCounters, state: memoryState(), ledger: memoryLedger() },
    ...{ dataDir, clock: systemClock, features: () => new Set(['search']), labels: () => new Set<string>() },
    ...{ onWarning: trouble, onTrouble: trouble },
  });
  tenants.directory.apply(limits.map((value) => ({ put: 'limit', value })));
  return tenants;
}

const DOLLAR = pricePerMillion(1_000_000_000n);

/** A call of one of many keys for one of many end users, as the pipeline asks. */
export const callOf = (key: number, endUser: string): AdmitCall => ({
  caller: { tenant: { id: TENANT }, team: { id: TEAM }, key: { id: `key_${key}` } } as never,
  attribution: { feature: 'search', endUser } as never,
  at: systemClock.now(),
  model: 'm',
  free: false,
  serving: [
    {
      price: {
        ...{ inputPerMillion: DOLLAR, outputPerMillion: DOLLAR },
        ...{ dearestInputPerMillion: DOLLAR, dearestOutputPerMillion: DOLLAR, perCallNanoUsd: ZERO_USD },
      },
      ...{ maxOutputTokens: 8_000, maxInputTokens: null, imageTokens: 0, audioTokens: 0, fileTokens: 0 },
    },
  ],
  featureMaxOutputTokens: null,
  hostedTools: [],
  size: {
    ...{ bodyBytes: 400, inputTokensEstimate: 100, hiddenInput: false, maxOutputTokens: 900, n: 1, hasOutput: true },
    media: { images: 0, audios: 0, files: 0 },
  },
});
