import type { Turn } from '../canonical.ts';
import { encodeParts, plain, type Block } from './encode-parts.ts';
import { cannotSay, type Encoding } from './encoding.ts';

interface Message {
  readonly role: 'user' | 'assistant' | 'system';
  readonly blocks: Block[];
}

/**
 * Leading `system` and `developer` turns become `system`, in order: to Anthropic both are the operator's word.
 * Later ones stay where they stand, as messages of role `system` (SDK 1.12.0 `SystemMessageParam`): moved to the
 * front they would change what the model read when, and as a user's words they would lose their authority.
 */
export function encodeTurns(to: Encoding, turns: readonly Turn[]): { system?: unknown; messages: unknown[] } {
  const firstOther = turns.findIndex((turn) => turn.role !== 'system' && turn.role !== 'developer');
  const leading = firstOther < 0 ? turns.length : firstOther;
  const system: Block[] = [];
  const messages: Message[] = [];
  for (const [index, turn] of turns.entries()) {
    if (turn.name !== undefined) cannotSay(to, `messages[${index}].name`, 'hint');
    const blocks = encodeParts(to, turn.parts, `messages[${index}].content`);
    if (index < leading) system.push(...blocks);
    else addMessage(messages, turn.role === 'developer' ? 'system' : turn.role, blocks);
  }
  return {
    ...(system.length > 0 && { system: plain(system) }),
    messages: messages.map(({ role, blocks }) => ({ role, content: blocks.length === 0 ? '' : plain(blocks) })),
  };
}

/**
 * Turns of one role in a row are one message. Anthropic joins them itself, but looks for the results of parallel
 * tool calls in the one message after the calls, and there before any text.
 */
function addMessage(messages: Message[], role: Message['role'], blocks: Block[]): void {
  const last = messages.at(-1);
  if (last?.role !== role || role === 'system') {
    // A turn of which nothing could be carried (reasoning alone) is no message; the caller's own empty one is.
    if (blocks.length > 0 || role === 'user') messages.push({ role, blocks: [...blocks] });
    return;
  }
  last.blocks.push(...blocks);
  if (role !== 'user') return;
  const isResult = (block: Block): boolean => block['type'] === 'tool_result';
  last.blocks.sort((a, b) => Number(isResult(b)) - Number(isResult(a)));
}
