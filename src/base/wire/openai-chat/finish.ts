import type { FinishReason } from '#wire/canonical.ts';

/** Finish words of OpenAI and of the providers that speak its dialect with their own words. */
const FINISH: ReadonlyMap<string, FinishReason> = new Map([
  ['stop', 'stop'],
  ['length', 'length'],
  ['tool_calls', 'tool_calls'],
  ['function_call', 'tool_calls'],
  ['content_filter', 'content_filter'],
  // Together and SGLang write the end token's name, TGI its own words.
  ['eos', 'stop'],
  ['eos_token', 'stop'],
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop_sequence'],
  ['max_tokens', 'length'],
  ['tool_use', 'tool_calls'],
  // Mistral: the context is full.
  ['model_length', 'context_exceeded'],
  ['refusal', 'refusal'],
  ['pause_turn', 'pause'],
] satisfies [string, FinishReason][]);

/** Null where the answer goes on or the field is no string; a word that nobody knows is `other`. */
export const readFinish = (value: unknown): FinishReason | null =>
  typeof value === 'string' && value !== '' ? (FINISH.get(value) ?? 'other') : null;

export type ChatFinish = 'stop' | 'length' | 'tool_calls' | 'content_filter';

/** The SDK's type knows four words (openai 7.57.0 `ChatCompletion.Choice.finish_reason`). */
const CHAT_FINISH: Readonly<Record<FinishReason, ChatFinish>> = {
  stop: 'stop',
  stop_sequence: 'stop',
  length: 'length',
  tool_calls: 'tool_calls',
  content_filter: 'content_filter',
  refusal: 'content_filter',
  pause: 'stop',
  context_exceeded: 'length',
  other: 'stop',
};

export const chatFinish = (reason: FinishReason): ChatFinish => CHAT_FINISH[reason];
