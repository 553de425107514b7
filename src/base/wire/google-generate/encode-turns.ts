import { cannotSay, type Encoding } from '../anthropic-messages/encoding.ts';
import type { Turn } from '../canonical.ts';
import { encodeParts, type GooglePart } from './encode-parts.ts';

interface Content {
  readonly role: 'user' | 'model';
  readonly parts: GooglePart[];
}

/**
 * Leading `system` and `developer` turns become `systemInstruction`. A later one has no form: it stands where it stood
 * as a user's words, and its role is listed as left out.
 */
export function encodeTurns(to: Encoding, turns: readonly Turn[]): { systemInstruction?: object; contents: Content[] } {
  const firstOther = turns.findIndex((turn) => turn.role !== 'system' && turn.role !== 'developer');
  const leading = firstOther < 0 ? turns.length : firstOther;
  const system: GooglePart[] = [];
  const contents: Content[] = [];
  const names = new Map<string, string>();
  for (const [index, turn] of turns.entries()) {
    const path = `messages[${index}]`;
    if (turn.name !== undefined) cannotSay(to, `${path}.name`, 'hint');
    const parts = encodeParts(to, turn, path, names);
    if (index < leading) {
      system.push(...parts);
      continue;
    }
    if (turn.role === 'system' || turn.role === 'developer') cannotSay(to, `${path}.role`, 'hint');
    addContent(contents, turn.role === 'assistant' ? 'model' : 'user', parts);
  }
  return { ...(system.length > 0 && { systemInstruction: { parts: system } }), contents };
}

/** Turns of one role in a row are one content: Google looks for all results of parallel calls in the one after them. */
function addContent(contents: Content[], role: Content['role'], parts: GooglePart[]): void {
  const last = contents.at(-1);
  if (last?.role === role) last.parts.push(...parts);
  // A turn of which nothing could be carried is none; a user's own empty one is.
  else if (parts.length > 0 || role === 'user')
    contents.push({ role, parts: parts.length > 0 ? parts : [{ text: '' }] });
}
