import { err, ok, type Result } from '#kernel/result.ts';
import type { GenerateCall, ToolChoice, ToolDefinition, Turn } from '#wire/canonical.ts';
import type { FieldFault } from '#wire/dialect.ts';
import { booleanOf, countOf, isObject, listOf, numberOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { roundedField } from '#wire/openai-chat/decode-call.ts';
import { decodeMessages } from './decode-messages.ts';
import { foreignFields } from './fields.ts';
import { policy } from './policy.ts';

/** A request of `useChat` as canonical call. What the application added for itself is a hint that is left out. */
export function decodeCall(request: StrictJson): Result<GenerateCall, FieldFault> {
  const checked = policy(request);
  if (!checked.ok) return checked;
  const rounded = roundedField(request);
  return rounded ? err(rounded) : ok(callOf(request.value));
}

const callOf = (body: JsonObject): GenerateCall => ({
  kind: 'generate',
  model: body['model'] as string,
  turns: [...systemOf(body), ...decodeMessages(listOf(body['messages']))],
  tools: toolsOf(body),
  toolChoice: choiceOf(body['toolChoice']),
  parallelTools: null,
  maxOutputTokens: countOf(body['maxOutputTokens']),
  temperature: numberOf(body['temperature']),
  topP: numberOf(body['topP']),
  topK: numberOf(body['topK']),
  stop: listOf(body['stopSequences']) as readonly string[],
  seed: numberOf(body['seed']),
  n: 1,
  presencePenalty: numberOf(body['presencePenalty']),
  frequencyPenalty: numberOf(body['frequencyPenalty']),
  logitBias: null,
  topLogprobs: null,
  format: null,
  reasoning: reasoningOf(textOf(body['reasoning'])),
  verbosity: null,
  stream: true,
  includeUsage: true,
  endUser: textOf(body['user']),
  metadata: null,
  serviceTier: null,
  store: null,
  promptCacheKey: null,
  extras: foreignFields(body).map((field) => ({ field, value: body[field], class: 'hint' })),
});

const reasoningOf = (effort: string | null): GenerateCall['reasoning'] =>
  effort === null ? null : { effort, budgetTokens: null, enabled: null, summary: null };

function systemOf(body: JsonObject): Turn[] {
  const text = textOf(body['system']);
  return text ? [{ role: 'system', parts: [{ type: 'text', text }] }] : [];
}

const toolsOf = (body: JsonObject): ToolDefinition[] =>
  Object.entries(objectOf(body['tools'])).map(([name, value]) => {
    const tool = objectOf(value);
    const [description, strict] = [textOf(tool['description']), booleanOf(tool['strict'])];
    return {
      type: 'function',
      name,
      ...(description !== null && { description }),
      schema: tool['inputSchema'],
      ...(strict !== null && { strict }),
    };
  });

function choiceOf(choice: unknown): ToolChoice | null {
  if (isObject(choice)) return { type: 'named', name: choice['toolName'] as string, custom: false };
  return typeof choice === 'string' ? { type: choice as 'auto' | 'none' | 'required' } : null;
}
