import { cannotSay, newEncoding, type Encoding } from '../anthropic-messages/encoding.ts';
import type { CanonicalCall, GenerateCall, ToolDefinition } from '../canonical.ts';
import type { EncodedCall } from '../dialect.ts';
import { isObject } from '../json/read.ts';
import { encodeTurns } from './encode-turns.ts';
import { encodeThinking } from './encode-thinking.ts';

/** The canonical call as a `generateContent` body. Model and stream stand in the path. */
export function encodeCall(call: CanonicalCall): EncodedCall {
  if (call.kind !== 'generate') return { value: {}, unsupported: [{ field: 'input', class: 'meaning' }] };
  const to = newEncoding();
  const value = encodeGenerate(to, call);
  return { value, unsupported: to.unsupported };
}

function encodeGenerate(to: Encoding, call: GenerateCall): Record<string, unknown> {
  nameUnsaid(to, call);
  const turns = encodeTurns(to, call.turns);
  const tools = encodeTools(to, call.tools);
  const choice = encodeChoice(to, call);
  const config = encodeConfig(to, call);
  const tier = encodeTier(to, call.serviceTier);
  return {
    ...turns,
    ...(tools.length > 0 && { tools }),
    ...(choice && { toolConfig: { functionCallingConfig: choice } }),
    ...(Object.keys(config).length > 0 && { generationConfig: config }),
    ...(tier !== null && { serviceTier: tier }),
    ...(call.store !== null && { store: call.store }),
  };
}

/** Canonical fields that Google has no word for. Bookkeeping is a hint; what changes the answer is not. */
function nameUnsaid(to: Encoding, call: GenerateCall): void {
  if (call.logitBias && Object.keys(call.logitBias).length > 0) cannotSay(to, 'logit_bias', 'meaning');
  // Its models may call several functions at once, and there is no switch.
  if (call.parallelTools === false) cannotSay(to, 'parallel_tool_calls', 'meaning');
  if (call.verbosity !== null) cannotSay(to, 'verbosity', 'hint');
  if (call.metadata !== null) cannotSay(to, 'metadata', 'hint');
  if (call.endUser !== null) cannotSay(to, 'user', 'hint');
  if (call.promptCacheKey !== null) cannotSay(to, 'prompt_cache_key', 'hint');
}

function encodeTools(to: Encoding, tools: readonly ToolDefinition[]): object[] {
  const functions: object[] = [];
  const hosted: object[] = [];
  for (const [index, tool] of tools.entries()) {
    const path = `tools[${index}]`;
    if (tool.type === 'function') functions.push(encodeFunction(to, tool, path));
    else if (tool.type === 'hosted' && tool.dialect === 'google-generate' && isObject(tool.value))
      hosted.push(tool.value);
    else cannotSay(to, path, 'meaning');
  }
  return [...(functions.length > 0 ? [{ functionDeclarations: functions }] : []), ...hosted];
}

/** Google holds calls to their schema by itself, as well as its models do: there is no switch for strictness. */
function encodeFunction(to: Encoding, tool: Extract<ToolDefinition, { type: 'function' }>, path: string): object {
  if (tool.cache) cannotSay(to, `${path}.cache`, 'hint');
  if (tool.strict === true) cannotSay(to, `${path}.strict`, 'hint');
  return {
    name: tool.name,
    ...(tool.description !== undefined && { description: tool.description }),
    ...(isObject(tool.schema) && { parametersJsonSchema: tool.schema }),
  };
}

function encodeChoice(to: Encoding, call: GenerateCall): object | null {
  const choice = call.toolChoice;
  if (!choice) return null;
  if (choice.type === 'named') {
    if (!choice.custom) return { mode: 'ANY', allowedFunctionNames: [choice.name] };
    return (cannotSay(to, 'tool_choice', 'meaning'), null);
  }
  return { mode: choice.type === 'required' ? 'ANY' : choice.type === 'none' ? 'NONE' : 'AUTO' };
}

function encodeConfig(to: Encoding, call: GenerateCall): Record<string, unknown> {
  const thinking = encodeThinking(to, call);
  const fields: Record<string, unknown> = {
    temperature: call.temperature,
    topP: call.topP,
    topK: call.topK,
    candidateCount: call.n === 1 ? null : call.n,
    maxOutputTokens: call.maxOutputTokens,
    stopSequences: call.stop.length > 0 ? call.stop : null,
    presencePenalty: call.presencePenalty,
    frequencyPenalty: call.frequencyPenalty,
    seed: call.seed,
    responseLogprobs: call.topLogprobs === null ? null : true,
    logprobs: call.topLogprobs || null,
    ...formatFields(call),
    thinkingConfig: thinking,
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null && value !== undefined));
}

function formatFields({ format }: GenerateCall): Record<string, unknown> {
  if (format === null || format.type === 'text') return {};
  const json = { responseMimeType: 'application/json' };
  return format.type === 'json' || !isObject(format.schema) ? json : { ...json, responseJsonSchema: format.schema };
}

/** Tiers of others in Google's words; `auto` is what it does without one. Null: not said. */
const TIERS: ReadonlyMap<string, string | null> = new Map([
  ['auto', null],
  ['default', 'standard'],
  ['standard', 'standard'],
  ['standard_only', 'standard'],
  ['flex', 'flex'],
  ['priority', 'priority'],
]);

function encodeTier(to: Encoding, tier: string | null): string | null {
  if (tier === null) return null;
  const known = TIERS.get(tier);
  if (known === undefined) cannotSay(to, 'service_tier', 'hint');
  return known ?? null;
}
