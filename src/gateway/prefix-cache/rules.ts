import type { Deployment } from '#capabilities/failover/index.ts';
import type { PrefixCacheRule } from '#providers/interpreter.ts';

/** What keeps tenants' prompts apart in the cache of a deployment. */
export const prefixCacheOf = ({ prefixCache, provider }: Deployment): PrefixCacheRule =>
  prefixCache ?? provider.prefixCache;
