/**
 * Token buckets of one answer in one meaning for all dialects. `null` means that the provider did not say.
 * `inputTokens` INCLUDES cached reads, cache writes, audio and image tokens, as OpenAI counts; Anthropic's
 * `input_tokens` excludes cached tokens and is converted at the codec. `outputTokens` includes reasoning and audio.
 */
export interface Usage {
  readonly inputTokens: number | null;
  readonly cachedReadTokens: number | null;
  /** All cache writes, whatever their life. */
  readonly cacheWriteTokens: number | null;
  /** The part of `cacheWriteTokens` that lives an hour (Anthropic `ephemeral_1h`). */
  readonly cacheWrite1hTokens: number | null;
  readonly inputAudioTokens: number | null;
  readonly inputImageTokens: number | null;
  readonly outputTokens: number | null;
  readonly reasoningTokens: number | null;
  readonly outputAudioTokens: number | null;
  /** Paid uses of the provider's own tools, by the provider's name (`web_search_requests`). */
  readonly toolUses: Readonly<Record<string, number>>;
  /** Tier, speed and region that the provider says it billed; each changes the price. */
  readonly serviceTier: string | null;
  readonly speed: string | null;
  readonly inferenceGeo: string | null;
  /** Cost in decimal US dollars that the provider itself states (OpenRouter `usage.cost`). Kept beside ours. */
  readonly statedCostUsd: string | null;
}

export const NO_USAGE: Usage = Object.freeze({
  inputTokens: null,
  cachedReadTokens: null,
  cacheWriteTokens: null,
  cacheWrite1hTokens: null,
  inputAudioTokens: null,
  inputImageTokens: null,
  outputTokens: null,
  reasoningTokens: null,
  outputAudioTokens: null,
  toolUses: Object.freeze({}),
  serviceTier: null,
  speed: null,
  inferenceGeo: null,
  statedCostUsd: null,
});

/** Later usage of the same answer wins field by field; what it leaves out stays (Anthropic's `message_delta`). */
export function mergeUsage(earlier: Usage | null, later: Usage): Usage {
  if (!earlier) return later;
  const merged: Record<string, unknown> = { ...earlier };
  for (const [name, value] of Object.entries(later)) if (value !== null) merged[name] = value;
  if (Object.keys(later.toolUses).length === 0) merged['toolUses'] = earlier.toolUses;
  return merged as unknown as Usage;
}
