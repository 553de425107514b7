import type { EventView, StreamReader } from '../dialect.ts';
import { isObject, objectOf, textOf, type JsonObject } from '../json/read.ts';
import { NOTHING } from '../nothing.ts';
import type { SseEvent } from '../sse/splitter.ts';
import { readFaultAt } from './faults.ts';
import { readStop } from './finish.ts';
import { containerIds, fileIds } from './kept-ids.ts';
import { parsed } from './parsed.ts';
import { mergeRawUsage, readUsage } from './usage.ts';

/** Blocks that start empty and say nothing until their first delta; every other block is content at its start. */
const EMPTY_AT_START = new Set(['text', 'thinking']);

/** The text that a delta brings, by the delta's type (SDK `RawContentBlockDelta`). */
const DELTA_TEXT: ReadonlyMap<unknown, string> = new Map([
  ['text_delta', 'text'],
  ['thinking_delta', 'thinking'],
  ['input_json_delta', 'partial_json'],
  ['compaction_delta', 'content'],
]);

/** Reads one Messages stream. Its `usage` is all that is known so far: Anthropic's counts are cumulative. */
export function streamReader(): StreamReader {
  let rawUsage: JsonObject | null = null;
  const usageAfter = (later: unknown) => {
    if (!isObject(later)) return null;
    rawUsage = mergeRawUsage(rawUsage, later);
    return readUsage(rawUsage);
  };
  const read = (event: SseEvent): EventView => {
    if (event.data === null || event.name === 'ping') return NOTHING;
    const value = parsed(event.data);
    if (!isObject(value)) return NOTHING;
    switch (value['type']) {
      case 'message_start':
        return started(objectOf(value['message']), usageAfter);
      case 'content_block_start':
        return blockStarted(objectOf(value['content_block']));
      case 'content_block_delta':
        return delta(objectOf(value['delta']));
      case 'message_delta':
        return ended(objectOf(value['delta']), usageAfter(value['usage']));
      case 'message_stop':
        return { ...NOTHING, terminal: true };
      case 'error':
        return { ...NOTHING, fault: readFaultAt(null, value) };
      default:
        return event.name === 'error' ? { ...NOTHING, fault: readFaultAt(null, value) } : NOTHING;
    }
  };
  return { read };
}

const started = (message: JsonObject, usageAfter: (value: unknown) => EventView['usage']): EventView => ({
  ...NOTHING,
  usage: usageAfter(message['usage']),
  modelReturned: textOf(message['model']),
  keptIds: containerIds(message['container']),
});

function blockStarted(block: JsonObject): EventView {
  const begun = textOf(block['text']) || textOf(block['thinking']) || '';
  return {
    ...NOTHING,
    content: begun !== '' || !EMPTY_AT_START.has(String(block['type'])),
    textBytes: Buffer.byteLength(begun),
    keptIds: fileIds(block),
  };
}

function delta(value: JsonObject): EventView {
  const field = DELTA_TEXT.get(value['type']);
  const text = field === undefined ? null : textOf(value[field]);
  // An empty piece commits to nothing; a signature or a citation does.
  return { ...NOTHING, content: field === undefined || text !== '', textBytes: text ? Buffer.byteLength(text) : 0 };
}

const ended = (value: JsonObject, usage: EventView['usage']): EventView => ({
  ...NOTHING,
  usage,
  finish: readStop(value['stop_reason']),
  keptIds: containerIds(value['container']),
});
