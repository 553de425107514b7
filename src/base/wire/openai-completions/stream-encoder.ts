import type { CanonicalEvent } from '#wire/canonical.ts';
import type { AnswerContext, StreamEncoder } from '#wire/dialect.ts';
import { streamFault } from '#wire/openai-chat/faults.ts';
import { chatFinish } from '#wire/openai-chat/finish.ts';
import { encodeUsage } from '#wire/openai-chat/usage.ts';
import { mergeUsage, type Usage } from '#wire/usage.ts';

/** Canonical events to chunks as `Completion` of the SDK asks for them. All else than text has no place in them. */
export function streamEncoder(context: AnswerContext): StreamEncoder {
  const texts = new Set<string>();
  let start: Extract<CanonicalEvent, { type: 'start' }> | null = null;
  let usage: Usage | null = null;

  const sse = (choices: readonly object[], more: object = {}): string => {
    const value = {
      id: start?.id || context.callId,
      object: 'text_completion',
      created: start?.createdS ?? context.nowS,
      model: start?.model || context.modelAsked,
      ...(start?.fingerprint != null && { system_fingerprint: start.fingerprint }),
      ...{ choices, ...more },
    };
    return `data: ${JSON.stringify(value)}\n\n`;
  };
  const piece = (index: number, text: string, finish: string | null, logprobs: unknown = null): string =>
    sse([{ index, text, logprobs, finish_reason: finish }]);
  const push = (event: CanonicalEvent): string => {
    switch (event.type) {
      case 'start':
        start = event;
        return '';
      case 'block_start':
        if (event.kind === 'text') texts.add(keyOf(event));
        return '';
      case 'delta':
        return texts.has(keyOf(event)) ? piece(event.choice, event.text, null, event.logprobs) : '';
      case 'finish':
        return piece(event.choice, '', chatFinish(event.reason));
      case 'usage':
        usage = mergeUsage(usage, event.usage);
        return '';
      case 'error':
        return streamFault(event.error);
      case 'end':
        return `${usage && context.includeUsage ? sse([], { usage: encodeUsage(usage) }) : ''}data: [DONE]\n\n`;
      default:
        return '';
    }
  };
  return { push };
}

const keyOf = ({ choice, block }: { readonly choice: number; readonly block: number }): string => `${choice}.${block}`;
