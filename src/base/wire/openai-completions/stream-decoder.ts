import type { CanonicalEvent } from '#wire/canonical.ts';
import type { StreamDecoder } from '#wire/dialect.ts';
import { countOf, isUnset, listOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import { DONE, parseChunk, startOf } from '#wire/openai-chat/chunk-view.ts';
import { readFault } from '#wire/openai-chat/faults.ts';
import { readFinish } from '#wire/openai-chat/finish.ts';
import { readUsage } from '#wire/openai-chat/usage.ts';
import type { SseEvent } from '#wire/sse/splitter.ts';

/** Chunks of a legacy completion to canonical events: each choice is one block of text. */
export function streamDecoder(): StreamDecoder {
  const open = new Set<number>();
  let started = false;

  const chunk = (value: JsonObject): CanonicalEvent[] => {
    if (!isUnset(value['error'])) return [{ type: 'error', error: readFault(null, value) }];
    const events = started ? [] : [startOf(value)];
    started = true;
    for (const choice of listOf(value['choices'])) events.push(...choiceEvents(open, objectOf(choice)));
    const usage = readUsage(value);
    return usage ? [...events, { type: 'usage', usage }] : events;
  };
  const push = ({ data, name }: SseEvent): readonly CanonicalEvent[] => {
    if (data === null) return [];
    if (data.trim() === DONE) return [{ type: 'end' }];
    const value = parseChunk(data);
    if (value) return chunk(value);
    return name === 'error' ? [{ type: 'error', error: readFault(null, data) }] : [];
  };
  return { push };
}

function choiceEvents(open: Set<number>, choice: JsonObject): CanonicalEvent[] {
  const at = { choice: countOf(choice['index']) ?? 0, block: 0 };
  const text = textOf(choice['text']) ?? '';
  const logprobs = choice['logprobs'];
  const finish = readFinish(choice['finish_reason']);
  const events: CanonicalEvent[] = [];
  if (text !== '' || !isUnset(logprobs)) {
    if (!open.has(at.choice)) events.push({ type: 'block_start', ...at, kind: 'text' });
    open.add(at.choice);
    events.push({ type: 'delta', ...at, text, ...(!isUnset(logprobs) && { logprobs }) });
  }
  if (finish === null) return events;
  if (open.delete(at.choice)) events.push({ type: 'block_stop', ...at });
  return [...events, { type: 'finish', choice: at.choice, reason: finish, stopSequence: null }];
}
