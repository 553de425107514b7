import { isObject, listOf, objectOf, textOf } from '../json/read.ts';

export interface KeptAnswerId {
  readonly kind: string;
  readonly id: string;
}

/** The container of an answer or of a `message_delta`. */
export function containerIds(container: unknown): KeptAnswerId[] {
  const id = textOf(objectOf(container)['id']);
  return id === null ? [] : [{ kind: 'container', id }];
}

/** Files that a hosted tool made: `content[].file_id` of a result block, or of the result inside it. */
export function fileIds(block: unknown): KeptAnswerId[] {
  if (!isObject(block)) return [];
  const content = block['content'];
  const items = isObject(content) ? listOf(content['content']) : listOf(content);
  return [block, ...items].flatMap((item) => {
    const id = textOf(objectOf(item)['file_id']);
    return id === null ? [] : [{ kind: 'file', id }];
  });
}
