import type { Deployment } from '#capabilities/failover/index.ts';
import type { PrefixCacheRule } from '#providers/interpreter.ts';

/** What keeps tenants' prompts apart in the cache of a deployment. */
export const prefixCacheOf = ({ prefixCache, provider }: Deployment): PrefixCacheRule =>
  prefixCache ?? provider.prefixCache;

/** First tokens go out at multiples of it after the call began; 0: at once. */
export const ttftQuantumOf = ({ ttftQuantumMs, provider }: Deployment): number =>
  ttftQuantumMs ?? provider.ttftQuantumMs;
