import { err, ok, type Result } from '#kernel/result.ts';
import type { Extra, GenerateCall, OutputFormat, Turn } from '#wire/canonical.ts';
import type { FieldFault } from '#wire/dialect.ts';
import {
  aBoolean,
  aNumber,
  anArray,
  anObject,
  anyOf,
  aString,
  fieldFault,
  firstWrong,
  integerWithin,
  mapOf,
  type Check,
} from '#wire/json/checks.ts';
import { booleanOf, isUnset, listOf, numberOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { itemsOf, turnsOf } from './decode-items.ts';
import { toolChoiceOf, toolsOf } from './decode-tools.ts';
import { classOf, isCarried, isDefault } from './fields.ts';
import { policy } from './policy.ts';
import { typeOf } from './shape.ts';

/** What a translation reads beyond policy. */
const CHECKS: ReadonlyMap<string, Check> = new Map<string, Check>([
  ['temperature', aNumber],
  ['top_p', aNumber],
  ['top_logprobs', integerWithin(0, 20)],
  ['parallel_tool_calls', aBoolean],
  ['metadata', mapOf(aString, 'an object of strings')],
  ['reasoning', anObject],
  ['text', anObject],
  ['include', anArray],
  ['tool_choice', anyOf(aString, anObject)],
]);

/** A Responses request as a canonical call. Items and tools that only this API knows become opaque: meaning. */
export function decodeCall(request: StrictJson): Result<GenerateCall, FieldFault> {
  const body = request.value;
  const seen = policy(request);
  if (!seen.ok) return seen;
  const fault = longNumber(request) ?? firstWrong(body, CHECKS) ?? formFault(objectOf(body['text'])['format']);
  if (fault) return err(fault);
  const extras: Extra[] = [];
  const call = { ...settings(body), ...contents(body, extras) };
  extras.push(...extrasOf(body, call.endUser));
  return ok({ ...call, extras });
}

/** `JSON.parse` has rounded it: written again it would be another number. */
function longNumber({ longNumberAt: at, spans }: StrictJson): FieldFault | null {
  if (at === null) return null;
  const field = [...spans].find(([, span]) => span.start <= at && at < span.end)?.[0] ?? '';
  return fieldFault(field, `\`${field}\` holds an integer that a double cannot hold, which a translation would round.`);
}

function formFault(format: unknown): FieldFault | null {
  if (isUnset(format)) return null;
  const type = typeOf(objectOf(format));
  if (type === 'text' || type === 'json_object') return null;
  if (type !== 'json_schema') {
    return fieldFault('text.format.type', '`text.format.type` must be "text", "json_object" or "json_schema".');
  }
  if (textOf(objectOf(format)['name']) !== null) return null;
  return fieldFault('text.format.name', '`text.format.name` must be a string.');
}

function contents(body: JsonObject, extras: Extra[]): Pick<GenerateCall, 'turns' | 'tools' | 'toolChoice'> {
  const instructions = textOf(body['instructions']);
  const first: Turn[] =
    instructions === null ? [] : [{ role: 'system', parts: [{ type: 'text', text: instructions }] }];
  const items = itemsOf(body['input']);
  const phase = items.findIndex((item) => !isUnset(objectOf(item)['phase']));
  // Said once: an agent's history has it on every message of the model.
  if (phase >= 0) {
    extras.push({ field: `input[${phase}].phase`, value: objectOf(items[phase])['phase'], class: 'hint' });
  }
  return {
    turns: [...first, ...turnsOf(items)],
    tools: toolsOf(body['tools'], extras),
    toolChoice: toolChoiceOf(body['tool_choice'], extras),
  };
}

const LOGPROBS = 'message.output_text.logprobs';

const settings = (body: JsonObject): Omit<GenerateCall, 'turns' | 'tools' | 'toolChoice' | 'extras'> => ({
  kind: 'generate',
  model: textOf(body['model']) ?? '',
  parallelTools: booleanOf(body['parallel_tool_calls']),
  maxOutputTokens: numberOf(body['max_output_tokens']),
  temperature: numberOf(body['temperature']),
  topP: numberOf(body['top_p']),
  topK: null,
  stop: [],
  seed: null,
  n: 1,
  presencePenalty: null,
  frequencyPenalty: null,
  logitBias: null,
  topLogprobs: numberOf(body['top_logprobs']) ?? (listOf(body['include']).includes(LOGPROBS) ? 0 : null),
  format: formatOf(objectOf(body['text'])['format']),
  reasoning: reasoningOf(objectOf(body['reasoning'])),
  verbosity: textOf(objectOf(body['text'])['verbosity']),
  stream: body['stream'] === true,
  includeUsage: true,
  endUser: textOf(body['user']) ?? textOf(body['safety_identifier']),
  metadata: isUnset(body['metadata']) ? null : (body['metadata'] as Record<string, string>),
  serviceTier: textOf(body['service_tier']),
  store: booleanOf(body['store']),
  promptCacheKey: textOf(body['prompt_cache_key']),
});

function formatOf(value: unknown): OutputFormat | null {
  if (isUnset(value)) return null;
  const format = objectOf(value);
  const type = typeOf(format);
  if (type !== 'json_schema') return { type: type === 'json_object' ? 'json' : 'text' };
  const strict = booleanOf(format['strict']);
  const description = textOf(format['description']);
  return {
    type,
    name: textOf(format['name']) ?? '',
    schema: format['schema'] ?? {},
    ...(strict !== null && { strict }),
    ...(description !== null && { description }),
  };
}

function reasoningOf(value: JsonObject): GenerateCall['reasoning'] {
  const effort = textOf(value['effort']);
  const summary = textOf(value['summary']) ?? textOf(value['generate_summary']);
  return effort === null && summary === null ? null : { effort, budgetTokens: null, enabled: null, summary };
}

/** Fields without a place in the canonical call, in the caller's order. */
function extrasOf(body: JsonObject, endUser: string | null): Extra[] {
  const extras: Extra[] = [];
  const add = (field: string, value: unknown, of: Extra['class']): void => {
    if (!isUnset(value)) extras.push({ field, value, class: of });
  };
  for (const [field, value] of Object.entries(body)) {
    if (field === 'include') addIncludes(value, add);
    // Asks for no answer at all, only for a warm cache.
    else if (objectOf(value)['prewarm'] === true) add(field, value, 'meaning');
    else if (!isCarried(field) && !isDefault(field, value)) add(field, value, classOf(field));
  }
  for (const name of ['context', 'mode']) add(`reasoning.${name}`, objectOf(body['reasoning'])[name], 'hint');
  if (body['safety_identifier'] !== endUser) add('safety_identifier', body['safety_identifier'], 'hint');
  return extras;
}

function addIncludes(value: unknown, add: (field: string, value: unknown, of: Extra['class']) => void): void {
  const rest = listOf(value).filter((name) => name !== LOGPROBS);
  if (rest.length > 0) add('include', rest, classOf('include'));
}
