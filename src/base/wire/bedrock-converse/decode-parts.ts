import type { CacheMark, Media, Part } from '../canonical.ts';
import { noteUnknown, optional, wanted, type Decoding } from '../anthropic-messages/decoding.ts';
import { aBoolean, anArray, anObject, aString } from '../json/checks.ts';
import { isObject, objectOf, type JsonObject } from '../json/read.ts';
import { reasoning } from './answer.ts';
import { documentType, imageType } from './formats.ts';

/** Blocks of a message, of `system` or of a tool's result. A cache point is a mark on the block before it. */
export function decodeContent(to: Decoding, content: unknown, path: string): Part[] {
  const blocks = wanted<readonly unknown[]>(to, content, path, anArray, []);
  const parts: Part[] = [];
  for (const [index, value] of blocks.entries()) {
    const at = `${path}[${index}]`;
    const block = wanted<JsonObject>(to, value, at, anObject, {});
    const last = parts.at(-1);
    const cache = 'cachePoint' in block ? decodeCachePoint(to, block, at) : null;
    if (cache && last) parts[parts.length - 1] = { ...last, cache };
    else if (!cache) parts.push(decodeBlock(to, block, at));
  }
  return parts;
}

/** `{"cachePoint": {"type": "default", "ttl"?}}`. */
export function decodeCachePoint(to: Decoding, block: JsonObject, path: string): CacheMark {
  const point = wanted<JsonObject>(to, block['cachePoint'], `${path}.cachePoint`, anObject, {});
  return { ttl: optional<string>(to, point['ttl'], `${path}.cachePoint.ttl`, aString) };
}

/** A union has one member: what it is called says what the block is. */
function decodeBlock(to: Decoding, block: JsonObject, path: string): Part {
  const [kind] = Object.keys(block);
  const inner = (name: string): JsonObject => wanted<JsonObject>(to, block[name], `${path}.${name}`, anObject, {});
  switch (kind) {
    case 'text':
      return { type: 'text', text: wanted(to, block['text'], `${path}.text`, aString, '') };
    case 'image':
      return decodeImage(to, block, inner('image'), `${path}.image`);
    case 'document':
      return decodeDocument(to, block, inner('document'), `${path}.document`);
    case 'toolUse':
      return decodeToolUse(to, inner('toolUse'), `${path}.toolUse`);
    case 'toolResult':
      return decodeResult(to, inner('toolResult'), `${path}.toolResult`);
    case 'reasoningContent':
      return reasoning(inner('reasoningContent'));
    default:
      return opaque(block);
  }
}

const opaque = (value: unknown): Part => ({ type: 'opaque', dialect: 'bedrock-converse', value });

function decodeImage(to: Decoding, block: JsonObject, image: JsonObject, path: string): Part {
  const media = bytesOf(image, imageType(wanted(to, image['format'], `${path}.format`, aString, '')));
  return media ? { type: 'image', media } : opaque(block);
}

/** Null: where the bytes are is known to AWS alone (S3), or the format to nobody. */
function bytesOf(holder: JsonObject, mediaType: string | null): Media | null {
  const { bytes, text } = objectOf(holder['source']);
  if (typeof text === 'string') return { at: 'text', text };
  return typeof bytes === 'string' && mediaType !== null ? { at: 'data', mediaType, data: bytes } : null;
}

const DOCUMENT_FIELDS = new Set(['format', 'name', 'source', 'citations']);

function decodeDocument(to: Decoding, block: JsonObject, document: JsonObject, path: string): Part {
  const format = optional<string>(to, document['format'], `${path}.format`, aString) ?? 'txt';
  const media = bytesOf(document, documentType(format));
  if (!media) return opaque(block);
  noteUnknown(to, document, path, DOCUMENT_FIELDS);
  const { enabled } = objectOf(document['citations']);
  return {
    type: 'document',
    media,
    name: wanted(to, document['name'], `${path}.name`, aString, ''),
    ...(typeof enabled === 'boolean' && { citations: enabled }),
  };
}

const USE_FIELDS = new Set(['toolUseId', 'name', 'input']);

function decodeToolUse(to: Decoding, use: JsonObject, path: string): Part {
  noteUnknown(to, use, path, USE_FIELDS);
  return {
    type: 'tool_call',
    id: wanted(to, use['toolUseId'], `${path}.toolUseId`, aString, ''),
    name: wanted(to, use['name'], `${path}.name`, aString, ''),
    args: JSON.stringify(use['input'] ?? {}),
    custom: false,
  };
}

const RESULT_FIELDS = new Set(['toolUseId', 'content', 'status']);

function decodeResult(to: Decoding, result: JsonObject, path: string): Part {
  noteUnknown(to, result, path, RESULT_FIELDS, new Set(['type']));
  const content = decodeContent(to, result['content'], `${path}.content`);
  return {
    type: 'tool_result',
    id: wanted(to, result['toolUseId'], `${path}.toolUseId`, aString, ''),
    content: content.map(jsonAsText),
    isError: result['status'] === 'error',
    custom: false,
  };
}

/** A result as a JSON value is the text of it to every other API. */
function jsonAsText(part: Part): Part {
  if (part.type !== 'opaque' || !isObject(part.value) || !('json' in part.value)) return part;
  return { type: 'text', text: JSON.stringify(part.value['json']), ...(part.cache && { cache: part.cache }) };
}

export const booleanOrNull = (to: Decoding, value: unknown, field: string): boolean | null =>
  optional<boolean>(to, value, field, aBoolean);
