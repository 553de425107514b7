import { invariant } from '#kernel/invariant.ts';
import type { CanonicalAnswer, CanonicalChoice, CanonicalWhole, Part } from '#wire/canonical.ts';
import type { AnswerContext } from '#wire/dialect.ts';
import { extraContent } from '#wire/google-generate/signature.ts';
import { countOf, isObject, isUnset, listOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import { chatAnnotation } from './annotations.ts';
import { assistantParts } from './decode-messages.ts';
import { encodeToolCall, ownFields } from './encode-messages.ts';
import { chatFinish, readFinish } from './finish.ts';
import { encodeUsage, readUsage } from './usage.ts';

/** A chat completion as canonical answer. What is missing is null or empty, never an error. */
export function decodeAnswer(value: unknown): CanonicalAnswer {
  const answer = objectOf(value);
  return {
    kind: 'generate',
    id: textOf(answer['id']) ?? '',
    model: textOf(answer['model']) ?? '',
    createdS: countOf(answer['created']),
    choices: listOf(answer['choices']).map((choice) => decodeChoice(objectOf(choice))),
    usage: readUsage(answer),
    serviceTier: textOf(answer['service_tier']),
    fingerprint: textOf(answer['system_fingerprint']),
  };
}

function decodeChoice(choice: JsonObject): CanonicalChoice {
  const message = objectOf(choice['message']);
  const call = message['function_call'];
  const old: Part[] = isObject(call)
    ? [{ type: 'opaque', dialect: 'openai-chat', value: { function_call: call } }]
    : [];
  return {
    parts: [...assistantParts(message), ...old],
    finish: readFinish(choice['finish_reason']) ?? 'other',
    // vLLM and SGLang say which stop string or token ended the answer.
    stopSequence: textOf(choice['stop_reason']) ?? textOf(choice['matched_stop']),
    ...(!isUnset(choice['logprobs']) && { logprobs: choice['logprobs'] }),
  };
}

/** The answer as `ChatCompletion` of the SDK asks for it. */
export function encodeAnswer(answer: CanonicalWhole, context: AnswerContext): object {
  invariant(answer.kind === 'generate', 'a chat answer carries a generated one');
  return {
    id: answer.id || context.callId,
    object: 'chat.completion',
    created: answer.createdS ?? context.nowS,
    model: answer.model || context.modelAsked,
    choices: answer.choices.map(encodeChoice),
    ...(answer.usage && { usage: encodeUsage(answer.usage) }),
    ...(answer.serviceTier !== null && { service_tier: answer.serviceTier }),
    ...(answer.fingerprint !== null && { system_fingerprint: answer.fingerprint }),
  };
}

const encodeChoice = (choice: CanonicalChoice, index: number): object => ({
  index,
  message: encodeMessage(choice.parts),
  logprobs: choice.logprobs ?? null,
  finish_reason: chatFinish(choice.finish),
});

function encodeMessage(parts: readonly Part[]): object {
  const reasoning = joined(parts, 'reasoning');
  const calls = signedCalls(parts);
  const noted = parts.flatMap((part) => (part.type === 'text' ? (part.annotations ?? []) : []));
  const annotations = noted.flatMap((value) => chatAnnotation(value) ?? []);
  return {
    role: 'assistant',
    content: joined(parts, 'text'),
    refusal: joined(parts, 'refusal'),
    ...(reasoning !== null && { reasoning_content: reasoning }),
    ...(annotations.length > 0 && { annotations }),
    ...ownFields(parts),
    ...(calls.length > 0 && { tool_calls: calls }),
  };
}

/** A call with the signature of Google's that stands before it, where Google's own endpoint of this dialect puts it. */
function signedCalls(parts: readonly Part[]): object[] {
  let signature: string | undefined;
  return parts.flatMap((part) => {
    // It is bound to the part that follows it.
    signature = part.type === 'reasoning' ? part.signature : part.type === 'tool_call' ? signature : undefined;
    if (part.type !== 'tool_call') return [];
    const call = { ...encodeToolCall(part), ...extraContent(signature) };
    signature = undefined;
    return [call];
  });
}

/** Several blocks of text are one string in chat; none is null. */
function joined(parts: readonly Part[], type: 'text' | 'reasoning' | 'refusal'): string | null {
  const texts = parts.flatMap((part) => (part.type === type && 'text' in part ? [part.text] : []));
  return texts.length === 0 ? null : texts.join('');
}
