import type { Part, ReasoningPart, ToolResultPart, Turn } from '#wire/canonical.ts';
import { annotationsOf } from './annotations.ts';
import { inputPart, type Losses } from './encode-content.ts';
import { isMinted } from './kept-ids.ts';

/** Turns as input items: parts of a message stay together, calls, results and reasoning are items of their own. */
export function itemsOfTurns(turns: readonly Turn[], lost: Losses): object[] {
  const items: object[] = [];
  for (const turn of turns) {
    if (turn.name !== undefined) lost.add('name', 'hint');
    let content: object[] = [];
    const flush = (): void => {
      if (content.length > 0) items.push({ type: 'message', role: turn.role, content });
      content = [];
    };
    for (const part of turn.parts) {
      const own = ownItem(part, lost);
      if (own === undefined) content.push(...messagePart(turn.role, part, lost));
      else {
        flush();
        if (own !== null) items.push(own);
      }
    }
    flush();
  }
  return items;
}

/** The item that the part is; null: it is left out; undefined: it belongs into a message. */
function ownItem(part: Part, lost: Losses): object | null | undefined {
  switch (part.type) {
    case 'tool_call':
      return part.custom
        ? { type: 'custom_tool_call', call_id: part.id, name: part.name, input: part.args }
        : { type: 'function_call', call_id: part.id, name: part.name, arguments: part.args };
    case 'tool_result':
      return resultItem(part, lost);
    case 'reasoning':
      return reasoningItem(part, lost);
    case 'opaque':
      if (part.dialect === 'openai-responses') return part.value as object;
      lost.add(opaqueName(part.value), 'meaning');
      return null;
    default:
      return undefined;
  }
}

const opaqueName = (value: unknown): string => {
  const type = (value as { type?: unknown } | null)?.type;
  return typeof type === 'string' ? `content.${type}` : 'content';
};

function messagePart(role: Turn['role'], part: Part, lost: Losses): object[] {
  if (role !== 'assistant') return [inputPart(part, lost)].filter((value) => value !== null);
  if (part.type === 'text')
    return [{ type: 'output_text', text: part.text, annotations: annotationsOf(part.annotations) }];
  if (part.type === 'refusal') return [{ type: 'refusal', refusal: part.text }];
  lost.add(`content.${part.type}`, 'meaning');
  return [];
}

function resultItem(part: ToolResultPart, lost: Losses): object {
  // The model reads in the output itself that the tool failed.
  if (part.isError) lost.add('tool_result.is_error', 'hint');
  const [only] = part.content;
  const plain = part.content.length === 1 && only!.type === 'text' && !only!.cache ? only!.text : null;
  const content = plain ?? part.content.map((inner) => inputPart(inner, lost)).filter((value) => value !== null);
  return { type: part.custom ? 'custom_tool_call_output' : 'function_call_output', call_id: part.id, output: content };
}

/**
 * Reasoning of this family goes back by its encrypted content, or by the id of a stored item. That of another
 * family is left out (clients.md 8): its signature means nothing here, and bare text would be refused.
 */
function reasoningItem(part: ReasoningPart, lost: Losses): object | null {
  const stored = part.id?.startsWith('rs_') && !isMinted(part.id);
  if (part.signature !== undefined || (part.encrypted === undefined && !stored)) {
    lost.add('reasoning', 'hint');
    return null;
  }
  return {
    type: 'reasoning',
    ...(part.id !== undefined && { id: part.id }),
    summary: part.text === '' ? [] : [{ type: 'summary_text', text: part.text }],
    ...(part.encrypted !== undefined && { encrypted_content: part.encrypted }),
  };
}
