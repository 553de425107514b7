import type { CanonicalAnswer, CanonicalWhole, Part } from '../canonical.ts';
import type { AnswerView } from '../dialect.ts';
import { listOf, objectOf, textOf, type JsonObject } from '../json/read.ts';
import { encodeParts, type Block } from './encode-parts.ts';
import { newEncoding } from '../anthropic-messages/encoding.ts';
import { readFault } from './faults.ts';
import { readStop, writeStop } from './finish.ts';
import { readUsage, writeUsage } from './usage.ts';

/** A Converse answer to the canonical one. Total: what is missing is empty. It names neither itself nor its model. */
export function decodeAnswer(value: unknown): CanonicalAnswer {
  const answer = objectOf(value);
  const message = objectOf(objectOf(answer['output'])['message']);
  const usage = readUsage(answer['usage'], answer['serviceTier']);
  return {
    kind: 'generate',
    id: '',
    model: '',
    createdS: null,
    choices: [
      {
        parts: listOf(message['content']).map(decodeAnswerBlock),
        finish: readStop(answer['stopReason']) ?? 'other',
        stopSequence: textOf(objectOf(answer['additionalModelResponseFields'])['stop_sequence']),
      },
    ],
    usage,
    serviceTier: usage?.serviceTier ?? null,
    fingerprint: null,
  };
}

function decodeAnswerBlock(value: unknown): Part {
  const block = objectOf(value);
  if (typeof block['text'] === 'string') return { type: 'text', text: block['text'] };
  if ('toolUse' in block) return toolCall(objectOf(block['toolUse']));
  if ('reasoningContent' in block) return reasoning(objectOf(block['reasoningContent']));
  if ('citationsContent' in block) return cited(objectOf(block['citationsContent']));
  return { type: 'opaque', dialect: 'bedrock-converse', value };
}

const toolCall = (use: JsonObject): Part => ({
  type: 'tool_call',
  id: textOf(use['toolUseId']) ?? '',
  name: textOf(use['name']) ?? '',
  args: JSON.stringify(use['input'] ?? {}),
  custom: false,
});

export function reasoning(content: JsonObject): Part {
  const redacted = textOf(content['redactedContent']);
  if (redacted !== null) return { type: 'reasoning', text: '', encrypted: redacted };
  const text = objectOf(content['reasoningText']);
  const signature = textOf(text['signature']);
  return { type: 'reasoning', text: textOf(text['text']) ?? '', ...(signature !== null && { signature }) };
}

function cited(content: JsonObject): Part {
  const text = listOf(content['content']).map((piece) => textOf(objectOf(piece)['text']) ?? '');
  const annotations = listOf(content['citations']);
  return { type: 'text', text: text.join(''), ...(annotations.length > 0 && { annotations }) };
}

/** The first choice as a Converse answer. */
export function encodeAnswer(answer: CanonicalWhole): object {
  const choice = answer.kind === 'generate' ? answer.choices[0] : undefined;
  const content = (choice?.parts ?? []).flatMap(encodeAnswerPart);
  return {
    output: { message: { role: 'assistant', content } },
    stopReason: writeStop(choice?.finish ?? 'other'),
    usage: writeUsage(answer.usage),
    ...(choice?.stopSequence && { additionalModelResponseFields: { stop_sequence: choice.stopSequence } }),
  };
}

/** Thinking that nobody signed is shown as it is: it is read, not sent back. */
function encodeAnswerPart(part: Part): Block[] {
  if (part.type === 'reasoning' && !part.signature && !part.encrypted && part.text !== '')
    return [{ reasoningContent: { reasoningText: { text: part.text } } }];
  return encodeParts(newEncoding(), [part.type === 'text' ? { type: 'text', text: part.text } : part], '');
}

/** What the gate needs of a unary answer. */
export function readAnswer(value: unknown): AnswerView {
  const answer = objectOf(value);
  const isFault = answer['output'] === undefined && (answer['message'] !== undefined || '__type' in answer);
  const usage = readUsage(answer['usage'], answer['serviceTier']);
  return {
    usage,
    finish: readStop(answer['stopReason']),
    modelReturned: null,
    fingerprint: null,
    serviceTier: usage?.serviceTier ?? null,
    keptIds: [],
    fault: isFault ? readFault(null, value) : null,
  };
}
