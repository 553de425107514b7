import type { CanonicalAnswer, CanonicalWhole, Part } from '../canonical.ts';
import type { AnswerContext } from '../dialect.ts';
import { isObject, listOf, objectOf, textOf } from '../json/read.ts';
import { decodeAnswerBlock } from './decode-parts.ts';
import { inputOf, isCitation, type Block } from './encode-parts.ts';
import { readStop, writeStop } from './finish.ts';
import { readUsage, writeUsage } from './usage.ts';

/** A Messages answer to the canonical one. Total: what is missing is empty. */
export function decodeAnswer(value: unknown): CanonicalAnswer {
  const answer = objectOf(value);
  const usage = readUsage(answer['usage']);
  return {
    kind: 'generate',
    id: textOf(answer['id']) ?? '',
    model: textOf(answer['model']) ?? '',
    createdS: null,
    choices: [
      {
        parts: listOf(answer['content']).map(decodeAnswerBlock),
        finish: readStop(answer['stop_reason']) ?? 'other',
        stopSequence: textOf(answer['stop_sequence']),
      },
    ],
    usage,
    serviceTier: usage?.serviceTier ?? null,
    fingerprint: null,
  };
}

/** The first choice as a message: a call that came in this dialect asked for one. */
export function encodeAnswer(answer: CanonicalWhole, context: AnswerContext): object {
  const choice = answer.kind === 'generate' ? answer.choices[0] : undefined;
  return {
    id: (answer.kind === 'generate' && answer.id) || `msg_${context.callId}`,
    type: 'message',
    role: 'assistant',
    model: answer.model || context.modelAsked,
    content: (choice?.parts ?? []).flatMap(encodeAnswerPart),
    stop_reason: writeStop(choice?.finish ?? 'other'),
    stop_sequence: choice?.stopSequence ?? null,
    stop_details: null,
    container: null,
    diagnostics: null,
    usage: writeUsage(answer.usage),
  };
}

function encodeAnswerPart(part: Part): Block[] {
  switch (part.type) {
    case 'text':
      return [textBlock(part.text, part.annotations)];
    case 'refusal':
      return [textBlock(part.text)];
    case 'reasoning':
      if (part.encrypted !== undefined && part.text === '' && part.id === undefined) {
        return [{ type: 'redacted_thinking', data: part.encrypted }];
      }
      // Another family's thinking has no signature of Anthropic's; the empty one is never accepted back.
      return part.text === '' && !part.signature ? [] : [thinkingBlock(part.text, part.signature ?? '')];
    case 'tool_call':
      return [toolBlock(part.id, part.name, part.custom ? { input: part.args } : inputOf(part.args))];
    case 'opaque':
      return part.dialect === 'anthropic-messages' && isObject(part.value) ? [part.value] : [];
    default:
      return [];
  }
}

export function textBlock(text: string, annotations: readonly unknown[] = []) {
  const citations = annotations.filter(isCitation);
  return { type: 'text' as const, text, citations: citations.length > 0 ? citations : null };
}
export const thinkingBlock = (thinking: string, signature: string) => ({
  type: 'thinking' as const,
  thinking,
  signature,
});
export const toolBlock = (id: string, name: string, input: unknown) => ({
  type: 'tool_use' as const,
  id,
  name,
  input,
  caller: { type: 'direct' as const },
});
