import type { EventView, StreamReader } from '#wire/dialect.ts';
import { isObject, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import { readFault } from '#wire/openai-chat/faults.ts';
import { NOTHING } from '#wire/nothing.ts';
import type { SseEvent } from '#wire/sse/splitter.ts';
import { faultOf } from './answer-view.ts';
import { finishOf } from './finish.ts';
import { keptByItem, keptByResponse, type KeptId } from './kept-ids.ts';
import { typeOf } from './shape.ts';
import { readUsage } from './usage.ts';

const CONTENT: EventView = Object.freeze({ ...NOTHING, content: true });
const wrote = (textBytes: number): EventView => ({
  content: true,
  textBytes,
  usage: null,
  finish: null,
  modelReturned: null,
  fingerprint: null,
  keptIds: NOTHING.keptIds,
  terminal: false,
  fault: null,
  usageOnly: false,
});

/** How an event is read. `text`: its `delta` was generated as tokens of text. */
type Reading = 'text' | 'content' | 'quiet' | 'begin' | 'item' | 'end' | 'error';

/**
 * Events whose reading their name does not tell by the rule below. Source: openai 7.57.0 `ResponseStreamEvent`.
 * The status of a hosted tool is quiet: what it costs and says comes with its item.
 */
const READINGS: ReadonlyMap<string, Reading> = new Map<string, Reading>([
  ['response.created', 'begin'],
  ['response.output_item.added', 'item'],
  ['response.output_item.done', 'item'],
  ['response.completed', 'end'],
  ['response.incomplete', 'end'],
  ['response.failed', 'end'],
  ['error', 'error'],
  // Base64 sound, and what a command printed: no text that the model wrote.
  ['response.audio.delta', 'content'],
  ['response.shell_call_output_content.delta', 'content'],
  ['response.image_generation_call.partial_image', 'content'],
  ['response.output_text.annotation.added', 'content'],
]);

/** Unknown events: a delta is content that somebody generates, anything else says nothing to the gate. */
const readingOf = (type: string): Reading => READINGS.get(type) ?? (type.endsWith('.delta') ? 'text' : 'quiet');

/** Reader of one Responses stream. Only lifecycle and item events are parsed; a delta costs one search. */
export function streamReader(): StreamReader {
  const seen = new Set<string>();
  let stored = true;
  const fresh = (ids: readonly KeptId[]): KeptId[] =>
    ids.filter(({ kind, id }) => !seen.has(`${kind} ${id}`) && seen.add(`${kind} ${id}`));
  const slow = (data: string, reading: Reading, name: string): EventView => {
    const value = parsed(data);
    if (!value) return NOTHING;
    if (reading === 'item') return readItem(value, stored, fresh);
    if (reading === 'error' || name === 'error' || isObject(value['error'])) {
      return { ...NOTHING, fault: readFault(null, value) };
    }
    if (reading !== 'begin' && reading !== 'end') return NOTHING;
    const response = objectOf(value['response']);
    stored = response['store'] !== false;
    return readLifecycle(response, reading === 'end' && faultOf(response) === null, reading === 'end', fresh);
  };
  const read = ({ data, name }: SseEvent): EventView => {
    if (data === null || data === '[DONE]') return NOTHING;
    const type = eventType(data, name);
    const reading = name === 'error' ? 'error' : readingOf(type);
    if (reading === 'text') return wrote(deltaBytes(data));
    if (reading === 'content') return CONTENT;
    // A data object without a type may be a proxy's bare `{"error": …}`.
    return reading === 'quiet' && type !== '' ? NOTHING : slow(data, reading, name);
  };
  return { read };
}

const readLifecycle = (
  response: JsonObject,
  whole: boolean,
  terminal: boolean,
  fresh: (ids: readonly KeptId[]) => KeptId[],
): EventView => ({
  content: whole,
  textBytes: 0,
  usage: readUsage(response),
  finish: finishOf(response),
  modelReturned: textOf(response['model']),
  fingerprint: textOf(response['system_fingerprint']),
  keptIds: fresh(keptByResponse(response)),
  terminal,
  fault: terminal ? faultOf(response) : null,
  usageOnly: false,
});

/** The start of a message or of reasoning is an empty shell; a call's start names its tool, and its end is whole. */
function readItem(event: JsonObject, stored: boolean, fresh: (ids: readonly KeptId[]) => KeptId[]): EventView {
  const item = objectOf(event['item']);
  const type = typeOf(item);
  const shell = event['type'] === 'response.output_item.added' && (type === 'message' || type === 'reasoning');
  return { ...NOTHING, content: !shell, keptIds: fresh(keptByItem(item, stored)) };
}

function parsed(data: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(data);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** `type` where it stands first, as OpenAI writes it; else the name of the event, else by a parse. '' where none. */
function eventType(data: string, name: string): string {
  const head = data.startsWith('{"type":"') ? 9 : data.startsWith('{"type": "') ? 10 : -1;
  const end = head < 0 ? -1 : data.indexOf('"', head);
  if (end >= 0) return data.slice(head, end);
  if (name.startsWith('response.')) return name;
  return (data.includes('"type"') && textOf(parsed(data)?.['type'])) || '';
}

const DELTA = '"delta":';
const QUOTE = 0x22;
const SPACE = 0x20;

/**
 * UTF-8 bytes of the string in `delta`. `"delta":` cannot stand inside a string, where its quotes would be escaped.
 * In the events of the API no nested object with such a key comes before it.
 */
function deltaBytes(data: string): number {
  let start = data.indexOf(DELTA);
  if (start < 0) return 0;
  start += DELTA.length;
  while (data.charCodeAt(start) === SPACE) start++;
  if (data.charCodeAt(start) !== QUOTE) return 0;
  const end = data.indexOf('"', start + 1);
  if (end < 0) return 0;
  const plain = data.slice(start + 1, end);
  return plain.includes('\\') ? Buffer.byteLength(textOf(parsed(data)?.['delta']) ?? '') : Buffer.byteLength(plain);
}
