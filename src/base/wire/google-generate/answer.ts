import { inputOf } from '../anthropic-messages/encode-parts.ts';
import type { CanonicalAnswer, CanonicalChoice, CanonicalWhole, Part } from '../canonical.ts';
import type { AnswerContext, AnswerView } from '../dialect.ts';
import { isObject, isUnset, listOf, objectOf, textOf, type JsonObject } from '../json/read.ts';
import { callIds, decodePart, joinThoughts } from './decode-contents.ts';
import { readFault } from './faults.ts';
import { isBlocked, readFinish, writeFinish } from './finish.ts';
import { readLogprobs, writeLogprobs } from './logprobs.ts';
import { writeSignature } from './signature.ts';
import { readUsage, writeUsage } from './usage.ts';

export const isCall = (part: unknown): boolean => isObject(objectOf(part)['functionCall']);
export const partsIn = (candidate: JsonObject): readonly unknown[] => listOf(objectOf(candidate['content'])['parts']);
export const finishOf = (candidate: JsonObject) =>
  readFinish(candidate['finishReason'], partsIn(candidate).some(isCall));
export const blocked = (answer: JsonObject): boolean => isBlocked(objectOf(answer['promptFeedback'])['blockReason']);

/** What the gate needs of a unary answer. Total: an odd value gives nulls. */
export function readAnswer(value: unknown): AnswerView {
  const answer = objectOf(value);
  const candidates = listOf(answer['candidates']).map(objectOf);
  const isFault = !isUnset(answer['error']) || Array.isArray(value);
  const usage = readUsage(answer['usageMetadata'], answer);
  return {
    usage,
    finish: candidates[0] ? finishOf(candidates[0]) : blocked(answer) ? 'content_filter' : null,
    modelReturned: textOf(answer['modelVersion']),
    fingerprint: null,
    serviceTier: usage?.serviceTier ?? null,
    keptIds: [],
    fault: isFault ? readFault(null, value) : null,
  };
}

/** A `GenerateContentResponse` as canonical answer. A refused prompt is an answer without parts. */
export function decodeAnswer(value: unknown): CanonicalAnswer {
  const answer = objectOf(value);
  const usage = readUsage(answer['usageMetadata'], answer);
  const ids = callIds(idPrefix(answer));
  const choices = listOf(answer['candidates']).map((candidate) => decodeCandidate(objectOf(candidate), ids));
  const refused: CanonicalChoice = { parts: [], finish: 'content_filter', stopSequence: null };
  return {
    kind: 'generate',
    id: textOf(answer['responseId']) ?? '',
    model: textOf(answer['modelVersion']) ?? '',
    createdS: null,
    choices: choices.length === 0 && blocked(answer) ? [refused] : choices,
    usage,
    serviceTier: usage?.serviceTier ?? null,
    fingerprint: null,
  };
}

/** Ids of calls must differ between the turns of a conversation: the response's own id is in them. */
export const idPrefix = (answer: JsonObject): string => `call_${textOf(answer['responseId']) ?? ''}`;

function decodeCandidate(candidate: JsonObject, ids: ReturnType<typeof callIds>): CanonicalChoice {
  const logprobs = readLogprobs(candidate['logprobsResult']);
  return {
    parts: joinThoughts(partsIn(candidate).flatMap((part) => decodePart(objectOf(part), ids))).filter(says),
    finish: finishOf(candidate) ?? 'other',
    stopSequence: null,
    ...(logprobs !== null && { logprobs }),
  };
}

export function encodeAnswer(answer: CanonicalWhole, context: AnswerContext): object {
  const choices = answer.kind === 'generate' ? answer.choices : [];
  return {
    candidates: choices.map(encodeChoice),
    ...(answer.usage && { usageMetadata: writeUsage(answer.usage) }),
    modelVersion: answer.model || context.modelAsked,
    responseId: (answer.kind === 'generate' && answer.id) || context.callId,
  };
}

function encodeChoice(choice: CanonicalChoice, index: number): object {
  const parts = choice.parts.flatMap(encodeAnswerPart);
  const logprobsResult = writeLogprobs(choice.logprobs);
  return {
    content: { role: 'model', parts: parts.length > 0 ? parts : [{ text: '' }] },
    finishReason: writeFinish(choice.finish),
    index,
    ...(logprobsResult && { logprobsResult }),
  };
}

function encodeAnswerPart(part: Part): object[] {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return [{ text: part.text }];
    case 'reasoning':
      return part.text === '' && !part.signature ? [] : [thoughtPart(part.text, part.signature)];
    case 'tool_call':
      return [callPart(part.id, part.name, part.custom ? { input: part.args } : inputOf(part.args))];
    case 'opaque':
      return part.dialect === 'google-generate' && isObject(part.value) ? [part.value] : [];
    default:
      return [];
  }
}

export const thoughtPart = (text: string, signature: string | undefined): object => ({
  text,
  thought: true,
  ...(signature && { thoughtSignature: writeSignature(signature) }),
});

export const callPart = (id: string, name: string, args: unknown): object => ({ functionCall: { id, name, args } });

/** The last chunk of a stream, and an answer of nothing but calls, may hold an empty text. */
const says = (part: Part): boolean => part.type !== 'text' || part.text !== '';
