import { hasUnits, type Usage } from '#wire/usage.ts';

type Row = readonly unknown[];

/** Place of the provider's own stated cost in {@link otherUsage}. */
export const STATED_COST_AT = 8;

/** Buckets that have no column; null where all are empty, as nearly always. */
export const otherUsage = (usage: Usage): Row | null =>
  usage.cacheWrite1hTokens === null &&
  usage.inputAudioTokens === null &&
  usage.inputImageTokens === null &&
  usage.outputAudioTokens === null &&
  usage.serviceTier === null &&
  usage.speed === null &&
  usage.inferenceGeo === null &&
  usage.statedCostUsd === null &&
  usage.outputImageTokens === null &&
  !hasUnits(usage) &&
  Object.keys(usage.toolUses).length === 0
    ? null
    : [
        usage.cacheWrite1hTokens,
        usage.inputAudioTokens,
        usage.inputImageTokens,
        usage.outputAudioTokens,
        usage.toolUses,
        usage.serviceTier,
        usage.speed,
        usage.inferenceGeo,
        usage.statedCostUsd,
        usage.outputImageTokens,
        hasUnits(usage) ? usage.units : null,
      ];

/** The counts that have columns, and the others. */
export const usageOf = (tokens: Row, others: Row | null): Usage =>
  ({
    inputTokens: tokens[0] ?? null,
    cachedReadTokens: tokens[1] ?? null,
    cacheWriteTokens: tokens[2] ?? null,
    cacheWrite1hTokens: others?.[0] ?? null,
    inputAudioTokens: others?.[1] ?? null,
    inputImageTokens: others?.[2] ?? null,
    outputTokens: tokens[3] ?? null,
    reasoningTokens: tokens[4] ?? null,
    outputAudioTokens: others?.[3] ?? null,
    outputImageTokens: others?.[9] ?? null,
    toolUses: others?.[4] ?? {},
    units: others?.[10] ?? {},
    serviceTier: others?.[5] ?? null,
    speed: others?.[6] ?? null,
    inferenceGeo: others?.[7] ?? null,
    statedCostUsd: others?.[8] ?? null,
  }) as Usage;
