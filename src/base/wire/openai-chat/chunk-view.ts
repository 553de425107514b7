import type { CanonicalEvent } from '#wire/canonical.ts';
import type { EventView } from '#wire/dialect.ts';
import { countOf, isObject, isUnset, listOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import { NOTHING } from '#wire/nothing.ts';
import type { SseEvent } from '#wire/sse/splitter.ts';
import { readFault } from './faults.ts';
import { readFinish } from './finish.ts';
import { readUsage } from './usage.ts';

export const TERMINAL: EventView = Object.freeze({ ...NOTHING, terminal: true });
export const DONE = '[DONE]';

/** Parses the data of an event, or null where it is no JSON object. */
export function parseChunk(data: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(data);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** What any chunk says of the answer that it is a piece of. */
export const startOf = (chunk: JsonObject): CanonicalEvent => ({
  type: 'start',
  id: textOf(chunk['id']) ?? '',
  model: textOf(chunk['model']) ?? '',
  createdS: countOf(chunk['created']),
  fingerprint: textOf(chunk['system_fingerprint']),
});

/** The plain reading of one event: parse, then look at every field. What the fast path must agree with. */
export function readEvent(event: SseEvent): EventView {
  if (event.data === null) return NOTHING;
  if (event.data.trim() === DONE) return TERMINAL;
  const chunk = parseChunk(event.data);
  if (chunk) return viewOf(chunk, event.name);
  return event.name === 'error' ? { ...NOTHING, fault: readFault(null, event.data) } : NOTHING;
}

export function viewOf(chunk: JsonObject, eventName: string): EventView {
  const choices = listOf(chunk['choices']);
  const usage = readUsage(chunk);
  const fault = !isUnset(chunk['error']) || eventName === 'error' ? readFault(null, chunk) : null;
  let content = false;
  let textBytes = 0;
  let finish: EventView['finish'] = null;
  let keptIds = NOTHING.keptIds;
  for (const choice of choices) {
    const delta = objectOf(objectOf(choice)['delta']);
    const bytes = deltaBytes(delta);
    textBytes += bytes;
    content ||= bytes > 0 || carriesMore(delta);
    finish = readFinish(objectOf(choice)['finish_reason']) ?? finish;
    const audioId = textOf(objectOf(delta['audio'])['id']);
    if (audioId !== null) keptIds = [...keptIds, { kind: 'audio', id: audioId }];
  }
  return {
    content,
    textBytes,
    usage,
    finish,
    modelReturned: textOf(chunk['model']),
    fingerprint: textOf(chunk['system_fingerprint']),
    keptIds,
    terminal: false,
    fault,
    usageOnly: usage !== null && fault === null && Array.isArray(chunk['choices']) && choices.length === 0,
  };
}

/**
 * UTF-8 bytes of what the model generated in a delta: text, refusal, reasoning (once, where a provider sends it
 * under two names), argument text of tool calls, transcript of speech. Names, ids and base64 of sound do not count.
 */
function deltaBytes(delta: JsonObject): number {
  const call = delta['function_call'];
  const audio = delta['audio'];
  let bytes = contentBytes(delta['content']) + byteLength(delta['refusal']);
  bytes += byteLength(delta['reasoning_content']) || byteLength(delta['reasoning']);
  if (isObject(call)) bytes += byteLength(call['arguments']);
  if (isObject(audio)) bytes += byteLength(audio['transcript']);
  for (const tool of listOf(delta['tool_calls'])) bytes += toolBytes(objectOf(tool));
  return bytes;
}

const toolBytes = (tool: JsonObject): number =>
  byteLength(objectOf(tool['function'])['arguments']) + byteLength(objectOf(tool['custom'])['input']);

const byteLength = (value: unknown): number => (typeof value === 'string' ? Buffer.byteLength(value) : 0);

/** Mistral's reasoning models send parts: `{type: "text", text}` and `{type: "thinking", thinking: [parts]}`. */
function contentBytes(content: unknown): number {
  if (!Array.isArray(content)) return byteLength(content);
  return content.reduce<number>((sum, part) => {
    const { text, thinking } = objectOf(part) as Record<string, unknown>;
    return sum + byteLength(text) + listOf(thinking).reduce<number>((n, t) => n + byteLength(objectOf(t)['text']), 0);
  }, 0);
}

/** Content without text: a tool call's start, sound, an encrypted or summarised thought, an annotation, an image. */
function carriesMore(delta: JsonObject): boolean {
  if (!isUnset(delta['function_call']) || isObject(delta['audio'])) return true;
  for (const name of LIST_FIELDS) if (listOf(delta[name]).length > 0) return true;
  return false;
}
const LIST_FIELDS = ['tool_calls', 'reasoning_details', 'annotations', 'images'] as const;
