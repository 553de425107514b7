import { anthropicMessages } from '../anthropic-messages/index.ts';
import { readPolicy } from '../anthropic-messages/policy.ts';
import { objectOf, usedOf } from '../json/read.ts';
import type { CanonicalAnswer, CanonicalCall, CanonicalWhole } from '../canonical.ts';
import type { AnswerView, Dialect, EncodedCall } from '../dialect.ts';
import { patchBody } from '../anthropic-messages/patch.ts';
import { NO_USAGE, type Usage } from '../usage.ts';

/** Fields of Messages that `MessageCountTokensParams` lacks (@anthropic-ai/sdk 1.12.0): they add no input. */
const NOT_COUNTED: ReadonlySet<string> = new Set([
  ...['max_tokens', 'stream', 'stop_sequences', 'temperature', 'top_p', 'top_k', 'metadata', 'service_tier'],
]);

function encodeCall(call: CanonicalCall): EncodedCall {
  const { value, unsupported } = anthropicMessages.encodeCall(call);
  return { value: Object.fromEntries(Object.entries(value).filter(([name]) => !NOT_COUNTED.has(name))), unsupported };
}

/** `{input_tokens}`: what a call would read. Nothing was generated, and counting is free. */
function usageOf(value: unknown): Usage | null {
  const inputTokens = usedOf(objectOf(value)['input_tokens']);
  return inputTokens === null ? null : { ...NO_USAGE, inputTokens };
}

function readAnswer(value: unknown): AnswerView {
  return { ...anthropicMessages.readAnswer(value), usage: usageOf(value) };
}

const decodeAnswer = (value: unknown): CanonicalAnswer => ({
  kind: 'generate',
  id: '',
  model: '',
  createdS: null,
  choices: [],
  usage: usageOf(value),
  serviceTier: null,
  fingerprint: null,
});

const encodeAnswer = (answer: CanonicalWhole): object => ({
  input_tokens: answer.usage?.inputTokens ?? 0,
});

/** Anthropic's `POST /v1/messages/count_tokens`. It never streams; errors are those of Messages. */
export const anthropicCount: Dialect = {
  ...anthropicMessages,
  name: 'anthropic-count',
  kind: 'count',
  policy: (request) => readPolicy(request, { maxTokensRequired: false }),
  // A count has no limit of output to set.
  patch: (request, { maxOutputTokens: _, ...changes }) => patchBody(request, changes),
  encodeCall,
  readAnswer,
  decodeAnswer,
  encodeAnswer,
};
