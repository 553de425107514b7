import { listOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import { objectsOf, typeOf } from './shape.ts';

/**
 * Kinds of ids that a provider of the Responses API keeps, as `PolicyView.keptIds` and `AnswerView.keptIds` name
 * them. `item` is an output item of a stored response, which `item_reference` names later.
 */
export type KeptKind =
  'response' | 'item' | 'conversation' | 'prompt' | 'file' | 'container' | 'vector_store' | 'skill' | 'tunnel';
export interface KeptId {
  readonly kind: KeptKind;
  readonly id: string;
}

/**
 * Items that Headgate itself writes when it translates a foreign answer carry this after their prefix. No provider
 * keeps them, so a later request that sends them back names nothing that has an owner.
 */
export const MINTED = '_hg_';
export const isMinted = (id: string): boolean => id.includes(MINTED);

/** Ids that an answer brings into being. Without `store: false` the provider keeps the response and its items. */
export function keptByResponse(response: JsonObject): KeptId[] {
  const kept: KeptId[] = [];
  const stored = response['store'] !== false;
  const id = textOf(response['id']);
  if (stored && id) kept.push({ kind: 'response', id });
  const conversation = textOf(objectOf(response['conversation'])['id']);
  if (conversation) kept.push({ kind: 'conversation', id: conversation });
  for (const item of objectsOf(response['output'])) kept.push(...keptByItem(item, stored));
  return kept;
}

export function keptByItem(item: JsonObject, stored: boolean): KeptId[] {
  const kept: KeptId[] = [];
  const id = textOf(item['id']);
  if (stored && id) kept.push({ kind: 'item', id });
  const container = textOf(item['container_id']) ?? textOf(objectOf(item['environment'])['container_id']);
  if (container) kept.push({ kind: 'container', id: container });
  if (typeOf(item) === 'message') kept.push(...keptByAnnotations(item));
  return kept;
}

/** Files that the code interpreter wrote are named only by the annotations of the text. */
function keptByAnnotations(message: JsonObject): KeptId[] {
  const kept: KeptId[] = [];
  for (const part of objectsOf(message['content'])) {
    for (const note of listOf(part['annotations'])) {
      const container = textOf(objectOf(note)['container_id']);
      const file = container && textOf(objectOf(note)['file_id']);
      if (container) kept.push({ kind: 'container', id: container });
      if (file) kept.push({ kind: 'file', id: file });
    }
  }
  return kept;
}
