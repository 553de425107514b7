import { countOf, isObject, objectOf, textOf } from '#wire/json/read.ts';
import { typeOf } from './shape.ts';

/** Kinds of annotation that the Responses API knows (openai 7.57.0 `ResponseOutputText.annotations`). */
const OWN: ReadonlySet<string> = new Set(['file_citation', 'url_citation', 'container_file_citation', 'file_path']);

/** An annotation in this API's form: chat nests its `url_citation`; a citation of text has no form here. */
export function annotationOf(value: unknown): object | null {
  if (!isObject(value)) return null;
  const type = typeOf(value);
  if (type === 'url_citation') return urlCitation(isObject(value['url_citation']) ? value['url_citation'] : value);
  if (OWN.has(type)) return value;
  return type === 'web_search_result_location' ? urlCitation(value) : null;
}

function urlCitation(value: unknown): object | null {
  const source = objectOf(value);
  const url = textOf(source['url']);
  if (url === null) return null;
  return {
    type: 'url_citation',
    url,
    title: textOf(source['title']) ?? '',
    start_index: countOf(source['start_index']) ?? 0,
    end_index: countOf(source['end_index']) ?? 0,
  };
}

export const annotationsOf = (values: readonly unknown[] | undefined): object[] =>
  (values ?? []).map(annotationOf).filter((value) => value !== null);
