import type { BareRequest } from '../dialect.ts';
import { isObject, listOf } from '../json/read.ts';
import type { StrictJson } from '../json/strict.ts';

/** Fields in which proxies of thinking models carry signed or encrypted reasoning (OpenRouter, LiteLLM). */
const SIGNED = ['reasoning_details', 'thinking_blocks'] as const;

/** The request without signed reasoning, for a model of another family (clients.md 8). Plain reasoning text stays. */
export function withoutReasoning({ value }: StrictJson): BareRequest | null {
  const messages = listOf(value['messages']);
  const dropped = SIGNED.filter((field) => messages.some((message) => isObject(message) && field in message));
  if (dropped.length === 0) return null;
  const kept = messages.map((message) => {
    if (!isObject(message)) return message;
    return Object.fromEntries(
      Object.entries(message).filter(([name]) => !(SIGNED as readonly string[]).includes(name)),
    );
  });
  return { edits: new Map([['messages', JSON.stringify(kept)]]), dropped: dropped.map((field) => `messages.${field}`) };
}
