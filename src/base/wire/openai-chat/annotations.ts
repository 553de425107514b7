import { isObject, numberOf, textOf } from '#wire/json/read.ts';

/**
 * An annotation as chat has it, `{type: "url_citation", url_citation: {…}}`, or null where it has no such form.
 * Responses has the same fields without the inner object.
 */
export function chatAnnotation(value: unknown): object | null {
  if (!isObject(value) || value['type'] !== 'url_citation') return null;
  if (isObject(value['url_citation'])) return value;
  const [start, end] = [numberOf(value['start_index']), numberOf(value['end_index'])];
  const [title, url] = [textOf(value['title']), textOf(value['url'])];
  if (start === null || end === null || title === null || url === null) return null;
  return { type: 'url_citation', url_citation: { start_index: start, end_index: end, title, url } };
}
