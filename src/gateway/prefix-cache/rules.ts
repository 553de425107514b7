import type { Deployment } from '#capabilities/failover/index.ts';
import type { Effective } from '#capabilities/tenants/index.ts';
import type { CallFacts } from '../call.ts';
import type { PrefixCacheRule } from '#providers/interpreter.ts';

/** What keeps tenants' prompts apart in the cache of a deployment: as it says itself, else as the call's layers want it. */
export function prefixCacheOf({ prefixCache, provider }: Deployment, effective: Effective | null): PrefixCacheRule {
  const own = prefixCache ?? provider.prefixCache;
  return own === 'shared' && effective !== null && effective.isolation?.preamble ? 'preamble' : own;
}

/** First tokens go out at multiples of it after the call began; 0: at once. The coarser of what deployment and layers say. */
export function ttftQuantumOf({ ttftQuantumMs, provider }: Deployment, effective: Effective | null): number {
  const own = ttftQuantumMs ?? provider.ttftQuantumMs;
  return effective === null ? own : Math.max(own, effective.isolation?.ttftQuantumMs?.value ?? 0);
}

/** What the layers of a call come to; null: none applies. */
export const effectiveOf = ({ layers }: Pick<CallFacts, 'layers'>): Effective | null => layers && layers.effective;
