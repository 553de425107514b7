import type { CanonicalWhole, Part } from '#wire/canonical.ts';
import type { AnswerContext } from '#wire/dialect.ts';
import { inputOf } from './input.ts';

/**
 * An answer in one piece, for a provider that sent one although a stream was asked for: the message that its stream
 * would have become.
 */
export function encodeAnswer(answer: CanonicalWhole, { callId, modelAsked }: AnswerContext): object {
  const parts = answer.kind === 'generate' ? (answer.choices[0]?.parts ?? []) : [];
  return { id: callId, role: 'assistant', metadata: { callId, model: modelAsked }, parts: parts.flatMap(uiPart) };
}

function uiPart(part: Part): object[] {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return [{ type: 'text', text: part.text, state: 'done' }];
    case 'reasoning':
      return [{ type: 'reasoning', text: part.text, state: 'done' }];
    case 'tool_call':
      return [toolPart(part)];
    default:
      return [];
  }
}

function toolPart({ id, name, args, custom }: Extract<Part, { type: 'tool_call' }>): object {
  const input = inputOf(args, custom);
  const of = { type: `tool-${name}`, toolCallId: id };
  return input.ok
    ? { ...of, state: 'input-available', input: input.value }
    : { ...of, state: 'output-error', rawInput: args, errorText: input.error };
}
