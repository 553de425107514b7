import type { CanonicalCall, GenerateCall, ToolDefinition } from '../canonical.ts';
import type { EncodedCall } from '../dialect.ts';
import { isObject } from '../json/read.ts';
import { encodeCache, type Block } from './encode-parts.ts';
import { encodeTurns } from './encode-turns.ts';
import { cannotSay, newEncoding, type Encoding } from './encoding.ts';

/**
 * Anthropic requires `max_tokens`; other APIs answer as long as the model likes. 4,096 is what every Claude model
 * since 3 allows, and the gate's first guess of an answer's length.
 */
export const DEFAULT_MAX_TOKENS = 4096;

/** Anthropic's range is 0 to 1, OpenAI's 0 to 2. */
const MAX_TEMPERATURE = 1;

/** The canonical call as a Messages body, with {@link DEFAULT_MAX_TOKENS} where the call has no limit. */
export const encodeCall = (call: CanonicalCall): EncodedCall => withDefaultMaxTokens(DEFAULT_MAX_TOKENS)(call);

/** An `encodeCall` with another limit for calls that have none (a deployment's own largest answer). */
export const withDefaultMaxTokens =
  (defaultMaxTokens: number) =>
  (call: CanonicalCall): EncodedCall => {
    const to = newEncoding();
    if (call.kind !== 'generate') return { value: {}, unsupported: [{ field: 'input', class: 'meaning' }] };
    const value = encodeGenerate(to, call, defaultMaxTokens);
    return { value, unsupported: to.unsupported };
  };

function encodeGenerate(to: Encoding, call: GenerateCall, defaultMaxTokens: number): Record<string, unknown> {
  nameUnsaid(to, call);
  const tools = call.tools.flatMap((tool, index) => encodeTool(to, tool, `tools[${index}]`));
  const choice = encodeToolChoice(to, call, tools.length > 0);
  const thinking = encodeThinking(call);
  const output = encodeOutput(to, call);
  const tier = encodeTier(to, call.serviceTier);
  return {
    model: call.model,
    max_tokens: call.maxOutputTokens ?? defaultMaxTokens,
    ...encodeTurns(to, call.turns),
    ...(tools.length > 0 && { tools }),
    ...(choice && { tool_choice: choice }),
    ...(call.temperature !== null && { temperature: encodeTemperature(to, call.temperature) }),
    ...(call.topP !== null && { top_p: call.topP }),
    ...(call.topK !== null && { top_k: call.topK }),
    ...(call.stop.length > 0 && { stop_sequences: call.stop }),
    ...(thinking && { thinking }),
    ...(output && { output_config: output }),
    ...(call.endUser !== null && { metadata: { user_id: call.endUser } }),
    ...(tier !== null && { service_tier: tier }),
    ...(call.stream && { stream: true }),
  };
}

/** Canonical fields that a Messages body has no word for. Sampling and bookkeeping are hints; what is read is not. */
function nameUnsaid(to: Encoding, call: GenerateCall): void {
  if (call.seed !== null) cannotSay(to, 'seed', 'hint');
  if (call.n !== 1) cannotSay(to, 'n', 'meaning');
  if (call.presencePenalty) cannotSay(to, 'presence_penalty', 'hint');
  if (call.frequencyPenalty) cannotSay(to, 'frequency_penalty', 'hint');
  if (call.logitBias && Object.keys(call.logitBias).length > 0) cannotSay(to, 'logit_bias', 'meaning');
  if (call.topLogprobs !== null) cannotSay(to, 'top_logprobs', 'meaning');
  if (call.verbosity !== null) cannotSay(to, 'verbosity', 'hint');
  if (call.metadata !== null) cannotSay(to, 'metadata', 'hint');
  // Nothing is stored for the caller at Anthropic: what `false` asks is kept, what `true` asks is not.
  if (call.store === true) cannotSay(to, 'store', 'hint');
  if (call.promptCacheKey !== null) cannotSay(to, 'prompt_cache_key', 'hint');
}

function encodeTemperature(to: Encoding, temperature: number): number {
  if (temperature > MAX_TEMPERATURE) cannotSay(to, 'temperature', 'hint');
  return Math.min(temperature, MAX_TEMPERATURE);
}

function encodeTool(to: Encoding, tool: ToolDefinition, path: string): Block[] {
  if (tool.type === 'hosted' && tool.dialect === 'anthropic-messages' && isObject(tool.value)) return [tool.value];
  if (tool.type !== 'function') return (cannotSay(to, path, 'meaning'), []);
  return [
    {
      name: tool.name,
      ...(tool.description !== undefined && { description: tool.description }),
      // OpenAI lets a function without parameters have no schema; Anthropic requires an object's.
      input_schema: isObject(tool.schema) ? tool.schema : { type: 'object', properties: {} },
      ...(tool.strict !== undefined && { strict: tool.strict }),
      ...(tool.cache && { cache_control: encodeCache(tool.cache) }),
    },
  ];
}

function encodeToolChoice(to: Encoding, call: GenerateCall, hasTools: boolean): Block | null {
  const choice = call.toolChoice;
  const parallel = call.parallelTools === null ? {} : { disable_parallel_tool_use: !call.parallelTools };
  // Without tools there is nothing to choose or to run side by side.
  if (!choice) return call.parallelTools !== null && hasTools ? { type: 'auto', ...parallel } : null;
  if (choice.type === 'none') return { type: 'none' };
  if (choice.type !== 'named') return { type: choice.type === 'required' ? 'any' : 'auto', ...parallel };
  if (choice.custom) return (cannotSay(to, 'tool_choice', 'meaning'), null);
  return { type: 'tool', name: choice.name, ...parallel };
}

function encodeThinking(call: GenerateCall): Block | null {
  const { reasoning } = call;
  if (!reasoning) return null;
  if (reasoning.enabled === false || reasoning.effort === 'none') return { type: 'disabled' };
  const display =
    reasoning.summary === null ? {} : { display: reasoning.summary === 'omitted' ? 'omitted' : 'summarized' };
  if (reasoning.budgetTokens !== null) return { type: 'enabled', budget_tokens: reasoning.budgetTokens, ...display };
  // An effort alone does not ask for thinking: older models refuse `adaptive`. A summary does.
  return reasoning.enabled === true || reasoning.summary !== null ? { type: 'adaptive', ...display } : null;
}

/** Efforts of other families in Anthropic's words (SDK `OutputConfig.effort`); `none` is `thinking: disabled`. */
const EFFORTS: ReadonlyMap<string, string | null> = new Map([
  ['none', null],
  ['minimal', 'low'],
  ['low', 'low'],
  ['medium', 'medium'],
  ['high', 'high'],
  ['xhigh', 'xhigh'],
  ['max', 'max'],
]);

function encodeOutput(to: Encoding, call: GenerateCall): Block | null {
  const asked = call.reasoning?.effort ?? null;
  const effort = asked === null ? null : EFFORTS.get(asked);
  if (effort === undefined) cannotSay(to, 'reasoning_effort', 'hint');
  const format = encodeFormat(to, call);
  if (!effort && !format) return null;
  return { ...(effort && { effort }), ...(format && { format }) };
}

/** `json_object` asks for any JSON: Anthropic's structured output needs a schema that closes its objects. */
function encodeFormat(to: Encoding, call: GenerateCall): Block | null {
  if (call.format === null || call.format.type === 'text') return null;
  if (call.format.type === 'json') return (cannotSay(to, 'response_format', 'meaning'), null);
  return { type: 'json_schema', schema: call.format.schema };
}

const TIERS: ReadonlyMap<string, string> = new Map([
  ['auto', 'auto'],
  ['default', 'standard_only'],
  ['standard', 'standard_only'],
  ['standard_only', 'standard_only'],
]);

function encodeTier(to: Encoding, tier: string | null): string | null {
  if (tier === null) return null;
  const known = TIERS.get(tier) ?? null;
  if (known === null) cannotSay(to, 'service_tier', 'hint');
  return known;
}
