import type { CanonicalEvent } from '../canonical.ts';
import type { StreamDecoder } from '../dialect.ts';
import { countOf, isObject, listOf, objectOf, textOf, type JsonObject } from '../json/read.ts';
import type { SseEvent } from '../sse/splitter.ts';
import { readFaultAt } from './faults.ts';
import { readStop } from './finish.ts';
import { parsed } from './parsed.ts';
import { mergeRawUsage, readUsage } from './usage.ts';

/** A block between its start and its stop. `opaque`: only this dialect knows it, its events pass as they are. */
interface OpenBlock {
  readonly block: number;
  readonly kind: 'text' | 'reasoning' | 'tool_call' | 'opaque';
  /** Input that came whole with the start (some servers send no deltas): given out at the stop. */
  readonly input: string | null;
  hadDelta: boolean;
}

interface State {
  readonly open: Map<number, OpenBlock>;
  blocks: number;
  rawUsage: JsonObject | null;
}

/** Messages events to canonical ones. Usage is given as all that is known so far: Anthropic's is cumulative. */
export function streamDecoder(): StreamDecoder {
  const state: State = { open: new Map(), blocks: 0, rawUsage: null };
  return { push: (event) => decode(state, event) };
}

function decode(state: State, event: SseEvent): readonly CanonicalEvent[] {
  if (event.data === null) return [];
  const value = parsed(event.data);
  if (!isObject(value)) return event.name === 'error' ? [{ type: 'error', error: readFaultAt(null, event.data) }] : [];
  switch (value['type'] ?? event.name) {
    case 'message_start':
      return start(state, objectOf(value['message']));
    case 'content_block_start':
      return blockStart(state, value, objectOf(value['content_block']));
    case 'content_block_delta':
      return delta(state, value, objectOf(value['delta']));
    case 'content_block_stop':
      return blockStop(state, value);
    case 'message_delta':
      return finish(state, value);
    case 'message_stop':
      return [{ type: 'end' }];
    case 'ping':
      return [{ type: 'ping' }];
    case 'error':
      return [{ type: 'error', error: readFaultAt(null, value) }];
    default:
      return [opaque(value)];
  }
}

const opaque = (value: JsonObject): CanonicalEvent => ({
  type: 'opaque',
  dialect: 'anthropic-messages',
  name: textOf(value['type']) ?? '',
  value,
});

function usageEvents(state: State, later: unknown): CanonicalEvent[] {
  if (!isObject(later)) return [];
  state.rawUsage = mergeRawUsage(state.rawUsage, later);
  const usage = readUsage(state.rawUsage);
  return usage ? [{ type: 'usage', usage }] : [];
}

const start = (state: State, message: JsonObject): CanonicalEvent[] => [
  {
    type: 'start',
    id: textOf(message['id']) ?? '',
    model: textOf(message['model']) ?? '',
    createdS: null,
    fingerprint: null,
  },
  ...usageEvents(state, message['usage']),
];

const indexOf = (value: JsonObject): number => countOf(value['index']) ?? 0;

function blockStart(state: State, value: JsonObject, content: JsonObject): CanonicalEvent[] {
  const kind = KINDS.get(content['type']) ?? 'opaque';
  const input = kind === 'tool_call' && isObject(content['input']) ? JSON.stringify(content['input']) : null;
  const open: OpenBlock = { block: state.blocks, kind, input: input === '{}' ? null : input, hadDelta: false };
  state.open.set(indexOf(value), open);
  if (kind === 'opaque') return [opaque(value)];
  state.blocks++;
  const at = { choice: 0, block: open.block };
  const events: CanonicalEvent[] = [
    kind === 'tool_call'
      ? {
          type: 'block_start',
          ...at,
          kind,
          id: textOf(content['id']) ?? '',
          name: textOf(content['name']) ?? '',
          custom: false,
        }
      : { type: 'block_start', ...at, kind },
  ];
  const begun = textOf(content['text']) || textOf(content['thinking']);
  if (begun) events.push({ type: 'delta', ...at, text: begun });
  for (const citation of listOf(content['citations'])) events.push({ type: 'annotation', ...at, value: citation });
  const signature = textOf(content['signature']);
  if (signature) events.push({ type: 'signature', ...at, signature });
  const data = textOf(content['data']);
  if (data !== null) events.push({ type: 'signature', ...at, encrypted: data });
  return events;
}

const KINDS: ReadonlyMap<unknown, Exclude<OpenBlock['kind'], 'opaque'>> = new Map([
  ['text', 'text'],
  ['thinking', 'reasoning'],
  ['redacted_thinking', 'reasoning'],
  ['tool_use', 'tool_call'],
] as const);

function delta(state: State, value: JsonObject, change: JsonObject): CanonicalEvent[] {
  const open = state.open.get(indexOf(value));
  if (!open || open.kind === 'opaque') return [opaque(value)];
  const at = { choice: 0, block: open.block };
  switch (change['type']) {
    case 'text_delta':
      return [{ type: 'delta', ...at, text: textOf(change['text']) ?? '' }];
    case 'thinking_delta':
      return [{ type: 'delta', ...at, text: textOf(change['thinking']) ?? '' }];
    case 'input_json_delta': {
      const text = textOf(change['partial_json']) ?? '';
      if (text !== '') open.hadDelta = true;
      return [{ type: 'delta', ...at, text }];
    }
    case 'signature_delta':
      return [{ type: 'signature', ...at, signature: textOf(change['signature']) ?? '' }];
    case 'citations_delta':
      return [{ type: 'annotation', ...at, value: change['citation'] }];
    default:
      return [opaque(value)];
  }
}

function blockStop(state: State, value: JsonObject): CanonicalEvent[] {
  const open = state.open.get(indexOf(value));
  state.open.delete(indexOf(value));
  if (!open) return [];
  if (open.kind === 'opaque') return [opaque(value)];
  const at = { choice: 0, block: open.block };
  const whole: CanonicalEvent[] =
    open.input !== null && !open.hadDelta ? [{ type: 'delta', ...at, text: open.input }] : [];
  return [...whole, { type: 'block_stop', ...at }];
}

function finish(state: State, value: JsonObject): CanonicalEvent[] {
  const change = objectOf(value['delta']);
  const reason = readStop(change['stop_reason']);
  const events: CanonicalEvent[] = [];
  if (reason !== null) {
    events.push({ type: 'finish', choice: 0, reason, stopSequence: textOf(change['stop_sequence']) });
  }
  return [...events, ...usageEvents(state, value['usage'])];
}
