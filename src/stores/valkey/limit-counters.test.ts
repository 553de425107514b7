import { randomUUID } from 'node:crypto';
import { after, before } from 'node:test';
import type { TenantId } from '#kernel/brand.ts';
import { tenantKey } from '#kernel/whose.ts';
import { limitCountersContract } from '#ports/limit-counters.contract.ts';
import type { LimitClaim } from '#ports/shared-state.ts';
import { redisSkip, startRedis, type RedisServer } from '../../../test/harness/redis-server.ts';
import { valkeyLimitCounters, type ValkeyLimitCounters } from './limit-counters.ts';

let server: RedisServer | null = null;
let counters: ValkeyLimitCounters | null = null;
before(async () => {
  if (!redisSkip) server = await startRedis();
});
after(async () => {
  await counters?.close();
  await server?.kill();
});

limitCountersContract({
  name: 'valkey',
  skip: redisSkip,
  runs: 15,
  /** The same connection for all, with sets of other names each time. */
  open: async () => {
    const own = (counters ??= valkeyLimitCounters({
      ...{ url: server!.url, gate: 'contract', time: 'given', local: null, leastGates: 1 },
      nameOf: ({ name }) => name,
    }));
    for (let i = 0; i < 200 && !own.up; i++) await new Promise((resolve) => setTimeout(resolve, 10));
    const space = randomUUID() as TenantId;
    const named = (claims: readonly LimitClaim[]): LimitClaim[] =>
      claims.map((claim) => ({ ...claim, set: tenantKey(space, 'key', claim.set) }));
    return {
      lasting: true,
      take: (claims, amounts, now) => own.take(named(claims), amounts, now),
      settle: (hold, actual, now) => own.settle(hold, actual, now),
      release: (hold, now) => own.release(hold, now),
      seed: (uses, now) =>
        own.seed(
          [...uses].map((use) => ({ ...use, claim: named([use.claim])[0]! })),
          now,
        ),
      read: (claims, now) => own.read(named(claims), now),
    };
  },
});
