import type { CacheMark, Media, Part, ToolResultPart } from '../canonical.ts';
import { aBoolean, anArray, anObject, aString } from '../json/checks.ts';
import { isObject, objectOf, textOf, type JsonObject } from '../json/read.ts';
import { noteUnknown, optional, wanted, type Decoding } from './decoding.ts';

/** Content of a message, of `system` or of a tool's result: a text or blocks. */
export function decodeContent(to: Decoding, content: unknown, path: string): Part[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  if (content === undefined || content === null) return [];
  const blocks = wanted<readonly unknown[]>(to, content, path, anArray, []);
  return blocks.map((block, index) => decodeBlock(to, block, `${path}[${index}]`));
}

const KNOWN: Readonly<Record<string, ReadonlySet<string>>> = {
  text: new Set(['type', 'text', 'cache_control', 'citations']),
  image: new Set(['type', 'source', 'cache_control']),
  document: new Set(['type', 'source', 'title', 'citations', 'cache_control']),
  tool_use: new Set(['type', 'id', 'name', 'input', 'cache_control']),
  tool_result: new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control']),
  thinking: new Set(['type', 'thinking', 'signature']),
  redacted_thinking: new Set(['type', 'data']),
};
/** `caller` says who wished for the call, `transformations` how an image may be scaled. */
const HINTS: ReadonlySet<string> = new Set(['caller', 'transformations']);

function decodeBlock(to: Decoding, value: unknown, path: string): Part {
  const block = wanted<JsonObject>(to, value, path, anObject, {});
  const type = wanted(to, block['type'], `${path}.type`, aString, '');
  const known = Object.hasOwn(KNOWN, type) ? KNOWN[type]! : null;
  if (!known) return opaque(block);
  const part = decodeKnown(to, type, block, path);
  if (part.type === 'opaque') return part;
  noteUnknown(to, block, path, known, HINTS);
  const cache = decodeCache(to, block['cache_control'], `${path}.cache_control`);
  return cache ? { ...part, cache } : part;
}

const opaque = (value: unknown): Part => ({ type: 'opaque', dialect: 'anthropic-messages', value });

function decodeKnown(to: Decoding, type: string, block: JsonObject, path: string): Part {
  const text = (name: string): string => wanted(to, block[name], `${path}.${name}`, aString, '');
  switch (type) {
    case 'text':
      return decodeText(to, block, path);
    case 'image':
      return decodeImage(to, block, path);
    case 'document':
      return decodeDocument(to, block, path);
    case 'tool_use':
      return { type: 'tool_call', id: text('id'), name: text('name'), args: argsOf(block['input']), custom: false };
    case 'tool_result':
      return decodeResult(to, block, path);
    case 'thinking':
      return {
        type: 'reasoning',
        text: text('thinking'),
        signature: optional<string>(to, block['signature'], `${path}.signature`, aString) ?? '',
      };
    default:
      return { type: 'reasoning', text: '', encrypted: text('data') };
  }
}

/** `input` as text: an object in the order that it came in. */
export const argsOf = (input: unknown): string => JSON.stringify(input ?? {});

function decodeText(to: Decoding, block: JsonObject, path: string): Part {
  const annotations = optional<unknown[]>(to, block['citations'], `${path}.citations`, anArray);
  const text = wanted(to, block['text'], `${path}.text`, aString, '');
  return { type: 'text', text, ...(annotations && annotations.length > 0 && { annotations }) };
}

function decodeImage(to: Decoding, block: JsonObject, path: string): Part {
  const media = decodeMedia(to, block['source'], `${path}.source`);
  return media ? { type: 'image', media } : opaque(block);
}

function decodeDocument(to: Decoding, block: JsonObject, path: string): Part {
  const media = decodeMedia(to, block['source'], `${path}.source`);
  if (!media) return opaque(block);
  const name = optional<string>(to, block['title'], `${path}.title`, aString);
  const citations = optional<JsonObject>(to, block['citations'], `${path}.citations`, anObject)?.['enabled'];
  return {
    type: 'document',
    media,
    ...(name !== null && { name }),
    ...(typeof citations === 'boolean' && { citations }),
  };
}

/** Null: a source that only Anthropic knows (blocks within a document). */
function decodeMedia(to: Decoding, value: unknown, path: string): Media | null {
  const source = wanted<JsonObject>(to, value, path, anObject, {});
  const text = (name: string): string => wanted(to, source[name], `${path}.${name}`, aString, '');
  switch (source['type']) {
    case 'base64':
      return { at: 'data', mediaType: text('media_type'), data: text('data') };
    case 'url':
      return { at: 'url', url: text('url') };
    case 'file':
      return { at: 'file', fileId: text('file_id') };
    case 'text':
      return { at: 'text', text: text('data') };
    case 'content':
      return typeof source['content'] === 'string' ? { at: 'text', text: source['content'] } : null;
    default:
      wanted(to, source['type'], `${path}.type`, aString, '');
      return null;
  }
}

function decodeResult(to: Decoding, block: JsonObject, path: string): ToolResultPart {
  return {
    type: 'tool_result',
    id: wanted(to, block['tool_use_id'], `${path}.tool_use_id`, aString, ''),
    content: decodeContent(to, block['content'], `${path}.content`),
    isError: optional<boolean>(to, block['is_error'], `${path}.is_error`, aBoolean) ?? false,
    custom: false,
  };
}

export function decodeCache(to: Decoding, value: unknown, path: string): CacheMark | null {
  const mark = optional<JsonObject>(to, value, path, anObject);
  return mark && { ttl: optional<string>(to, mark['ttl'], `${path}.ttl`, aString) };
}

/** A content block of an answer; what we do not know stays opaque. Never a fault: answers are only read. */
export function decodeAnswerBlock(value: unknown): Part {
  const block = objectOf(value);
  const text = (name: string): string => textOf(block[name]) ?? '';
  switch (block['type']) {
    case 'text': {
      const citations = block['citations'];
      const annotations =
        Array.isArray(citations) && citations.length > 0 ? { annotations: citations as unknown[] } : {};
      return { type: 'text', text: text('text'), ...annotations };
    }
    case 'thinking':
      return { type: 'reasoning', text: text('thinking'), ...(isObject(value) && { signature: text('signature') }) };
    case 'redacted_thinking':
      return { type: 'reasoning', text: '', encrypted: text('data') };
    case 'tool_use':
      return { type: 'tool_call', id: text('id'), name: text('name'), args: argsOf(block['input']), custom: false };
    default:
      return opaque(value);
  }
}
