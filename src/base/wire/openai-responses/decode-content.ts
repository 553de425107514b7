import type { CacheMark, DocumentPart, ImagePart, Media, Part, TextPart } from '#wire/canonical.ts';
import { isObject, listOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import { typeOf } from './shape.ts';

/** Parts of a message's or tool output's content; null where one of them is of a form that we do not know. */
export function partsOf(content: unknown): Part[] | null {
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  if (!Array.isArray(content)) return null;
  const parts: Part[] = [];
  for (const value of content) {
    const part = isObject(value) ? partOf(value) : null;
    if (!part) return null;
    parts.push(part);
  }
  return parts;
}

function partOf(part: JsonObject): Part | null {
  switch (typeOf(part)) {
    case 'input_text':
    case 'output_text':
      return textPart(part);
    case 'refusal':
      return typeof part['refusal'] === 'string' ? { type: 'refusal', text: part['refusal'] } : null;
    case 'input_image':
      return imagePart(part);
    case 'input_file':
      return filePart(part);
    case 'input_audio':
      return audioPart(objectOf(part['input_audio']));
    default:
      return null;
  }
}

function textPart(part: JsonObject): TextPart | null {
  const text = textOf(part['text']);
  if (text === null) return null;
  const annotations = listOf(part['annotations']);
  return { type: 'text', text, ...(annotations.length > 0 && { annotations }), ...cacheOf(part) };
}

/** Life of a breakpoint that states none (openai 7.57.0, `prompt_cache_options.ttl`). */
const DEFAULT_TTL = '30m';

function cacheOf(part: JsonObject): { cache?: CacheMark } {
  const mark = part['prompt_cache_breakpoint'];
  return isObject(mark) ? { cache: { ttl: textOf(mark['ttl']) ?? DEFAULT_TTL } } : {};
}

function imagePart(part: JsonObject): ImagePart | null {
  const media = mediaOf(part['file_id'], part['image_url'], null);
  const detail = textOf(part['detail']);
  return media && { type: 'image', media, ...(detail !== null && { detail }), ...cacheOf(part) };
}

function filePart(part: JsonObject): DocumentPart | null {
  const media = mediaOf(part['file_id'], part['file_url'], textOf(part['file_data']));
  const name = textOf(part['filename']);
  return media && { type: 'document', media, ...(name !== null && { name }), ...cacheOf(part) };
}

const audioPart = (audio: JsonObject): Part | null =>
  typeof audio['data'] === 'string' && typeof audio['format'] === 'string'
    ? { type: 'audio', data: audio['data'], format: audio['format'] }
    : null;

function mediaOf(fileId: unknown, url: unknown, data: string | null): Media | null {
  if (typeof fileId === 'string' && fileId !== '') return { at: 'file', fileId };
  // `file_data` without the head of a data URL is the base64 of a PDF, the only kind that the API first took.
  if (data !== null) return dataMedia(data) ?? { at: 'data', mediaType: 'application/pdf', data };
  return typeof url === 'string' ? (dataMedia(url) ?? { at: 'url', url }) : null;
}

/** `data:<type>;base64,<data>`; anything else that begins so stays a URL for the target to judge. */
function dataMedia(url: string): Media | null {
  if (!url.startsWith('data:')) return null;
  const comma = url.indexOf(',');
  const head = url.slice(5, comma);
  if (comma < 0 || !head.endsWith(';base64')) return null;
  return { at: 'data', mediaType: head.slice(0, -';base64'.length), data: url.slice(comma + 1) };
}
