import { inputOf } from '../anthropic-messages/encode-parts.ts';
import type { CanonicalEvent, FinishReason } from '../canonical.ts';
import type { AnswerContext, StreamEncoder } from '../dialect.ts';
import { countOf, isObject, objectOf } from '../json/read.ts';
import { mergeUsage, type Usage } from '../usage.ts';
import { callPart } from './answer.ts';
import { streamFault } from './faults.ts';
import { writeFinish } from './finish.ts';
import { writeLogprobs } from './logprobs.ts';
import { writeSignature } from './signature.ts';
import { writeUsage } from './usage.ts';

type BlockStart = Extract<CanonicalEvent, { type: 'block_start' }>;

interface Block {
  readonly start: BlockStart;
  /** Argument text of a call, which Google sends whole. */
  args: string;
}

interface State {
  readonly context: AnswerContext;
  readonly blocks: Map<string, Block>;
  readonly finishes: Map<number, FinishReason>;
  start: Extract<CanonicalEvent, { type: 'start' }> | null;
  usage: Usage | null;
  ended: boolean;
}

/**
 * Canonical events as chunks of a `GenerateContentResponse`. Calls wait until their arguments are whole, since Google
 * sends them so; finish reasons and usage wait for the end, where they stand in the last chunk of each candidate.
 */
export function streamEncoder(context: AnswerContext): StreamEncoder {
  const state: State = { context, blocks: new Map(), finishes: new Map(), start: null, usage: null, ended: false };
  return { push: (event) => (state.ended ? '' : encode(state, event)) };
}

function encode(state: State, event: CanonicalEvent): string {
  switch (event.type) {
    case 'start':
      state.start = event;
      return '';
    case 'usage':
      state.usage = mergeUsage(state.usage, event.usage);
      return '';
    case 'finish':
      state.finishes.set(event.choice, event.reason);
      return '';
    case 'block_start':
      state.blocks.set(keyOf(event), { start: event, args: '' });
      return '';
    case 'delta':
      return deltaChunk(state, event);
    case 'signature':
      return signatureChunk(state, event);
    case 'block_stop':
      return stopChunk(state, event);
    case 'error':
      state.ended = true;
      return streamFault(event.error, state.context.callId);
    case 'end':
      return endChunks(state);
    case 'opaque':
      return event.dialect === 'google-generate' ? ownPart(state, event.value) : '';
    default:
      return '';
  }
}

const keyOf = ({ choice, block }: { readonly choice: number; readonly block: number }): string => `${choice}.${block}`;

function sse(state: State, index: number, part: object, more: object = {}, usage: object | null = null): string {
  const value = {
    candidates: [{ content: { role: 'model', parts: [part] }, ...more, index }],
    ...(usage && { usageMetadata: usage }),
    modelVersion: state.start?.model || state.context.modelAsked,
    responseId: state.start?.id || state.context.callId,
  };
  return `data: ${JSON.stringify(value)}\n\n`;
}

function deltaChunk(state: State, event: Extract<CanonicalEvent, { type: 'delta' }>): string {
  const block = state.blocks.get(keyOf(event));
  if (!block) return '';
  if (block.start.kind === 'tool_call') return ((block.args += event.text), '');
  if (event.text === '') return '';
  const logprobsResult = writeLogprobs(event.logprobs);
  const part = { text: event.text, ...(block.start.kind === 'reasoning' && { thought: true }) };
  return sse(state, event.choice, part, logprobsResult ? { logprobsResult } : {});
}

function signatureChunk(state: State, event: Extract<CanonicalEvent, { type: 'signature' }>): string {
  if (!event.signature) return '';
  return sse(state, event.choice, { text: '', thought: true, thoughtSignature: writeSignature(event.signature) });
}

function stopChunk(state: State, event: Extract<CanonicalEvent, { type: 'block_stop' }>): string {
  const block = state.blocks.get(keyOf(event));
  state.blocks.delete(keyOf(event));
  if (block?.start.kind !== 'tool_call') return '';
  const { id, name, custom } = block.start;
  return sse(state, event.choice, callPart(id ?? '', name ?? '', custom ? { input: block.args } : inputOf(block.args)));
}

function endChunks(state: State): string {
  state.ended = true;
  const usage = state.usage && writeUsage(state.usage);
  const finishes = state.finishes.size > 0 ? [...state.finishes] : [[0, 'other'] as const];
  const last = finishes.length - 1;
  return finishes
    .map(([index, reason], i) =>
      sse(state, index, { text: '' }, { finishReason: writeFinish(reason) }, i === last ? usage : null),
    )
    .join('');
}

function ownPart(state: State, value: unknown): string {
  const { index, part } = objectOf(value) as Record<string, unknown>;
  return isObject(part) ? sse(state, countOf(index) ?? 0, part) : '';
}
