import { err, ok, type Result } from '#kernel/result.ts';
import { newDecoding, noteExtra, optional, type Decoding } from '../anthropic-messages/decoding.ts';
import type { GenerateCall, OutputFormat, Turn } from '../canonical.ts';
import type { FieldFault, PathFacts } from '../dialect.ts';
import { aBoolean, aNumber, anInteger, anObject, aString, listOfStrings, type Check } from '../json/checks.ts';
import { isObject, textOf, type JsonObject } from '../json/read.ts';
import type { StrictJson } from '../json/strict.ts';
import { contentsOf, systemOf } from './decode-contents.ts';
import { decodeToolConfig, decodeTools } from './decode-tools.ts';
import { fieldClass, GENERATE_FIELDS } from './fields.ts';
import { camelOf, integerIn, member, nameOf } from './member.ts';
import { toJsonSchema } from './schema.ts';

/** A `generateContent` body to the canonical call; model and stream stand in the path. */
export function decodeCall(request: StrictJson, path?: PathFacts): Result<GenerateCall, FieldFault> {
  const to = newDecoding();
  const call = decodeBody(to, request.value, path);
  return to.fault ? err(to.fault) : ok(call);
}

export function decodeBody(to: Decoding, body: JsonObject, path?: PathFacts): GenerateCall {
  const config = optional<JsonObject>(to, member(body, CONFIG), 'generationConfig', anObject) ?? {};
  noteFields(to, body, '', PLACED);
  noteFields(to, config, 'generationConfig.', PLACED_CONFIG);
  const logprobs = read<boolean>(to, config, 'responseLogprobs', aBoolean);
  return {
    kind: 'generate',
    model: path?.model ?? textOf(body['model']) ?? '',
    turns: [...systemTurns(to, body), ...contentsOf(to, body['contents'])],
    tools: decodeTools(to, body['tools']),
    ...decodeToolConfig(to, member(body, TOOL_CONFIG)),
    maxOutputTokens: read<number>(to, config, 'maxOutputTokens', aCount, integerIn),
    temperature: read<number>(to, config, 'temperature', aNumber),
    topP: read<number>(to, config, 'topP', aNumber),
    topK: read<number>(to, config, 'topK', aNumber),
    stop: read<string[]>(to, config, 'stopSequences', listOfStrings) ?? [],
    seed: read<number>(to, config, 'seed', anInteger),
    n: read<number>(to, config, 'candidateCount', aCount, integerIn) || 1,
    presencePenalty: read<number>(to, config, 'presencePenalty', aNumber),
    frequencyPenalty: read<number>(to, config, 'frequencyPenalty', aNumber),
    topLogprobs: logprobs === true ? (read<number>(to, config, 'logprobs', aCount, integerIn) ?? 0) : null,
    format: decodeFormat(to, config),
    reasoning: decodeThinking(to, member(config, nameOf('thinkingConfig'))),
    stream: path?.stream ?? false,
    serviceTier: decodeTier(read<string>(to, body, 'serviceTier', aString)),
    store: read<boolean>(to, body, 'store', aBoolean),
    ...UNKNOWN_HERE,
    extras: to.extras,
  };
}

const CONFIG = nameOf('generationConfig');
const TOOL_CONFIG = nameOf('toolConfig');
const aCount: Check = (value) => ((integerIn(value) ?? -1) >= 0 ? null : 'an integer from 0');

/** What a body of Google's has no word for. */
const UNKNOWN_HERE = {
  parallelTools: null,
  logitBias: null,
  verbosity: null,
  includeUsage: true,
  endUser: null,
  metadata: null,
  promptCacheKey: null,
} as const;

const PLACED: ReadonlySet<string> = new Set([
  ...['model', 'contents', 'systemInstruction', 'tools', 'toolConfig', 'generationConfig', 'serviceTier', 'store'],
]);
const PLACED_CONFIG: ReadonlySet<string> = new Set([
  ...['temperature', 'topP', 'topK', 'candidateCount', 'maxOutputTokens', 'stopSequences', 'presencePenalty', 'seed'],
  ...['frequencyPenalty', 'responseLogprobs', 'responseMimeType', 'responseSchema', 'responseJsonSchema'],
  ...['responseModalities', 'thinkingConfig', 'logprobs'],
]);

/** Fields without a place, by their JSON name; what stands in both forms is refused. */
function noteFields(to: Decoding, value: JsonObject, prefix: string, placed: ReadonlySet<string>): void {
  for (const [name, field] of Object.entries(value)) {
    const camel = camelOf(name);
    if (camel !== name && value[camel] !== undefined) {
      to.fault ??= { code: 'duplicate_field', field: prefix + camel, message: `\`${prefix}${camel}\` appears twice.` };
    }
    // A name that nobody knows stays as the caller wrote it.
    const known = Object.hasOwn(GENERATE_FIELDS, prefix + camel) ? camel : name;
    if (!placed.has(camel)) noteExtra(to, prefix + known, field, fieldClass(prefix + camel));
  }
  const modalities = prefix === '' ? null : member(value, nameOf('responseModalities'));
  if (Array.isArray(modalities) && !modalities.every((one) => /^text$/i.test(String(one))))
    noteExtra(to, 'generationConfig.responseModalities', modalities, 'meaning');
  if (prefix !== '' && value['logprobs'] !== undefined && member(value, nameOf('responseLogprobs')) !== true)
    noteExtra(to, 'generationConfig.logprobs', value['logprobs'], 'hint');
}

function read<T>(
  to: Decoding,
  value: JsonObject,
  name: string,
  right: Check,
  convert?: (value: unknown) => unknown,
): T | null {
  const found = optional<T>(to, member(value, nameOf(name)), name, right);
  return found === null || convert === undefined ? found : (convert(found) as T);
}

function systemTurns(to: Decoding, body: JsonObject): Turn[] {
  const parts = systemOf(to, member(body, nameOf('systemInstruction')));
  return parts.length === 0 ? [] : [{ role: 'system', parts }];
}

/** A schema asks for JSON whatever the type says; a type of `text/x.enum` asks for one of its words. */
function decodeFormat(to: Decoding, config: JsonObject): OutputFormat | null {
  const type = read<string>(to, config, 'responseMimeType', aString);
  const json = member(config, nameOf('responseJsonSchema'));
  const own = member(config, nameOf('responseSchema'));
  if (type !== null && type !== 'application/json' && type !== 'text/plain')
    noteExtra(to, 'generationConfig.responseMimeType', type, 'meaning');
  const schema = isObject(json) ? json : isObject(own) ? toJsonSchema(own) : null;
  // Google names no schema and always holds the answer to it.
  if (schema !== null) return { type: 'json_schema', name: 'answer', schema, strict: true };
  return type === 'application/json' ? { type: 'json' } : type === 'text/plain' ? { type: 'text' } : null;
}

const THINKING_FIELDS: ReadonlySet<string> = new Set(['includeThoughts', 'thinkingBudget', 'thinkingLevel']);

/** A budget of 0 turns thinking off, and -1 leaves it to the model. */
function decodeThinking(to: Decoding, value: unknown): GenerateCall['reasoning'] {
  const thinking = optional<JsonObject>(to, value, 'generationConfig.thinkingConfig', anObject);
  if (!thinking) return null;
  for (const [name, field] of Object.entries(thinking)) {
    const camel = camelOf(name);
    if (!THINKING_FIELDS.has(camel)) noteExtra(to, `generationConfig.thinkingConfig.${camel}`, field, 'hint');
  }
  const budget = integerIn(member(thinking, nameOf('thinkingBudget')));
  const level = textOf(member(thinking, nameOf('thinkingLevel')))?.toLowerCase() ?? null;
  const shown = member(thinking, nameOf('includeThoughts')) === true;
  return {
    effort: level === 'thinking_level_unspecified' ? null : level,
    budgetTokens: budget !== null && budget > 0 ? budget : null,
    enabled: budget === 0 ? false : budget === null ? null : true,
    summary: shown ? 'auto' : null,
  };
}

/** `standard` is OpenAI's `default`. */
const decodeTier = (tier: string | null): string | null => {
  const word = tier?.toLowerCase() ?? null;
  return word === 'standard' ? 'default' : word === 'unspecified' ? null : word;
};
