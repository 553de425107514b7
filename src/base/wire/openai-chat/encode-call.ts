import type { CanonicalCall, Extra, GenerateCall, OutputFormat, ToolChoice, ToolDefinition } from '#wire/canonical.ts';
import type { EncodedCall, Target } from '#wire/dialect.ts';
import { invariant } from '#kernel/invariant.ts';
import { isObject } from '#wire/json/read.ts';
import { encodeMessages } from './encode-messages.ts';
import { losses, markOf, type Losses } from './encode-parts.ts';
import { PLACELESS } from './fields.ts';

type Json = Record<string, unknown>;

/** The call as a chat request, and what chat cannot say of it. `null` in the call is a field that is not sent. */
export function encodeCall(call: CanonicalCall, target?: Target): EncodedCall {
  invariant(call.kind === 'generate', 'a chat request carries a generate call');
  const lost = losses(target?.cacheControl ?? false);
  const fields: Json = {
    model: call.model,
    messages: encodeMessages(call.turns, lost),
    ...toolFields(call, lost),
    ...limitFields(call, lost),
    ...answerFields(call, lost),
    ...accountFields(call),
    ...streamFields(call),
  };
  const value = Object.fromEntries(Object.entries(fields).filter(([, one]) => one !== null && one !== undefined));
  addExtras(value, call.extras, lost);
  return { value, unsupported: lost.list };
}

function toolFields(call: GenerateCall, lost: Losses): Json {
  const search = call.tools.find(isOwnSearch);
  const tools = call.tools.filter((tool) => !isOwnSearch(tool)).flatMap((tool, i) => encodeTool(tool, i, lost) ?? []);
  return {
    tools: tools.length > 0 ? tools : null,
    tool_choice: encodeChoice(call.toolChoice),
    parallel_tool_calls: call.parallelTools,
    web_search_options: search?.type === 'hosted' ? search.value : null,
  };
}

const isOwnSearch = (tool: ToolDefinition): boolean =>
  tool.type === 'hosted' && tool.dialect === 'openai-chat' && tool.name === 'web_search_options';

function encodeTool(tool: ToolDefinition, index: number, lost: Losses): unknown {
  if (tool.type === 'hosted') {
    if (tool.dialect === 'openai-chat') return tool.value;
    lost.meaning(`tools[${index}]`);
    return null;
  }
  const told = tool.description === undefined ? {} : { description: tool.description };
  if (tool.type === 'custom') {
    return {
      type: 'custom',
      custom: { name: tool.name, ...told, ...(tool.format !== undefined && { format: tool.format }) },
    };
  }
  const strict = tool.strict === undefined ? {} : { strict: tool.strict };
  const schema = tool.schema === null || tool.schema === undefined ? {} : { parameters: tool.schema };
  const mark = markOf(tool.cache, `tools[${index}]`, lost);
  return { type: 'function', function: { name: tool.name, ...told, ...schema, ...strict }, ...mark };
}

function encodeChoice(choice: ToolChoice | null): unknown {
  if (choice === null || choice.type !== 'named') return choice?.type ?? null;
  const type = choice.custom ? 'custom' : 'function';
  return { type, [type]: { name: choice.name } };
}

function limitFields(call: GenerateCall, lost: Losses): Json {
  if (call.topK !== null) lost.hint('top_k');
  return {
    max_completion_tokens: call.maxOutputTokens,
    temperature: call.temperature,
    top_p: call.topP,
    presence_penalty: call.presencePenalty,
    frequency_penalty: call.frequencyPenalty,
    logit_bias: call.logitBias,
    seed: call.seed,
    stop: call.stop.length > 0 ? call.stop : null,
    n: call.n === 1 ? null : call.n,
  };
}

function answerFields(call: GenerateCall, lost: Losses): Json {
  for (const name of ['budgetTokens', 'enabled', 'summary'] as const) {
    if (call.reasoning && call.reasoning[name] !== null) lost.hint(`reasoning.${name}`);
  }
  return {
    response_format: encodeFormat(call.format),
    reasoning_effort: call.reasoning?.effort,
    verbosity: call.verbosity,
    logprobs: call.topLogprobs === null ? null : true,
    top_logprobs: call.topLogprobs || null,
  };
}

function encodeFormat(format: OutputFormat | null): unknown {
  if (format === null || format.type === 'text') return format;
  if (format.type === 'json') return { type: 'json_object' };
  const { type, schema, ...rest } = format;
  return { type, json_schema: { ...rest, ...(schema !== null && { schema }) } };
}

const accountFields = (call: GenerateCall): Json => ({
  user: call.endUser,
  metadata: call.metadata,
  service_tier: call.serviceTier,
  store: call.store,
  prompt_cache_key: call.promptCacheKey,
});

const streamFields = (call: GenerateCall): Json => ({
  stream: call.stream ? true : null,
  stream_options: call.stream && call.includeUsage ? { include_usage: true } : null,
});

/** Fields that only this dialect has came from it and go back; all others are listed by their class. */
function addExtras(value: Json, extras: readonly Extra[], lost: Losses): void {
  for (const extra of extras) {
    if (extra.field === 'stream_options.include_obfuscation' && value['stream'] === true) {
      value['stream_options'] = { ...(value['stream_options'] as Json), include_obfuscation: extra.value };
    } else if (isOwn(extra) && !Object.hasOwn(value, extra.field)) value[extra.field] = extra.value;
    else lost.list.push({ field: extra.field, class: extra.class });
  }
}

/** Responses has fields of the same name in another shape: only chat's own shape goes back. */
const isOwn = ({ field, value }: Extra): boolean =>
  PLACELESS.has(field) ||
  (field === 'tool_choice' && isObject(value) && 'allowed_tools' in value) ||
  (field === 'response_format' && isObject(value));
