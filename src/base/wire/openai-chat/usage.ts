import { isObject, numberOf, objectOf, textOf, type JsonObject, usedOf } from '#wire/json/read.ts';
import { NO_USAGE, type Usage } from '#wire/usage.ts';

/**
 * Usage of a chat answer or chunk, or null where the provider sent none. Field names: `openai` 7.57.0
 * `CompletionUsage`; DeepSeek `prompt_cache_hit_tokens`; Moonshot `cached_tokens` beside the totals;
 * Mistral `num_cached_tokens` and `prompt_token_details`;
 * proxies of Anthropic models `cache_read_input_tokens`, `cache_creation_input_tokens`; Groq `x_groq.usage`.
 */
export function readUsage(answer: JsonObject): Usage | null {
  const stated = isObject(answer['usage']) ? answer['usage'] : objectOf(answer['x_groq'])['usage'];
  if (!isObject(stated)) return null;
  return decodeUsage(stated, textOf(answer['service_tier']));
}

function decodeUsage(usage: JsonObject, serviceTier: string | null): Usage {
  const input = objectOf(usage['prompt_tokens_details']);
  const output = objectOf(usage['completion_tokens_details']);
  return {
    ...NO_USAGE,
    inputTokens: usedOf(usage['prompt_tokens']),
    cachedReadTokens:
      usedOf(input['cached_tokens']) ??
      usedOf(objectOf(usage['prompt_token_details'])['cached_tokens']) ??
      usedOf(usage['num_cached_tokens']) ??
      usedOf(usage['prompt_cache_hit_tokens']) ??
      usedOf(usage['cached_tokens']) ??
      usedOf(usage['cache_read_input_tokens']),
    cacheWriteTokens: usedOf(input['cache_write_tokens']) ?? usedOf(usage['cache_creation_input_tokens']),
    inputAudioTokens: usedOf(input['audio_tokens']),
    inputImageTokens: usedOf(input['image_tokens']),
    outputTokens: outputTokens(usage, output),
    reasoningTokens: usedOf(output['reasoning_tokens']) ?? usedOf(usage['reasoning_tokens']),
    outputAudioTokens: usedOf(output['audio_tokens']),
    toolUses: toolUses(usage),
    serviceTier,
    statedCostUsd: statedCost(usage['cost']),
  };
}

/**
 * xAI counts reasoning outside `completion_tokens`; its total says so. Where the three stated parts add up to the
 * stated total, reasoning is added, since our output includes it. With OpenAI's meaning they never do.
 */
function outputTokens(usage: JsonObject, details: JsonObject): number | null {
  const completion = usedOf(usage['completion_tokens']);
  const reasoning = usedOf(details['reasoning_tokens']) ?? usedOf(usage['reasoning_tokens']);
  const input = usedOf(usage['prompt_tokens']);
  const total = usedOf(usage['total_tokens']);
  if (completion === null || !reasoning || input === null || total === null) return completion;
  return total === input + completion + reasoning ? completion + reasoning : completion;
}

/** OpenRouter `server_tool_use`, Perplexity `num_search_queries`, xAI `num_sources_used`: each is paid by the use. */
function toolUses(usage: JsonObject): Readonly<Record<string, number>> {
  if (usage['server_tool_use'] === undefined && !usage['num_search_queries'] && !usage['num_sources_used'])
    return NO_USAGE.toolUses;
  const uses: [string, number][] = [];
  const add = (name: string, value: unknown): void => {
    const count = usedOf(value);
    if (count !== null && count > 0) uses.push([name, count]);
  };
  for (const [name, value] of Object.entries(objectOf(usage['server_tool_use']))) add(name, value);
  add('num_search_queries', usage['num_search_queries']);
  add('num_sources_used', usage['num_sources_used']);
  return uses.length === 0 ? NO_USAGE.toolUses : Object.fromEntries(uses);
}

/** OpenRouter states a number, Perplexity an object with `total_cost`. */
function statedCost(cost: unknown): string | null {
  const usd = numberOf(isObject(cost) ? cost['total_cost'] : cost);
  return usd === null || usd < 0 ? null : decimalText(usd);
}

/** A number in plain decimal digits: `1.5e-7` becomes `0.00000015`. */
export function decimalText(value: number): string {
  const [mantissa, exponent] = String(value).split('e');
  if (exponent === undefined) return mantissa!;
  const [whole, fraction = ''] = mantissa!.split('.');
  const point = whole!.length + Number(exponent);
  const digits = whole! + fraction;
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`;
  return point >= digits.length
    ? digits + '0'.repeat(point - digits.length)
    : `${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** OpenAI's usage object of an answer. Totals that nobody stated are 0, since the SDK's type has no null there. */
export function encodeUsage(usage: Usage): object {
  const input = usage.inputTokens ?? 0;
  const output = usage.outputTokens ?? 0;
  const inputDetails = stated({
    cached_tokens: usage.cachedReadTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    audio_tokens: usage.inputAudioTokens,
    image_tokens: usage.inputImageTokens,
  });
  const outputDetails = stated({ reasoning_tokens: usage.reasoningTokens, audio_tokens: usage.outputAudioTokens });
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    ...(inputDetails && { prompt_tokens_details: inputDetails }),
    ...(outputDetails && { completion_tokens_details: outputDetails }),
    ...(Object.keys(usage.toolUses).length > 0 && { server_tool_use: usage.toolUses }),
  };
}

function stated(counts: Record<string, number | null>): Record<string, number> | null {
  const known = Object.entries(counts).filter((entry): entry is [string, number] => entry[1] !== null);
  return known.length === 0 ? null : Object.fromEntries(known);
}
