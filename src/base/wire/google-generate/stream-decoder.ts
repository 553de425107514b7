import { parsed } from '../anthropic-messages/parsed.ts';
import type { CanonicalEvent, Part } from '../canonical.ts';
import type { StreamDecoder } from '../dialect.ts';
import { countOf, isObject, isUnset, listOf, objectOf, textOf, type JsonObject } from '../json/read.ts';
import type { SseEvent } from '../sse/splitter.ts';
import { blocked, idPrefix, partsIn } from './answer.ts';
import { callIds, decodePart, type CallIds } from './decode-contents.ts';
import { readFault } from './faults.ts';
import { readFinish } from './finish.ts';
import { readLogprobs } from './logprobs.ts';
import { readUsage } from './usage.ts';

type Finish = Extract<CanonicalEvent, { type: 'finish' }>['reason'];

/** One candidate while it streams. */
interface Choice {
  next: number;
  open: { readonly kind: 'text' | 'reasoning'; readonly block: number } | null;
  called: boolean;
}

interface State {
  readonly choices: Map<number, Choice>;
  ids: CallIds | null;
  over: boolean;
}

/** Chunks to canonical events. Usage is cumulative and comes with each chunk. The end is the connection's. */
export function streamDecoder(): StreamDecoder {
  const state: State = { choices: new Map(), ids: null, over: false };
  return { push: (event) => decode(state, event), end: () => end(state) };
}

function decode(state: State, event: SseEvent): readonly CanonicalEvent[] {
  const value = event.data === null ? null : parsed(event.data);
  const answer = Array.isArray(value) ? value[0] : value;
  if (!isObject(answer) || state.over) return [];
  if (!isUnset(answer['error'])) {
    state.over = true;
    return [{ type: 'error', error: readFault(null, answer) }];
  }
  const events = state.ids ? [] : [start(state, answer)];
  for (const candidate of listOf(answer['candidates'])) events.push(...candidateEvents(state, objectOf(candidate)));
  if (listOf(answer['candidates']).length === 0 && blocked(answer)) events.push(finishEvent(0, 'content_filter'));
  const usage = readUsage(answer['usageMetadata'], answer);
  return usage ? [...events, { type: 'usage', usage }] : events;
}

function start(state: State, answer: JsonObject): CanonicalEvent {
  state.ids = callIds(idPrefix(answer));
  return {
    type: 'start',
    id: textOf(answer['responseId']) ?? '',
    model: textOf(answer['modelVersion']) ?? '',
    createdS: null,
    fingerprint: null,
  };
}

const finishEvent = (choice: number, reason: Finish): CanonicalEvent => ({
  type: 'finish',
  choice,
  reason,
  stopSequence: null,
});

function candidateEvents(state: State, candidate: JsonObject): CanonicalEvent[] {
  const index = countOf(candidate['index']) ?? 0;
  let choice = state.choices.get(index);
  if (!choice) state.choices.set(index, (choice = { next: 0, open: null, called: false }));
  const events: CanonicalEvent[] = [];
  const logprobs = readLogprobs(candidate['logprobsResult']);
  for (const value of partsIn(candidate)) {
    for (const part of decodePart(objectOf(value), state.ids!))
      events.push(...partEvents(choice, index, part, logprobs));
  }
  const reason = readFinish(candidate['finishReason'], choice.called);
  if (reason !== null) events.push(...close(choice, index), finishEvent(index, reason));
  return events;
}

function partEvents(choice: Choice, index: number, part: Part, logprobs: object | null): CanonicalEvent[] {
  switch (part.type) {
    case 'text':
      if (part.text === '') return [];
      return [...openBlock(choice, index, 'text'), delta(index, choice.next - 1, part.text, logprobs)];
    case 'reasoning':
      return reasoningEvents(choice, index, part);
    case 'tool_call':
      return [...close(choice, index), ...callEvents(choice, index, part)];
    case 'opaque':
      return [{ type: 'opaque', dialect: part.dialect, name: 'part', value: { index, part: part.value } }];
    default:
      return [];
  }
}

const delta = (choice: number, block: number, text: string, logprobs: object | null = null): CanonicalEvent => ({
  type: 'delta',
  choice,
  block,
  text,
  ...(logprobs && { logprobs }),
});

function openBlock(choice: Choice, index: number, kind: 'text' | 'reasoning'): CanonicalEvent[] {
  if (choice.open?.kind === kind) return [];
  const closed = close(choice, index);
  choice.open = { kind, block: choice.next++ };
  return [...closed, { type: 'block_start', choice: index, block: choice.open.block, kind }];
}

/** A signature ends its thought: what follows is another. */
function reasoningEvents(choice: Choice, index: number, part: Extract<Part, { type: 'reasoning' }>): CanonicalEvent[] {
  const events = openBlock(choice, index, 'reasoning');
  const block = choice.next - 1;
  if (part.text !== '') events.push(delta(index, block, part.text));
  if (part.signature === undefined) return events;
  events.push({ type: 'signature', choice: index, block, signature: part.signature });
  return [...events, ...close(choice, index)];
}

function callEvents(choice: Choice, index: number, part: Extract<Part, { type: 'tool_call' }>): CanonicalEvent[] {
  choice.called = true;
  const at = { choice: index, block: choice.next++ };
  return [
    { type: 'block_start', ...at, kind: 'tool_call', id: part.id, name: part.name, custom: false },
    { type: 'delta', ...at, text: part.args },
    { type: 'block_stop', ...at },
  ];
}

function close(choice: Choice, index: number): CanonicalEvent[] {
  const { open } = choice;
  choice.open = null;
  return open ? [{ type: 'block_stop', choice: index, block: open.block }] : [];
}

function end(state: State): CanonicalEvent[] {
  if (state.over) return [];
  state.over = true;
  return [...[...state.choices].flatMap(([index, choice]) => close(choice, index)), { type: 'end' }];
}
