import type { CanonicalEvent, FinishReason } from '#wire/canonical.ts';
import type { StreamDecoder } from '#wire/dialect.ts';
import { isObject, objectOf, textOf, type JsonObject, usedOf } from '#wire/json/read.ts';
import { NO_USAGE } from '#wire/usage.ts';

const FINISH: ReadonlyMap<unknown, FinishReason> = new Map<unknown, FinishReason>([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool-calls', 'tool_calls'],
  ['content-filter', 'content_filter'],
]);

/** Chunks of our own encoder, read again: a log of them is summed up and shown by what they say. */
export function streamDecoder(): StreamDecoder {
  const blocks = new Map<string, number>();
  const at = (id: unknown) => ({ choice: 0, block: blocks.get(String(id)) ?? 0 });
  const open = (id: unknown, start: object): CanonicalEvent[] => {
    blocks.set(String(id), blocks.size);
    return [{ type: 'block_start', ...at(id), ...start } as CanonicalEvent];
  };
  const push = (chunk: JsonObject): CanonicalEvent[] => {
    const { type, id, toolCallId } = chunk;
    switch (type) {
      case 'start': {
        const { callId, model } = objectOf(chunk['messageMetadata']);
        const of = { id: textOf(callId) ?? '', model: textOf(model) ?? '' };
        return [{ type: 'start', ...of, createdS: null, fingerprint: null }];
      }
      case 'text-start':
        return open(id, { kind: 'text' });
      case 'reasoning-start':
        return open(id, { kind: 'reasoning' });
      case 'tool-input-start':
        return open(toolCallId, {
          ...{ kind: 'tool_call', id: toolCallId, name: chunk['toolName'] },
          custom: chunk['inputEncoding'] === 'text',
        });
      case 'text-delta':
      case 'reasoning-delta':
        return [{ type: 'delta', ...at(id), text: textOf(chunk['delta']) ?? '' }];
      case 'tool-input-delta':
        return [{ type: 'delta', ...at(toolCallId), text: textOf(chunk['inputTextDelta']) ?? '' }];
      case 'text-end':
      case 'reasoning-end':
        return [{ type: 'block_stop', ...at(id) }];
      case 'tool-input-available':
      case 'tool-input-error':
        return [{ type: 'block_stop', ...at(toolCallId) }];
      case 'finish':
        return ending(chunk);
      default:
        return [];
    }
  };
  return {
    push: ({ data }) => {
      if (data === '[DONE]') return [{ type: 'end' }];
      try {
        const chunk: unknown = JSON.parse(data ?? '');
        return isObject(chunk) ? push(chunk) : [];
      } catch {
        return [];
      }
    },
  };
}

function ending(chunk: JsonObject): CanonicalEvent[] {
  const usage = objectOf(chunk['messageMetadata'])['usage'];
  const reason = FINISH.get(chunk['finishReason']) ?? 'other';
  const finish: CanonicalEvent = { type: 'finish', choice: 0, reason, stopSequence: null };
  if (!isObject(usage)) return [finish];
  const { inputTokens, outputTokens, reasoningTokens, cachedInputTokens } = usage;
  const counts = {
    ...{ inputTokens: usedOf(inputTokens), outputTokens: usedOf(outputTokens) },
    ...{ reasoningTokens: usedOf(reasoningTokens), cachedReadTokens: usedOf(cachedInputTokens) },
  };
  return [finish, { type: 'usage', usage: { ...NO_USAGE, ...counts } }];
}
