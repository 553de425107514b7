import { err, ok, type Result } from '#kernel/result.ts';
import type { GenerateCall, Turn } from '../canonical.ts';
import type { FieldFault } from '../dialect.ts';
import {
  aBoolean,
  aNumber,
  anArray,
  anInteger,
  anObject,
  aPositiveInteger,
  aString,
  integerWithin,
  listOfStrings,
  oneOf,
} from '../json/checks.ts';
import type { JsonObject } from '../json/read.ts';
import type { StrictJson } from '../json/strict.ts';
import { decodeContent } from './decode-parts.ts';
import { decodeFormat, decodeToolChoice, decodeTools } from './decode-tools.ts';
import { newDecoding, noteExtra, noteUnknown, optional, wanted, type Decoding } from './decoding.ts';
import { CARRIED_FIELDS, fieldClass } from './fields.ts';

/** A Messages body to the canonical call. `count_tokens` bodies are the same without `max_tokens`. */
export function decodeCall(request: StrictJson): Result<GenerateCall, FieldFault> {
  const to = newDecoding();
  const call = decodeBody(to, request.value);
  return to.fault ? err(to.fault) : ok(call);
}

function decodeBody(to: Decoding, body: JsonObject): GenerateCall {
  const format = decodeOutput(to, body);
  noteFields(to, body);
  return {
    kind: 'generate',
    model: wanted(to, body['model'], 'model', aString, ''),
    turns: [...decodeSystem(to, body), ...decodeMessages(to, body)],
    tools: decodeTools(to, body['tools']),
    ...decodeToolChoice(to, body['tool_choice']),
    maxOutputTokens: optional<number>(to, body['max_tokens'], 'max_tokens', integerWithin(0, Number.MAX_SAFE_INTEGER)),
    temperature: optional<number>(to, body['temperature'], 'temperature', aNumber),
    topP: optional<number>(to, body['top_p'], 'top_p', aNumber),
    topK: optional<number>(to, body['top_k'], 'top_k', anInteger),
    stop: optional<string[]>(to, body['stop_sequences'], 'stop_sequences', listOfStrings) ?? [],
    format,
    reasoning: decodeReasoning(to, body),
    stream: optional<boolean>(to, body['stream'], 'stream', aBoolean) ?? false,
    endUser: decodeEndUser(to, body),
    serviceTier: decodeTier(to, body),
    ...UNKNOWN_HERE,
    extras: to.extras,
  };
}

/** What a Messages body has no word for. */
const UNKNOWN_HERE = {
  seed: null,
  n: 1,
  presencePenalty: null,
  frequencyPenalty: null,
  logitBias: null,
  topLogprobs: null,
  verbosity: null,
  includeUsage: true,
  metadata: null,
  store: null,
  promptCacheKey: null,
} as const;

function noteFields(to: Decoding, body: JsonObject): void {
  for (const [field, value] of Object.entries(body)) {
    if (!CARRIED_FIELDS.has(field)) noteExtra(to, field, value, fieldClass(field));
  }
}

function decodeSystem(to: Decoding, body: JsonObject): Turn[] {
  const parts = decodeContent(to, body['system'], 'system');
  return parts.length === 0 ? [] : [{ role: 'system', parts }];
}

const MESSAGE_FIELDS = new Set(['role', 'content']);
/** Effort for one turn; `clear_at` decides what the model sees and is meaning. */
const MESSAGE_HINTS = new Set(['output_config']);

function decodeMessages(to: Decoding, body: JsonObject): Turn[] {
  const messages = wanted<readonly unknown[]>(to, body['messages'], 'messages', anArray, []);
  return messages.map((value, index) => {
    const path = `messages[${index}]`;
    const message = wanted<JsonObject>(to, value, path, anObject, {});
    const role = wanted<Turn['role']>(
      to,
      message['role'],
      `${path}.role`,
      oneOf('user', 'assistant', 'system'),
      'user',
    );
    noteUnknown(to, message, path, MESSAGE_FIELDS, MESSAGE_HINTS);
    return { role, parts: decodeContent(to, message['content'], `${path}.content`) };
  });
}

const OUTPUT_FIELDS = new Set(['effort', 'format']);
const OUTPUT_HINTS = new Set(['task_budget']);

function decodeOutput(to: Decoding, body: JsonObject): GenerateCall['format'] {
  const config = optional<JsonObject>(to, body['output_config'], 'output_config', anObject) ?? {};
  noteUnknown(to, config, 'output_config', OUTPUT_FIELDS, OUTPUT_HINTS);
  return (
    decodeFormat(to, config['format'], 'output_config.format') ??
    decodeFormat(to, body['output_format'], 'output_format')
  );
}

const THINKING_FIELDS = new Set(['type', 'budget_tokens', 'display']);
const THINKING_HINTS = new Set(['block_binding']);

function decodeReasoning(to: Decoding, body: JsonObject): GenerateCall['reasoning'] {
  const effort = optional<string>(
    to,
    (body['output_config'] as JsonObject | null | undefined)?.['effort'],
    'output_config.effort',
    aString,
  );
  const thinking = optional<JsonObject>(to, body['thinking'], 'thinking', anObject);
  if (!thinking) return effort === null ? null : { effort, budgetTokens: null, enabled: null, summary: null };
  const type = wanted<string>(to, thinking['type'], 'thinking.type', aString, 'disabled');
  noteUnknown(to, thinking, 'thinking', THINKING_FIELDS, THINKING_HINTS);
  // `between_tools` and whatever comes: thinking is on, how exactly is a hint.
  if (!THINKING_TYPES.has(type)) noteExtra(to, 'thinking.type', type, 'hint');
  const enabled = type === 'enabled';
  return {
    effort,
    budgetTokens: enabled ? wanted(to, thinking['budget_tokens'], 'thinking.budget_tokens', aPositiveInteger, 1) : null,
    enabled: type !== 'disabled',
    summary: optional<string>(to, thinking['display'], 'thinking.display', aString),
  };
}
const THINKING_TYPES: ReadonlySet<string> = new Set(['enabled', 'adaptive', 'disabled']);

const METADATA_FIELDS = new Set(['user_id']);

function decodeEndUser(to: Decoding, body: JsonObject): string | null {
  const metadata = optional<JsonObject>(to, body['metadata'], 'metadata', anObject);
  for (const name of Object.keys(metadata ?? {})) {
    if (!METADATA_FIELDS.has(name)) noteExtra(to, `metadata.${name}`, metadata![name], 'hint');
  }
  return optional<string>(to, metadata?.['user_id'], 'metadata.user_id', aString);
}

/** `standard_only` is OpenAI's `default`: never the dearer tier. */
function decodeTier(to: Decoding, body: JsonObject): string | null {
  const tier = optional<string>(to, body['service_tier'], 'service_tier', aString);
  return tier === 'standard_only' ? 'default' : tier;
}
