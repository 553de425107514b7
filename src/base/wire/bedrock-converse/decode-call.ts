import { err, ok, type Result } from '#kernel/result.ts';
import type { GenerateCall, Turn } from '../canonical.ts';
import type { FieldFault } from '../dialect.ts';
import {
  newDecoding,
  noteExtra,
  noteUnknown,
  optional,
  wanted,
  type Decoding,
} from '../anthropic-messages/decoding.ts';
import { aBoolean, aNumber, anArray, anObject, aString, integerWithin, listOfStrings, oneOf } from '../json/checks.ts';
import { isObject, objectOf, textOf, type JsonObject } from '../json/read.ts';
import type { StrictJson } from '../json/strict.ts';
import { decodeContent } from './decode-parts.ts';
import { decodeChoice, decodeTools } from './decode-tools.ts';
import { CARRIED_FIELDS, fieldClass } from './fields.ts';

/** A Converse body, with the path's `model` and `stream`, to the canonical call. */
export function decodeCall(request: StrictJson): Result<GenerateCall, FieldFault> {
  const to = newDecoding();
  const call = decodeBody(to, request.value);
  return to.fault ? err(to.fault) : ok(call);
}

const part = (to: Decoding, body: JsonObject, name: string, known: readonly string[]): JsonObject => {
  const value = optional<JsonObject>(to, body[name], name, anObject) ?? {};
  noteUnknown(to, value, name, new Set(known));
  return value;
};

function decodeBody(to: Decoding, body: JsonObject): GenerateCall {
  const inference = part(to, body, 'inferenceConfig', ['maxTokens', 'temperature', 'topP', 'stopSequences']);
  const tools = part(to, body, 'toolConfig', ['tools', 'toolChoice']);
  const output = part(to, body, 'outputConfig', ['effort', 'textFormat']);
  const tier = part(to, body, 'serviceTier', ['type']);
  const own = ownFields(to, body);
  for (const [field, value] of Object.entries(body))
    if (!CARRIED_FIELDS.has(field)) noteExtra(to, field, value, fieldClass(field));
  const limit = integerWithin(0, Number.MAX_SAFE_INTEGER);
  return {
    kind: 'generate',
    model: wanted(to, body['model'], 'model', aString, ''),
    turns: [...decodeSystem(to, body), ...decodeMessages(to, body)],
    tools: decodeTools(to, tools['tools']),
    toolChoice: decodeChoice(to, tools['toolChoice']),
    maxOutputTokens: optional<number>(to, inference['maxTokens'], 'inferenceConfig.maxTokens', limit),
    temperature: optional<number>(to, inference['temperature'], 'inferenceConfig.temperature', aNumber),
    topP: optional<number>(to, inference['topP'], 'inferenceConfig.topP', aNumber),
    topK: own.topK,
    stop: optional<string[]>(to, inference['stopSequences'], 'inferenceConfig.stopSequences', listOfStrings) ?? [],
    format: decodeFormat(to, output['textFormat']),
    reasoning: reasoningOf(optional<string>(to, output['effort'], 'outputConfig.effort', aString), own.thinking),
    stream: optional<boolean>(to, body['stream'], 'stream', aBoolean) ?? false,
    metadata: optional<Record<string, string>>(to, body['requestMetadata'], 'requestMetadata', anObject),
    serviceTier: optional<string>(to, tier['type'], 'serviceTier.type', aString),
    ...UNKNOWN_HERE,
    extras: to.extras,
  };
}

/** What a Converse body has no word for. */
const UNKNOWN_HERE = {
  parallelTools: null,
  seed: null,
  n: 1,
  presencePenalty: null,
  frequencyPenalty: null,
  logitBias: null,
  topLogprobs: null,
  verbosity: null,
  includeUsage: true,
  endUser: null,
  store: null,
  promptCacheKey: null,
} as const;

interface Own {
  readonly topK: number | null;
  readonly thinking: JsonObject | null;
}

/** Claude's own fields have a place in the canonical call; another model's are known to that model alone. */
function ownFields(to: Decoding, body: JsonObject): Own {
  const own = optional<JsonObject>(to, body['additionalModelRequestFields'], 'additionalModelRequestFields', anObject);
  if (!own) return { topK: null, thinking: null };
  const { top_k: topK, thinking } = own;
  noteUnknown(to, own, 'additionalModelRequestFields', new Set(['top_k', 'thinking']));
  return { topK: typeof topK === 'number' ? topK : null, thinking: isObject(thinking) ? thinking : null };
}

function reasoningOf(effort: string | null, thinking: JsonObject | null): GenerateCall['reasoning'] {
  if (effort === null && !thinking) return null;
  const budget = thinking?.['budget_tokens'];
  return {
    effort,
    budgetTokens: typeof budget === 'number' ? budget : null,
    enabled: thinking ? thinking['type'] !== 'disabled' : null,
    summary: null,
  };
}

function decodeSystem(to: Decoding, body: JsonObject): Turn[] {
  if (body['system'] === undefined || body['system'] === null) return [];
  const parts = decodeContent(to, body['system'], 'system');
  return parts.length === 0 ? [] : [{ role: 'system', parts }];
}

function decodeMessages(to: Decoding, body: JsonObject): Turn[] {
  const messages = wanted<readonly unknown[]>(to, body['messages'], 'messages', anArray, []);
  return messages.map((value, index) => {
    const path = `messages[${index}]`;
    const message = wanted<JsonObject>(to, value, path, anObject, {});
    const roles = oneOf('user', 'assistant', 'system');
    noteUnknown(to, message, path, new Set(['role', 'content']));
    return {
      role: wanted<Turn['role']>(to, message['role'], `${path}.role`, roles, 'user'),
      parts: decodeContent(to, message['content'], `${path}.content`),
    };
  });
}

function decodeFormat(to: Decoding, value: unknown): GenerateCall['format'] {
  const format = optional<JsonObject>(to, value, 'outputConfig.textFormat', anObject);
  if (!format) return null;
  const { schema, name, description } = objectOf(objectOf(format['structure'])['jsonSchema']);
  const path = 'outputConfig.textFormat.structure.jsonSchema.schema';
  const text = wanted(to, schema, path, aString, '{}');
  let read: unknown = null;
  try {
    read = JSON.parse(text);
  } catch {
    // Falls through to the refusal: no JSON is no object.
  }
  const about = textOf(description);
  return {
    type: 'json_schema',
    name: textOf(name) ?? 'answer',
    schema: wanted<unknown>(to, read, path, anObject, {}),
    strict: true,
    ...(about !== null && { description: about }),
  };
}
