import type { CacheHit } from './entry.ts';
import { costFromJson, costToJson, type CostJson } from './money-json.ts';
import { otherUsage, usageOf } from './usage-text.ts';

type Row = readonly unknown[];

/** A hit as a positional row, by the rules of the entry's text. */
export const cacheHitRow = ({ call, ageMs, usage, cost, priceVersion, collapsed }: CacheHit): Row => [
  call,
  ageMs,
  [usage.inputTokens, usage.cachedReadTokens, usage.cacheWriteTokens, usage.outputTokens, usage.reasoningTokens],
  otherUsage(usage),
  cost && costToJson(cost),
  priceVersion,
  // Last, so that rows without it are read as well.
  ...(collapsed ? [true] : []),
];

export const cacheHitOf = (row: Row | null): CacheHit | null =>
  row &&
  ({
    call: row[0],
    ageMs: row[1],
    usage: usageOf(row[2] as Row, row[3] as Row | null),
    cost: row[4] === null ? null : costFromJson(row[4] as CostJson),
    priceVersion: row[5],
    collapsed: row[6] === true,
  } as CacheHit);
