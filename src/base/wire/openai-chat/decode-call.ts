import { err, ok, type Result } from '#kernel/result.ts';
import type { Extra, GenerateCall, OutputFormat, ToolChoice, ToolDefinition } from '#wire/canonical.ts';
import type { FieldFault } from '#wire/dialect.ts';
import { fieldFault } from '#wire/json/checks.ts';
import {
  booleanOf,
  countOf,
  isObject,
  isUnset,
  listOf,
  numberOf,
  objectOf,
  textOf,
  type JsonObject,
} from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { decodeMessages } from './decode-messages.ts';
import { cacheOf } from './decode-parts.ts';
import { classOf } from './fields.ts';
import { policy } from './policy.ts';

/** Top-level fields with a place in the canonical call (some of them only for some values: see `extrasOf`). */
const PLACED: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'stream',
  'stream_options',
  'n',
  'max_tokens',
  'max_completion_tokens',
  'temperature',
  'top_p',
  'top_k',
  'presence_penalty',
  'frequency_penalty',
  'seed',
  'stop',
  'logprobs',
  'top_logprobs',
  'logit_bias',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'response_format',
  'reasoning_effort',
  'reasoning',
  'verbosity',
  'user',
  'safety_identifier',
  'metadata',
  'service_tier',
  'store',
  'prompt_cache_key',
  'web_search_options',
]);

/** A chat request as canonical call. Fields without a place are listed in `extras` with their class. */
export function decodeCall(request: StrictJson): Result<GenerateCall, FieldFault> {
  const checked = policy(request);
  if (!checked.ok) return checked;
  const rounded = roundedField(request);
  return rounded ? err(rounded) : ok(callOf(request.value));
}

/** A number that a double cannot hold would reach the other dialect as another number. */
export function roundedField(request: StrictJson): FieldFault | null {
  const at = request.longNumberAt;
  if (at === null) return null;
  const field = [...request.spans].find(([, span]) => span.start <= at && at < span.end)?.[0] ?? 'body';
  return fieldFault(field, `\`${field}\` holds an integer that a double cannot hold, which a translation would round.`);
}

function callOf(body: JsonObject): GenerateCall {
  const { turns, extras } = decodeMessages(listOf(body['messages']));
  return {
    kind: 'generate',
    model: body['model'] as string,
    turns,
    tools: toolsOf(body),
    toolChoice: decodeChoice(body['tool_choice']),
    parallelTools: booleanOf(body['parallel_tool_calls']),
    maxOutputTokens: countOf(body['max_completion_tokens']) ?? countOf(body['max_tokens']),
    ...sampling(body),
    format: decodeFormat(body['response_format']),
    reasoning: decodeReasoning(body),
    verbosity: textOf(body['verbosity']),
    stream: body['stream'] === true,
    includeUsage: objectOf(body['stream_options'])['include_usage'] === true,
    endUser: textOf(body['user']) ?? textOf(body['safety_identifier']),
    metadata: metadataOf(body['metadata']),
    serviceTier: textOf(body['service_tier']),
    store: booleanOf(body['store']),
    promptCacheKey: textOf(body['prompt_cache_key']),
    extras: [...extrasOf(body), ...extras],
  };
}

function sampling(body: JsonObject) {
  const stop = body['stop'];
  const bias = body['logit_bias'];
  return {
    temperature: numberOf(body['temperature']),
    topP: numberOf(body['top_p']),
    topK: numberOf(body['top_k']),
    stop: typeof stop === 'string' ? [stop] : (listOf(stop) as readonly string[]),
    seed: numberOf(body['seed']),
    n: countOf(body['n']) ?? 1,
    presencePenalty: numberOf(body['presence_penalty']),
    frequencyPenalty: numberOf(body['frequency_penalty']),
    logitBias: isObject(bias) ? (bias as Record<string, number>) : null,
    topLogprobs: body['logprobs'] === true ? (countOf(body['top_logprobs']) ?? 0) : null,
  };
}

function toolsOf(body: JsonObject): ToolDefinition[] {
  const search = body['web_search_options'];
  const tools = listOf(body['tools']).map((tool) => decodeTool(objectOf(tool)));
  if (isUnset(search)) return tools;
  return [...tools, { type: 'hosted', dialect: 'openai-chat', name: 'web_search_options', value: search }];
}

function decodeTool(tool: JsonObject): ToolDefinition {
  const type = textOf(tool['type']) ?? '';
  const of = objectOf(tool[type]);
  const name = textOf(of['name']) ?? '';
  const description = textOf(of['description']);
  const strict = booleanOf(of['strict']);
  const told = description === null ? {} : { description };
  if (type === 'function') {
    return {
      type,
      name,
      ...told,
      schema: of['parameters'] ?? null,
      ...(strict !== null && { strict }),
      ...cacheOf(tool),
    };
  }
  if (type === 'custom') return { type, name, ...told, ...(!isUnset(of['format']) && { format: of['format'] }) };
  return { type: 'hosted', dialect: 'openai-chat', name: type, value: tool };
}

/** Null for `allowed_tools` too, which has no canonical place and is listed. */
function decodeChoice(choice: unknown): ToolChoice | null {
  if (choice === 'auto' || choice === 'none' || choice === 'required') return { type: choice };
  // Mistral's word.
  if (choice === 'any') return { type: 'required' };
  const type = textOf(objectOf(choice)['type']);
  const name = type === null ? null : textOf(objectOf(objectOf(choice)[type])['name']);
  if (name === null || (type !== 'function' && type !== 'custom')) return null;
  return { type: 'named', name, custom: type === 'custom' };
}

function decodeFormat(format: unknown): OutputFormat | null {
  const type = objectOf(format)['type'];
  if (type === 'text') return { type };
  if (type === 'json_object') return { type: 'json' };
  if (type !== 'json_schema') return null;
  const of = objectOf(objectOf(format)['json_schema']);
  const [strict, description] = [booleanOf(of['strict']), textOf(of['description'])];
  return {
    type,
    name: textOf(of['name']) ?? 'answer',
    schema: of['schema'] ?? null,
    ...(strict !== null && { strict }),
    ...(description !== null && { description }),
  };
}

/** OpenAI's `reasoning_effort`; OpenRouter's `reasoning: {effort, max_tokens, enabled}`. */
function decodeReasoning(body: JsonObject): GenerateCall['reasoning'] {
  const of = objectOf(body['reasoning']);
  const effort = textOf(body['reasoning_effort']) ?? textOf(of['effort']);
  const budgetTokens = countOf(of['max_tokens']);
  const enabled = booleanOf(of['enabled']);
  if (effort === null && budgetTokens === null && enabled === null) return null;
  return { effort, budgetTokens, enabled, summary: null };
}

/** Values that are no strings are refused by OpenAI; as a hint they are left out. */
function metadataOf(metadata: unknown): Readonly<Record<string, string>> | null {
  if (!isObject(metadata)) return null;
  return Object.fromEntries(
    Object.entries(metadata).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function extrasOf(body: JsonObject): Extra[] {
  const extras = Object.entries(body)
    .filter(([field, value]) => !isUnset(value) && !hasPlace(field, value, body))
    .map(([field, value]): Extra => ({ field, value, class: classOf(field) }));
  const obfuscation = objectOf(body['stream_options'])['include_obfuscation'];
  if (typeof obfuscation !== 'boolean') return extras;
  return [...extras, { field: 'stream_options.include_obfuscation', value: obfuscation, class: 'hint' }];
}

function hasPlace(field: string, value: unknown, body: JsonObject): boolean {
  // Text alone is what every dialect answers.
  if (field === 'modalities') return listOf(value).every((modality) => modality === 'text');
  if (!PLACED.has(field)) return false;
  if (field === 'tool_choice') return decodeChoice(value) !== null;
  if (field === 'response_format') return decodeFormat(value) !== null;
  if (field === 'safety_identifier') return isUnset(body['user']);
  return true;
}
