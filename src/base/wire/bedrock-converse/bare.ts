import type { BareRequest } from '../dialect.ts';
import { isObject, listOf, objectOf } from '../json/read.ts';
import type { StrictJson } from '../json/strict.ts';

const THOUGHT = 'reasoningContent';

/**
 * The request without reasoning, for a model of another family (clients.md 8). In the middle of a tool loop Claude
 * wants the turn that called the tool to begin with its thinking: it is turned off for this call.
 */
export function withoutReasoning({ value }: StrictJson): BareRequest | null {
  const messages = listOf(value['messages']);
  const bare = messages.map(bareMessage);
  if (bare.every((message, i) => message === messages[i])) return null;
  const kept = bare.filter((message) => message !== null);
  const edits = new Map<string, string | null>([['messages', JSON.stringify(kept)]]);
  const dropped = ['messages.reasoningContent'];
  const { thinking, ...own } = objectOf(value['additionalModelRequestFields']);
  if (!isObject(thinking) || thinking['type'] === 'disabled' || !inToolLoop(messages)) return { edits, dropped };
  edits.set('additionalModelRequestFields', Object.keys(own).length === 0 ? null : JSON.stringify(own));
  return { edits, dropped: [...dropped, 'additionalModelRequestFields.thinking'] };
}

/** The same message where nobody thought; null where nothing else was in it. */
function bareMessage(message: unknown): unknown {
  if (!isObject(message)) return message;
  const blocks = listOf(message['content']);
  const content = blocks.filter((block) => !isObject(block) || !(THOUGHT in block));
  if (content.length === blocks.length) return message;
  return content.length === 0 ? null : { ...message, content };
}

/** The last turn answers tools that the assistant called in the turn before. */
const inToolLoop = (messages: readonly unknown[]): boolean =>
  listOf(objectOf(messages.at(-1))['content']).some((block) => isObject(block) && 'toolResult' in block);
