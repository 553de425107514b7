import type { FinishReason } from '../canonical.ts';

/** SDK 1.12.0 `BetaStopReason`; a `compaction` stop is a pause: the client sends the block back and goes on. */
const TO_FINISH: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  max_tokens: 'length',
  stop_sequence: 'stop_sequence',
  tool_use: 'tool_calls',
  pause_turn: 'pause',
  compaction: 'pause',
  refusal: 'refusal',
  model_context_window_exceeded: 'context_exceeded',
};

export type StopReason =
  'end_turn' | 'max_tokens' | 'stop_sequence' | 'tool_use' | 'pause_turn' | 'refusal' | 'model_context_window_exceeded';

const TO_STOP: Readonly<Record<FinishReason, StopReason>> = {
  stop: 'end_turn',
  stop_sequence: 'stop_sequence',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  // Anthropic has one word for an answer that was held back.
  content_filter: 'refusal',
  refusal: 'refusal',
  pause: 'pause_turn',
  context_exceeded: 'model_context_window_exceeded',
  other: 'end_turn',
};

/** Null: the answer has not stopped. A reason that we do not know is `other`. */
export function readStop(reason: unknown): FinishReason | null {
  if (typeof reason !== 'string') return null;
  return Object.hasOwn(TO_FINISH, reason) ? TO_FINISH[reason]! : 'other';
}

export const writeStop = (finish: FinishReason): StopReason => TO_STOP[finish];
