import type { BareRequest } from '../dialect.ts';
import { isObject, listOf, objectOf, type JsonObject } from '../json/read.ts';
import type { StrictJson } from '../json/strict.ts';

const SIGNED: ReadonlySet<unknown> = new Set(['thinking', 'redacted_thinking']);

/**
 * The request without signed thinking, for a model of another family (clients.md 8). In the middle of a tool loop
 * thinking is turned off for this call as well: the API wants the turn that called the tool to begin with it.
 */
export function withoutThinking({ value }: StrictJson): BareRequest | null {
  const messages = listOf(value['messages']);
  const bare = messages.map(bareMessage);
  if (bare.every((message, i) => message === messages[i])) return null;
  const kept = bare.filter((message) => message !== null);
  const edits = new Map<string, string | null>([['messages', JSON.stringify(kept)]]);
  const dropped = ['messages.thinking'];
  if (!thinks(value['thinking']) || !inToolLoop(messages)) return { edits, dropped };
  edits.set('thinking', null);
  dropped.push('thinking');
  const rules = listOf(objectOf(value['context_management'])['edits']);
  const others = rules.filter((rule) => !String(objectOf(rule)['type']).startsWith('clear_thinking'));
  if (others.length === rules.length) return { edits, dropped };
  // Rules that clear thinking are refused where there is none.
  const rest = { ...objectOf(value['context_management']), edits: others };
  edits.set('context_management', others.length === 0 ? null : JSON.stringify(rest));
  return { edits, dropped: [...dropped, 'context_management.edits'] };
}

/** The same message where nothing was signed; null where nothing else was in it. */
function bareMessage(message: unknown): unknown {
  if (!isObject(message) || !Array.isArray(message['content'])) return message;
  const content = (message['content'] as unknown[]).filter((block) => !isObject(block) || !SIGNED.has(block['type']));
  if (content.length === (message['content'] as unknown[]).length) return message;
  return content.length === 0 ? null : { ...message, content };
}

const thinks = (thinking: unknown): boolean => {
  const { type } = objectOf(thinking) as JsonObject & { type?: unknown };
  return type === 'enabled' || type === 'adaptive';
};

/** The last turn answers tools that the assistant called in the turn before. */
function inToolLoop(messages: readonly unknown[]): boolean {
  const last = objectOf(messages.at(-1));
  return listOf(last['content']).some((block) => objectOf(block)['type'] === 'tool_result');
}
