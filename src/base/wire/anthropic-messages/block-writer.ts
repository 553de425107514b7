import type { CanonicalEvent } from '../canonical.ts';
import { isObject } from '../json/read.ts';
import { textBlock, thinkingBlock, toolBlock } from './answer.ts';
import type { BlockEvent, BlockQueue, BlockStart, BlockWriter } from './block-queue.ts';
import { isCitation } from './encode-parts.ts';

/** One event in SSE text. */
export const sse = (value: Readonly<Record<string, unknown>> & { readonly type: string }): string =>
  `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;

/** The open block: only one at a time, since the queue puts them in a row. */
interface Open {
  readonly index: number;
  /** Thinking is announced with its first event: only that says whether it is redacted. */
  announced: boolean;
  /** Argument text of a custom tool: no JSON, so it is wrapped when it is whole. */
  custom: string | null;
}

export function blockWriter(nextIndex: () => number): BlockWriter {
  let open: Open = { index: 0, announced: false, custom: null };
  const announce = (content_block: object): string => {
    if (open.announced) return '';
    open.announced = true;
    return sse({ type: 'content_block_start', index: open.index, content_block });
  };
  const delta = (value: object): string => sse({ type: 'content_block_delta', index: open.index, delta: value });
  const begin = (start: BlockStart): string => {
    open = { index: nextIndex(), announced: false, custom: start.custom ? '' : null };
    if (start.kind === 'reasoning') return '';
    return announce(start.kind === 'tool_call' ? toolBlock(start.id ?? '', start.name ?? '', {}) : textBlock(''));
  };
  const piece = (start: BlockStart, event: BlockEvent): string => {
    switch (event.type) {
      case 'delta':
        if (open.custom !== null) return ((open.custom += event.text), '');
        return event.text === '' ? '' : announce(thinkingBlock('', '')) + delta(textDelta(start, event.text));
      case 'signature':
        if (event.encrypted !== undefined && !open.announced) {
          return announce({ type: 'redacted_thinking', data: event.encrypted });
        }
        if (!event.signature) return '';
        return announce(thinkingBlock('', '')) + delta({ type: 'signature_delta', signature: event.signature });
      case 'annotation':
        return isCitation(event.value) ? delta({ type: 'citations_delta', citation: event.value }) : '';
      default:
        return '';
    }
  };
  const finish = (): string => {
    const wrapped = open.custom === null ? null : JSON.stringify({ input: open.custom });
    return (
      announce(thinkingBlock('', '')) +
      (wrapped === null ? '' : delta({ type: 'input_json_delta', partial_json: wrapped })) +
      sse({ type: 'content_block_stop', index: open.index })
    );
  };
  return { begin, piece, finish };
}

function textDelta(start: BlockStart, text: string): object {
  if (start.kind === 'tool_call') return { type: 'input_json_delta', partial_json: text };
  return start.kind === 'reasoning' ? { type: 'thinking_delta', thinking: text } : { type: 'text_delta', text };
}

export type OpaqueEvent = Extract<CanonicalEvent, { type: 'opaque' }>;
export type OpaqueWriter = (queue: BlockQueue, event: OpaqueEvent) => string;

/** Events of this dialect's own blocks, with the index that they have in this stream. */
export function opaqueWriter(nextIndex: () => number): OpaqueWriter {
  const indices = new Map<unknown, number>();
  return (queue, event) => {
    if (!isObject(event.value)) return '';
    const value = { ...event.value, type: event.name };
    if (!('index' in value)) return sse(value);
    const before = event.name === 'content_block_start' ? queue.drain() : '';
    if (event.name === 'content_block_start') indices.set(value['index'], nextIndex());
    return before + sse({ ...value, index: indices.get(value['index']) ?? value['index'] });
  };
}
