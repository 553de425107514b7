import type { FinishReason } from '../canonical.ts';

/** SDK 3.1164.0 `StopReason`. */
const TO_FINISH: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  tool_use: 'tool_calls',
  max_tokens: 'length',
  stop_sequence: 'stop_sequence',
  guardrail_intervened: 'content_filter',
  content_filtered: 'content_filter',
  malformed_model_output: 'other',
  malformed_tool_use: 'other',
  model_context_window_exceeded: 'context_exceeded',
};

const TO_STOP: Readonly<Record<FinishReason, string>> = {
  stop: 'end_turn',
  stop_sequence: 'stop_sequence',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'content_filtered',
  // Converse knows no refusal of the model's own: it ends its turn with the words of it.
  refusal: 'end_turn',
  pause: 'end_turn',
  context_exceeded: 'model_context_window_exceeded',
  other: 'end_turn',
};

/** Null: the answer has not stopped. A reason that we do not know is `other`. */
export function readStop(reason: unknown): FinishReason | null {
  if (typeof reason !== 'string') return null;
  return Object.hasOwn(TO_FINISH, reason) ? TO_FINISH[reason]! : 'other';
}

export const writeStop = (finish: FinishReason): string => TO_STOP[finish];
