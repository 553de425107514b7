import { isObject, listOf, objectOf, textOf, usedOf } from '../json/read.ts';
import { NO_USAGE, type Usage } from '../usage.ts';

/**
 * Converse's usage to ours, or null where the value is none. `inputTokens` leaves cached reads and writes out, as the
 * guide to prompt caching says ("total input tokens" is the sum of the three); `cacheDetails` splits writes by life.
 */
export function readUsage(value: unknown, tier: unknown = null): Usage | null {
  if (!isObject(value)) return null;
  const fresh = usedOf(value['inputTokens']);
  const read = usedOf(value['cacheReadInputTokens']);
  const write = usedOf(value['cacheWriteInputTokens']);
  const hour = listOf(value['cacheDetails']).filter((detail) => objectOf(detail)['ttl'] === '1h');
  return {
    ...NO_USAGE,
    inputTokens: fresh === null ? null : fresh + (read ?? 0) + (write ?? 0),
    cachedReadTokens: read,
    cacheWriteTokens: write,
    cacheWrite1hTokens: hour.length > 0 ? usedOf(objectOf(hour[0])['inputTokens']) : null,
    outputTokens: usedOf(value['outputTokens']),
    serviceTier: textOf(objectOf(tier)['type']),
  };
}

export function writeUsage(usage: Usage | null) {
  const read = usage?.cachedReadTokens ?? null;
  const write = usage?.cacheWriteTokens ?? null;
  const input = Math.max(0, (usage?.inputTokens ?? 0) - (read ?? 0) - (write ?? 0));
  const output = usage?.outputTokens ?? 0;
  return {
    inputTokens: input,
    outputTokens: output,
    totalTokens: input + (read ?? 0) + (write ?? 0) + output,
    ...(read !== null && { cacheReadInputTokens: read }),
    ...(write !== null && { cacheWriteInputTokens: write }),
  };
}
