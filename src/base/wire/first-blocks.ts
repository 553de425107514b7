import { hash } from 'node:crypto';
import { isObject } from './json/read.ts';

/** Characters of a text that stand for it, at each end. Two prompts that agree in them and in length are one. */
const SAMPLE = 192;

/**
 * Names the conversation that a body belongs to, whatever its dialect: what stands before the first turn, and the
 * user's first turn. Both stay as they are while a conversation grows, and differ between two. A hash, so that no
 * text is kept; null where there is no turn of a user.
 */
export function firstBlocksHash(body: Readonly<Record<string, unknown>>): string | null {
  const turns = body['messages'] ?? body['input'] ?? body['contents'];
  const first = typeof turns === 'string' ? turns : Array.isArray(turns) ? firstOfUser(turns) : null;
  if (first === null) return null;
  const before = body['system'] ?? body['instructions'] ?? body['systemInstruction'] ?? firstTurn(turns);
  return hash('sha1', `${sampleOf(before)}\n${sampleOf(first)}`, 'base64');
}

const firstTurn = (turns: unknown): unknown => (Array.isArray(turns) ? turns[0] : null);

function firstOfUser(turns: readonly unknown[]): unknown {
  const turn = turns.find((one) => isObject(one) && one['role'] === 'user');
  return turn ?? null;
}

/** Length, head and tail of the first text in a value, and how many pieces it has. */
function sampleOf(value: unknown): string {
  const text = textIn(value, 0);
  const pieces = Array.isArray(value) ? value.length : 1;
  return `${pieces}:${text.length}:${text.length <= 2 * SAMPLE ? text : text.slice(0, SAMPLE) + text.slice(-SAMPLE)}`;
}

/** As deep as `{ role, content: [{ text }] }` and `{ parts: [{ text }] }` go. */
function textIn(value: unknown, depth: number): string {
  if (typeof value === 'string') return value;
  if (depth > 4) return '';
  if (Array.isArray(value)) {
    // The last piece with text: agents put the same reminders before the question.
    for (let at = value.length - 1; at >= 0; at--) {
      const text = textIn(value[at], depth + 1);
      if (text !== '') return text;
    }
    return '';
  }
  if (!isObject(value)) return '';
  return textIn(value['text'] ?? value['content'] ?? value['parts'] ?? '', depth + 1);
}
