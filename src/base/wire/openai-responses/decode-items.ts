import type { OpaquePart, Part, ReasoningPart, Turn } from '#wire/canonical.ts';
import { isObject, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import { partsOf } from './decode-content.ts';
import { isMinted } from './kept-ids.ts';
import { objectsOf, typeOf } from './shape.ts';

type Role = Turn['role'];
/** Parts of one item, and the turn they belong to. `joins`: they go on with a turn of that role before them. */
interface Piece {
  readonly role: Role;
  readonly parts: readonly Part[];
  readonly joins: boolean;
}

/**
 * Items to turns. All that the model made in a row is one assistant turn, and all tool outputs in a row one user
 * turn: chat and Messages want the calls of one step and their results side by side.
 */
export function turnsOf(items: readonly unknown[]): Turn[] {
  const turns: { role: Role; parts: Part[]; open: boolean }[] = [];
  for (const item of items) {
    const piece = pieceOf(objectOf(item));
    const last = turns.at(-1);
    if (piece.joins && last?.open && last.role === piece.role) last.parts.push(...piece.parts);
    else turns.push({ role: piece.role, parts: [...piece.parts], open: piece.joins });
  }
  return turns.map(({ role, parts }) => ({ role, parts }));
}

/** Parts of the output items of an answer. */
export const partsOfOutput = (output: unknown): Part[] => objectsOf(output).flatMap((item) => [...pieceOf(item).parts]);

function pieceOf(item: JsonObject): Piece {
  switch (typeOf(item)) {
    case '':
    case 'message':
      return messagePiece(item);
    case 'function_call':
      return fromModel(callPart(item, item['arguments'], false) ?? opaque(item));
    case 'custom_tool_call':
      return fromModel(callPart(item, item['input'], true) ?? opaque(item));
    case 'function_call_output':
      return fromClient(resultPart(item, false) ?? opaque(item));
    case 'custom_tool_call_output':
      return fromClient(resultPart(item, true) ?? opaque(item));
    case 'reasoning':
      return fromModel(reasoningPart(item));
    default:
      return isClientItem(typeOf(item)) ? fromClient(opaque(item)) : fromModel(opaque(item));
  }
}

const fromModel = (part: Part): Piece => ({ role: 'assistant', parts: [part], joins: true });
const fromClient = (part: Part): Piece => ({ role: 'user', parts: [part], joins: true });
const opaque = (item: JsonObject): OpaquePart => ({ type: 'opaque', dialect: 'openai-responses', value: item });
const isClientItem = (type: string): boolean => type.endsWith('_output') || type === 'mcp_approval_response';

const ROLES: ReadonlySet<string> = new Set(['system', 'developer', 'user', 'assistant']);

/** A message with a part that we do not know is opaque as a whole; so is an item reference without its type. */
function messagePiece(item: JsonObject): Piece {
  const role = textOf(item['role']);
  const parts = role !== null && ROLES.has(role) ? partsOf(item['content']) : null;
  if (role === null || parts === null) return fromModel(opaque(item));
  return { role: role as Role, parts, joins: role === 'assistant' };
}

/** A call within a namespace, or by a program, has a name or an asker that no other dialect can say. */
const isPlain = (item: JsonObject): boolean =>
  typeof item['namespace'] !== 'string' && objectOf(item['caller'])['type'] !== 'program';

function callPart(item: JsonObject, args: unknown, custom: boolean): Part | null {
  const id = textOf(item['call_id']);
  const name = textOf(item['name']);
  if (id === null || name === null || typeof args !== 'string' || !isPlain(item)) return null;
  return { type: 'tool_call', id, name, args, custom };
}

function resultPart(item: JsonObject, custom: boolean): Part | null {
  const id = textOf(item['call_id']);
  const content = partsOf(item['output']);
  if (id === null || content === null || !isPlain(item)) return null;
  return { type: 'tool_result', id, content, isError: false, custom };
}

/** Between the parts of a summary: they are paragraphs of their own in OpenAI's own products. */
export const PARAGRAPH = '\n\n';

function reasoningPart(item: JsonObject): ReasoningPart {
  const pieces = [...objectsOf(item['summary']), ...objectsOf(item['content'])];
  const text = pieces.map((piece) => textOf(piece['text']) ?? '').join(PARAGRAPH);
  const encrypted = textOf(item['encrypted_content']);
  const id = textOf(item['id']);
  return {
    type: 'reasoning',
    text,
    ...(encrypted !== null && { encrypted }),
    ...(id !== null && !isMinted(id) && { id }),
  };
}

/** Every item must be an object: policy has said so for requests; answers may hold anything. */
export const itemsOf = (input: unknown): readonly unknown[] => {
  if (typeof input === 'string') return [{ role: 'user', content: input }];
  return Array.isArray(input) ? input.filter(isObject) : [];
};
