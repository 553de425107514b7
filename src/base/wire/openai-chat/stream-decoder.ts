import type { CanonicalEvent } from '#wire/canonical.ts';
import type { StreamDecoder } from '#wire/dialect.ts';
import { countOf, isObject, isUnset, listOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import type { SseEvent } from '#wire/sse/splitter.ts';
import { DONE, parseChunk, startOf } from './chunk-view.ts';
import { ChoiceBlocks } from './choice-blocks.ts';
import { readFault } from './faults.ts';
import { readFinish } from './finish.ts';
import { readUsage } from './usage.ts';

/** Chat chunks to canonical events. Chat has no blocks: a block begins with the first piece of its kind. */
export function streamDecoder(): StreamDecoder {
  const choices = new Map<number, ChoiceBlocks>();
  let started = false;
  const blocksOf = (index: number): ChoiceBlocks => {
    let blocks = choices.get(index);
    if (!blocks) choices.set(index, (blocks = new ChoiceBlocks(index)));
    return blocks;
  };
  const chunkEvents = (chunk: JsonObject): CanonicalEvent[] => {
    const events: CanonicalEvent[] = started ? [] : [startOf(chunk)];
    started = true;
    for (const item of listOf(chunk['choices'])) {
      const choice = objectOf(item);
      events.push(...choiceEvents(choice, blocksOf(countOf(choice['index']) ?? 0)));
    }
    const usage = readUsage(chunk);
    if (usage) events.push({ type: 'usage', usage });
    return events;
  };
  const push = (event: SseEvent): readonly CanonicalEvent[] => {
    if (event.data === null) return [];
    if (event.data.trim() === DONE)
      return [...[...choices.values()].flatMap((blocks) => blocks.stopAll()), { type: 'end' }];
    const chunk = parseChunk(event.data);
    if (event.name === 'error' || !isUnset(chunk?.['error'])) {
      return [{ type: 'error', error: readFault(null, chunk ?? event.data) }];
    }
    return chunk ? chunkEvents(chunk) : [];
  };
  return { push };
}

function choiceEvents(choice: JsonObject, blocks: ChoiceBlocks): CanonicalEvent[] {
  const delta = objectOf(choice['delta']);
  const events = deltaEvents(delta, choice['logprobs'], blocks);
  const reason = readFinish(choice['finish_reason']);
  if (reason === null) return events;
  const stopSequence = textOf(choice['stop_reason']) ?? textOf(choice['matched_stop']);
  return [...events, ...blocks.stopAll(), { type: 'finish', choice: blocks.choice, reason, stopSequence }];
}

function deltaEvents(delta: JsonObject, logprobs: unknown, blocks: ChoiceBlocks): CanonicalEvent[] {
  const { text, thinking } = contentOf(delta['content']);
  return [
    ...reasoningEvents(delta, thinking, blocks),
    ...blocks.text('text', text, logprobs),
    ...listOf(delta['annotations']).flatMap((value) => blocks.annotation(value)),
    ...blocks.text('refusal', textOf(delta['refusal']) ?? '', text === '' ? logprobs : null),
    ...listOf(delta['tool_calls']).flatMap((call) => blocks.tool(objectOf(call))),
    ...ownEvents(delta, blocks.choice),
  ];
}

/** Text of a delta; Mistral's reasoning models send parts instead of a string. */
function contentOf(content: unknown): { readonly text: string; readonly thinking: string } {
  if (!Array.isArray(content)) return { text: textOf(content) ?? '', thinking: '' };
  const parts = content.map(objectOf);
  const joined = (pieces: readonly JsonObject[]): string => pieces.map((piece) => textOf(piece['text']) ?? '').join('');
  return { text: joined(parts), thinking: joined(parts.flatMap((part) => listOf(part['thinking']).map(objectOf))) };
}

function reasoningEvents(delta: JsonObject, thinking: string, blocks: ChoiceBlocks): CanonicalEvent[] {
  const details = listOf(delta['reasoning_details']).map(objectOf);
  const plain = textOf(delta['reasoning_content']) || textOf(delta['reasoning']) || thinking;
  const text = plain || details.map((detail) => textOf(detail['text']) ?? textOf(detail['summary']) ?? '').join('');
  return [...blocks.text('reasoning', text, null), ...details.flatMap((detail) => blocks.signature(detail))];
}

/** Speech and the old form of one call have no canonical event. */
function ownEvents(delta: JsonObject, choice: number): CanonicalEvent[] {
  const own = Object.entries(delta).filter(([name, value]) => OWN.has(name) && isObject(value));
  if (own.length === 0) return [];
  return [{ type: 'opaque', dialect: 'openai-chat', name: 'delta', value: { choice, delta: Object.fromEntries(own) } }];
}
const OWN: ReadonlySet<string> = new Set(['audio', 'function_call']);
