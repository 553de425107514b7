import type { CanonicalEvent } from '../canonical.ts';
import type { StreamDecoder } from '../dialect.ts';
import { countOf, isObject, objectOf, textOf, type JsonObject } from '../json/read.ts';
import { parsed } from '../anthropic-messages/parsed.ts';
import type { SseEvent } from '../sse/splitter.ts';
import { readFault } from './faults.ts';
import { readStop } from './finish.ts';
import { readUsage } from './usage.ts';

type Kind = Extract<CanonicalEvent, { type: 'block_start' }>['kind'];

/** ConverseStream events to canonical ones. Only blocks of tools are announced: others begin with their first delta. */
export function streamDecoder(): StreamDecoder {
  const open = new Map<number, number>();
  let blocks = 0;
  const begin = (index: number, kind: Kind, more: object = {}): CanonicalEvent[] => {
    if (open.has(index)) return [];
    open.set(index, blocks);
    return [{ type: 'block_start', choice: 0, block: blocks++, kind, ...more }];
  };

  const started = (index: number, start: JsonObject, whole: JsonObject): CanonicalEvent[] => {
    const use = start['toolUse'];
    if (!isObject(use)) return [opaque('contentBlockStart', whole)];
    const named = { id: textOf(use['toolUseId']) ?? '', name: textOf(use['name']) ?? '', custom: false };
    return begin(index, 'tool_call', named);
  };

  const delta = (index: number, change: JsonObject, whole: JsonObject): CanonicalEvent[] => {
    const use = change['toolUse'];
    const thought = change['reasoningContent'];
    if (isObject(thought)) {
      const begun = begin(index, 'reasoning');
      return [...begun, ...thoughtEvents({ choice: 0, block: open.get(index)! }, thought)];
    }
    if (isObject(use)) {
      const text = textOf(use['input']) ?? '';
      return open.has(index) ? [{ type: 'delta', choice: 0, block: open.get(index)!, text }] : [];
    }
    const text = textOf(change['text']);
    if (text === null && !('citation' in change)) return [opaque('contentBlockDelta', whole)];
    const begun = begin(index, 'text');
    const at = { choice: 0, block: open.get(index)! };
    return [
      ...begun,
      text === null ? { type: 'annotation', ...at, value: change['citation'] } : { type: 'delta', ...at, text },
    ];
  };

  const stopped = (index: number): CanonicalEvent[] => {
    const block = open.get(index);
    open.delete(index);
    return block === undefined ? [] : [{ type: 'block_stop', choice: 0, block }];
  };

  const push = ({ name, data }: SseEvent): readonly CanonicalEvent[] => {
    const value = data === null ? undefined : parsed(data);
    if (!isObject(value)) return [];
    const index = countOf(value['contentBlockIndex']) ?? 0;
    switch (name) {
      case 'messageStart':
        return [{ type: 'start', id: '', model: '', createdS: null, fingerprint: null }];
      case 'contentBlockStart':
        return started(index, objectOf(value['start']), value);
      case 'contentBlockDelta':
        return delta(index, objectOf(value['delta']), value);
      case 'contentBlockStop':
        return stopped(index);
      case 'messageStop':
        return [finish(value)];
      case 'metadata':
        return ended(value);
      case 'exception':
        return [{ type: 'error', error: readFault(null, value) }];
      default:
        return [opaque(name, value)];
    }
  };
  return { push };
}

const opaque = (name: string, value: unknown): CanonicalEvent => ({
  type: 'opaque',
  dialect: 'bedrock-converse',
  name,
  value,
});

function thoughtEvents(at: { choice: number; block: number }, thought: JsonObject): CanonicalEvent[] {
  const signature = textOf(thought['signature']);
  const redacted = textOf(thought['redactedContent']);
  const text = textOf(thought['text']);
  return [
    ...(text === null ? [] : [{ type: 'delta' as const, ...at, text }]),
    ...(signature === null ? [] : [{ type: 'signature' as const, ...at, signature }]),
    ...(redacted === null ? [] : [{ type: 'signature' as const, ...at, encrypted: redacted }]),
  ];
}

const finish = (value: JsonObject): CanonicalEvent => ({
  type: 'finish',
  choice: 0,
  reason: readStop(value['stopReason']) ?? 'other',
  stopSequence: textOf(objectOf(value['additionalModelResponseFields'])['stop_sequence']),
});

function ended(value: JsonObject): CanonicalEvent[] {
  const usage = readUsage(value['usage'], value['serviceTier']);
  return [...(usage ? [{ type: 'usage' as const, usage }] : []), { type: 'end' }];
}
