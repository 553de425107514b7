import { isObject, numberOf, objectOf, textOf, type JsonObject, usedOf } from '#wire/json/read.ts';
import { decimalText } from '#wire/openai-chat/usage.ts';
import { NO_USAGE, type Usage } from '#wire/usage.ts';
import { objectsOf, typeOf } from './shape.ts';

/**
 * Usage of a Response (openai 7.57.0 `ResponseUsage`): input includes cached reads and writes, output includes
 * reasoning. Uses of hosted tools stand beside it in `tool_usage` and, one an item, in `output`.
 */
export function readUsage(response: JsonObject): Usage | null {
  const usage = response['usage'];
  if (!isObject(usage)) return null;
  const input = objectOf(usage['input_tokens_details']);
  const output = objectOf(usage['output_tokens_details']);
  return {
    ...NO_USAGE,
    inputTokens: usedOf(usage['input_tokens']),
    cachedReadTokens: usedOf(input['cached_tokens']),
    cacheWriteTokens: usedOf(input['cache_write_tokens']),
    inputAudioTokens: usedOf(input['audio_tokens']),
    inputImageTokens: usedOf(input['image_tokens']),
    outputTokens: usedOf(usage['output_tokens']),
    reasoningTokens: usedOf(output['reasoning_tokens']),
    outputAudioTokens: usedOf(output['audio_tokens']),
    toolUses: toolUses(response),
    serviceTier: textOf(response['service_tier']),
    statedCostUsd: statedCost(usage['cost']),
  };
}

/** Hosted calls that are billed apiece, by the type of their item and the name in `Usage.toolUses`. */
const BILLED_ITEMS: ReadonlyMap<string, string> = new Map([
  ['web_search_call', 'web_search_requests'],
  ['file_search_call', 'file_search_calls'],
  ['image_generation_call', 'image_generation_calls'],
]);

function toolUses(response: JsonObject): Record<string, number> {
  const uses: Record<string, number> = {};
  const containers = new Set<string>();
  for (const item of objectsOf(response['output'])) {
    const name = BILLED_ITEMS.get(typeOf(item));
    if (name) uses[name] = (uses[name] ?? 0) + 1;
    const container = typeOf(item) === 'code_interpreter_call' ? textOf(item['container_id']) : null;
    if (container) containers.add(container);
  }
  if (containers.size > 0) uses['code_interpreter_containers'] = containers.size;
  return { ...uses, ...statedUses(objectOf(response['tool_usage'])) };
}

/** `tool_usage` is the provider's own count and wins over the items. */
function statedUses(stated: JsonObject): Record<string, number> {
  const uses: Record<string, number> = {};
  const put = (name: string, value: unknown): void => {
    const n = usedOf(value);
    if (n) uses[name] = n;
  };
  put('web_search_requests', objectOf(stated['web_search'])['num_requests']);
  const images = objectOf(stated['image_gen']);
  put('image_gen_input_tokens', images['input_tokens']);
  put('image_gen_output_tokens', images['output_tokens']);
  return uses;
}

/** OpenRouter states its own charge in dollars. */
function statedCost(value: unknown): string | null {
  const usd = numberOf(value);
  return usd === null || usd < 0 ? null : decimalText(usd);
}

/** The Response's `usage`. What is not known is 0: the type has no null there. Null usage stays absent. */
export const writeUsage = (usage: Usage) => ({
  input_tokens: usage.inputTokens ?? 0,
  input_tokens_details: {
    cached_tokens: usage.cachedReadTokens ?? 0,
    cache_write_tokens: usage.cacheWriteTokens ?? 0,
  },
  output_tokens: usage.outputTokens ?? 0,
  output_tokens_details: { reasoning_tokens: usage.reasoningTokens ?? 0 },
  total_tokens: (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0),
});
