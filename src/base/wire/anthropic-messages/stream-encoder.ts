import type { CanonicalEvent, FinishReason } from '../canonical.ts';
import type { AnswerContext, StreamEncoder } from '../dialect.ts';
import { mergeUsage, type Usage } from '../usage.ts';
import { blockQueue, type BlockQueue } from './block-queue.ts';
import { blockWriter, opaqueWriter, sse, type OpaqueWriter } from './block-writer.ts';
import { streamFault } from './faults.ts';
import { writeStop } from './finish.ts';
import { writeDeltaUsage, writeUsage } from './usage.ts';

interface State {
  readonly context: AnswerContext;
  readonly queue: BlockQueue;
  start: Extract<CanonicalEvent, { type: 'start' }> | null;
  usage: Usage | null;
  finish: { readonly reason: FinishReason; readonly stopSequence: string | null } | null;
  started: boolean;
  ended: boolean;
}

/**
 * Canonical events as a Messages stream whose order is always legal: `message_start`, blocks one after the other,
 * `message_delta`, `message_stop`. `message_start` waits for the first event that says something, so that usage known
 * by then is in it; `message_delta` waits for the end, so that the last usage is in it. Only choice 0 has a form.
 */
export function streamEncoder(context: AnswerContext): StreamEncoder {
  let next = 0;
  const nextIndex = (): number => next++;
  const state: State = {
    context,
    queue: blockQueue(blockWriter(nextIndex)),
    start: null,
    usage: null,
    finish: null,
    started: false,
    ended: false,
  };
  const opaque = opaqueWriter(nextIndex);
  return { push: (event) => (state.ended ? '' : encode(state, event, opaque)) };
}

function encode(state: State, event: CanonicalEvent, opaque: OpaqueWriter): string {
  switch (event.type) {
    case 'start':
      state.start = event;
      return '';
    case 'usage':
      state.usage = mergeUsage(state.usage, event.usage);
      return '';
    case 'finish':
      if (event.choice === 0) state.finish = event;
      return '';
    case 'ping':
      return begin(state) + sse({ type: 'ping' });
    case 'error':
      state.ended = true;
      return streamFault(event.error, state.context.callId);
    case 'end':
      return end(state);
    case 'opaque':
      return event.dialect === 'anthropic-messages' ? begin(state) + opaque(state.queue, event) : '';
    default:
      return event.choice === 0 ? begin(state) + state.queue.push(event) : '';
  }
}

function begin(state: State): string {
  if (state.started) return '';
  state.started = true;
  const message = {
    id: state.start?.id || `msg_${state.context.callId}`,
    type: 'message',
    role: 'assistant',
    model: state.start?.model || state.context.modelAsked,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    container: null,
    diagnostics: null,
    usage: writeUsage(state.usage),
  };
  return sse({ type: 'message_start', message });
}

function end(state: State): string {
  const before = begin(state) + state.queue.drain();
  state.ended = true;
  const delta = {
    stop_reason: writeStop(state.finish?.reason ?? 'other'),
    stop_sequence: state.finish?.stopSequence ?? null,
    stop_details: null,
    container: null,
  };
  const last = { type: 'message_delta', delta, usage: writeDeltaUsage(state.usage) };
  return before + sse(last) + sse({ type: 'message_stop' });
}
