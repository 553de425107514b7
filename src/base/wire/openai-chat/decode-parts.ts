import type { AudioPart, CacheMark, DocumentPart, ImagePart, Media, Part, TextPart } from '#wire/canonical.ts';
import { isObject, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';

/** Content of a message: a string is one text part, absent or null is none. */
export function decodeContent(content: unknown): readonly Part[] {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return Array.isArray(content) ? content.map((part) => decodePart(objectOf(part))) : [];
}

function decodePart(part: JsonObject): Part {
  switch (part['type']) {
    case 'text':
      return { type: 'text', text: textOf(part['text']) ?? '', ...cacheOf(part) } satisfies TextPart;
    case 'refusal':
      return { type: 'refusal', text: textOf(part['refusal']) ?? '' };
    case 'image_url':
      return decodeImage(part);
    case 'input_audio':
      return decodeAudio(part);
    case 'file':
      return decodeFile(part);
    default:
      return { type: 'opaque', dialect: 'openai-chat', value: part };
  }
}

/** OpenAI's `prompt_cache_breakpoint`, or `cache_control` as proxies of Anthropic models take it in this dialect. */
export function cacheOf(part: JsonObject): { readonly cache?: CacheMark } {
  const mark = part['prompt_cache_breakpoint'] ?? part['cache_control'];
  return isObject(mark) ? { cache: { ttl: textOf(mark['ttl']) } } : {};
}

function decodeImage(part: JsonObject): ImagePart {
  const image = part['image_url'];
  const url = textOf(isObject(image) ? image['url'] : image) ?? '';
  const detail = textOf(objectOf(image)['detail']);
  return { type: 'image', media: mediaOf(url), ...(detail !== null && { detail }), ...cacheOf(part) };
}

function decodeAudio(part: JsonObject): AudioPart {
  const audio = objectOf(part['input_audio']);
  return { type: 'audio', data: textOf(audio['data']) ?? '', format: textOf(audio['format']) ?? '', ...cacheOf(part) };
}

function decodeFile(part: JsonObject): Part {
  const file = objectOf(part['file']);
  const [id, data, name] = [textOf(file['file_id']), textOf(file['file_data']), textOf(file['filename'])];
  if (id === null && data === null) return { type: 'opaque', dialect: 'openai-chat', value: part };
  const media: Media = id !== null ? { at: 'file', fileId: id } : fileMedia(data!);
  return { type: 'document', media, ...(name !== null && { name }), ...cacheOf(part) } satisfies DocumentPart;
}

const DATA_URL = /^data:([^;,]*);base64,/;

/** A data URL becomes its media type and base64; anything else stays a URL. */
export function mediaOf(url: string): Media {
  const head = DATA_URL.exec(url.slice(0, 256));
  return head ? { at: 'data', mediaType: head[1]!, data: url.slice(head[0].length) } : { at: 'url', url };
}

/** File data without a head is base64 of a PDF, the one type that the API documented first. */
function fileMedia(data: string): Media {
  const media = mediaOf(data);
  return media.at === 'data' ? media : { at: 'data', mediaType: 'application/pdf', data };
}
