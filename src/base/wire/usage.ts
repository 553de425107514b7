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
  readonly outputImageTokens: number | null;
  /** Paid uses of the provider's own tools, by the provider's name (`web_search_requests`). */
  readonly toolUses: Readonly<Record<string, number>>;
  /**
   * What is billed by other units than tokens: `character` of text that is spoken, `audioMs` of sound, `searchUnit`, and
   * `image` with quality and size before it (`hd-1024x1792.image`). Counts; empty where nothing of it is known.
   */
  readonly units: Units;
  /** Tier, speed and region that the provider says it billed; each changes the price. */
  readonly serviceTier: string | null;
  readonly speed: string | null;
  readonly inferenceGeo: string | null;
  /** Cost in decimal US dollars that the provider itself states (OpenRouter `usage.cost`). Kept beside ours. */
  readonly statedCostUsd: string | null;
}

/** Units by name: {@link Usage.units}. */
export type Units = Readonly<Record<string, number>>;
export const NO_UNITS: Units = Object.freeze({});

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
  outputImageTokens: null,
  toolUses: Object.freeze({}),
  units: NO_UNITS,
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
  if (!hasUnits(later)) merged['units'] = earlier.units;
  if (Object.keys(later.toolUses).length === 0) merged['toolUses'] = earlier.toolUses;
  return merged as unknown as Usage;
}

export function hasUnits({ units }: Usage): boolean {
  for (const _ in units) return true;
  return false;
}

/** Both counts by name. */
export function addUnits(a: Units, b: Units): Units {
  const sum: Record<string, number> = { ...a };
  for (const [name, count] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}

/** Token buckets of two requests together. */
export function addUsage(a: Usage, b: Usage): Usage {
  const sum: Record<string, unknown> = { ...b };
  for (const [name, value] of Object.entries(a)) {
    const other = sum[name];
    if (typeof value === 'number') sum[name] = value + (typeof other === 'number' ? other : 0);
    else if (other === null) sum[name] = value;
  }
  const tools: Record<string, number> = { ...a.toolUses };
  for (const [tool, uses] of Object.entries(b.toolUses))
    tools[tool] = (Object.hasOwn(tools, tool) ? tools[tool]! : 0) + uses;
  return { ...(sum as unknown as Usage), toolUses: tools, units: addUnits(a.units, b.units) };
}
