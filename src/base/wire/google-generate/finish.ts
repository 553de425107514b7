import type { FinishReason } from '../canonical.ts';

/** `FinishReason` of @google/genai 3.3.0. What is not here is `other`. */
const TO_FINISH: ReadonlyMap<unknown, FinishReason> = new Map<unknown, FinishReason>([
  ['STOP', 'stop'],
  ['MAX_TOKENS', 'length'],
  ['CONTINUATION', 'pause'],
  ...(
    [
      ...['SAFETY', 'RECITATION', 'LANGUAGE', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII', 'MODEL_ARMOR'],
      ...['IMAGE_SAFETY', 'IMAGE_PROHIBITED_CONTENT', 'IMAGE_RECITATION', 'ESCALATION'],
    ] as const
  ).map((reason) => [reason, 'content_filter'] as const),
]);

const TO_GOOGLE: Readonly<Record<FinishReason, string>> = {
  stop: 'STOP',
  stop_sequence: 'STOP',
  length: 'MAX_TOKENS',
  // Google has no word of its own: the parts show the calls.
  tool_calls: 'STOP',
  content_filter: 'SAFETY',
  refusal: 'SAFETY',
  pause: 'OTHER',
  context_exceeded: 'MAX_TOKENS',
  other: 'OTHER',
};

/** Null: the candidate goes on. A stop with calls in it is `tool_calls`. */
export function readFinish(reason: unknown, hasCalls: boolean): FinishReason | null {
  if (typeof reason !== 'string' || reason === '' || reason === 'FINISH_REASON_UNSPECIFIED') return null;
  const finish = TO_FINISH.get(reason) ?? 'other';
  return finish === 'stop' && hasCalls ? 'tool_calls' : finish;
}

export const writeFinish = (finish: FinishReason): string => TO_GOOGLE[finish];

/** A prompt that was refused before a candidate was made (`promptFeedback.blockReason`). */
export const isBlocked = (reason: unknown): boolean =>
  typeof reason === 'string' && reason !== '' && reason !== 'BLOCKED_REASON_UNSPECIFIED';
