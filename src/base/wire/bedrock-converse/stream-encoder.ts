import { blockQueue, type BlockEvent, type BlockStart, type BlockWriter } from '../anthropic-messages/block-queue.ts';
import type { CanonicalEvent, FinishReason } from '../canonical.ts';
import type { StreamEncoder } from '../dialect.ts';
import { mergeUsage, type Usage } from '../usage.ts';
import { streamFault } from './faults.ts';
import { writeStop } from './finish.ts';
import { writeUsage } from './usage.ts';

const event = (name: string, value: object): string => `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;

/** Canonical events as a ConverseStream, in text: the binary framing of a client is put around it afterwards. */
export function streamEncoder(): StreamEncoder {
  const queue = blockQueue(blockWriter());
  let started = false;
  let ended = false;
  let usage: Usage | null = null;
  let finish: { readonly reason: FinishReason; readonly stopSequence: string | null } | null = null;

  const begin = (): string => {
    if (started) return '';
    started = true;
    return event('messageStart', { role: 'assistant' });
  };
  const end = (): string => {
    const before = begin() + queue.drain();
    ended = true;
    const stop = {
      stopReason: writeStop(finish?.reason ?? 'other'),
      ...(finish?.stopSequence && { additionalModelResponseFields: { stop_sequence: finish.stopSequence } }),
    };
    return before + event('messageStop', stop) + event('metadata', { usage: writeUsage(usage) });
  };
  const push = (canonical: CanonicalEvent): string => {
    if (ended) return '';
    switch (canonical.type) {
      case 'start':
        return begin();
      case 'usage':
        usage = mergeUsage(usage, canonical.usage);
        return '';
      case 'finish':
        if (canonical.choice === 0) finish = canonical;
        return '';
      case 'ping':
        return '';
      case 'error':
        ended = true;
        return streamFault(canonical.error);
      case 'end':
        return end();
      case 'opaque':
        return canonical.dialect === 'bedrock-converse' ? event(canonical.name, canonical.value as object) : '';
      default:
        return canonical.choice === 0 ? begin() + queue.push(canonical) : '';
    }
  };
  return { push };
}

function blockWriter(): BlockWriter {
  let index = -1;
  const delta = (value: object): string => event('contentBlockDelta', { delta: value, contentBlockIndex: index });
  const begin = (start: BlockStart): string => {
    index++;
    if (start.kind !== 'tool_call') return '';
    const toolUse = { toolUseId: start.id ?? '', name: start.name ?? '' };
    return event('contentBlockStart', { start: { toolUse }, contentBlockIndex: index });
  };
  const piece = (start: BlockStart, part: BlockEvent): string => {
    if (part.type === 'delta') return part.text === '' ? '' : delta(textDelta(start, part.text));
    if (part.type !== 'signature') return '';
    if (part.encrypted !== undefined) return delta({ reasoningContent: { redactedContent: part.encrypted } });
    return part.signature ? delta({ reasoningContent: { signature: part.signature } }) : '';
  };
  return { begin, piece, finish: () => event('contentBlockStop', { contentBlockIndex: index }) };
}

function textDelta(start: BlockStart, text: string): object {
  if (start.kind === 'tool_call') return { toolUse: { input: text } };
  return start.kind === 'reasoning' ? { reasoningContent: { text } } : { text };
}
