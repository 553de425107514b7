import type { CacheMark, Media, Part, TextPart, ToolCallPart, ToolResultPart } from '../canonical.ts';
import { ownSignature } from '../google-generate/signature.ts';
import { isObject, objectOf, textOf } from '../json/read.ts';
import { cannotSay, type Encoding } from './encoding.ts';
import { parsed } from './parsed.ts';

export type Block = Readonly<Record<string, unknown>>;

/** Blocks of a turn or a tool's result. A part without a form is left out and named by its path in the turns. */
export function encodeParts(to: Encoding, parts: readonly Part[], path: string): Block[] {
  return parts.flatMap((part, index) => {
    const at = `${path}[${index}]`;
    const block = encodePart(to, part, at);
    if (!block) return [];
    return [part.cache && !UNCACHED.has(part.type) ? { ...block, cache_control: encodeCache(part.cache) } : block];
  });
}

/** `cache_control` is not a member of thinking blocks; opaque blocks hold their own. */
const UNCACHED: ReadonlySet<Part['type']> = new Set(['reasoning', 'opaque']);

/** Anthropic knows two lives, five minutes and an hour; another's longer one is an hour. */
export const encodeCache = (mark: CacheMark): Block => ({
  type: 'ephemeral',
  ...(mark.ttl !== null && { ttl: mark.ttl === '5m' ? '5m' : '1h' }),
});

function encodePart(to: Encoding, part: Part, path: string): Block | null {
  switch (part.type) {
    case 'text':
      return encodeText(to, part, path);
    case 'image':
      if (part.detail !== undefined && part.detail !== 'auto') cannotSay(to, `${path}.detail`, 'hint');
      return encodeMedia(to, part.media, path, 'image');
    case 'document':
      return encodeDocument(to, part, path);
    case 'tool_call':
      return encodeToolCall(to, part, path);
    case 'tool_result':
      return encodeToolResult(to, part, path);
    case 'reasoning':
      return encodeReasoning(to, part, path);
    case 'refusal':
      // Anthropic's own models refuse in text.
      return part.text === '' ? null : { type: 'text', text: part.text };
    case 'audio':
      return (cannotSay(to, path, 'meaning'), null);
    case 'opaque':
      if (part.dialect === 'anthropic-messages' && isObject(part.value)) return part.value;
      return (cannotSay(to, path, 'meaning'), null);
  }
}

/** An empty text block is refused by Anthropic ("text content blocks must be non-empty"). */
function encodeText(to: Encoding, part: TextPart, path: string): Block | null {
  if (part.text === '') return null;
  const citations = (part.annotations ?? []).filter(isCitation);
  if (citations.length < (part.annotations?.length ?? 0)) cannotSay(to, `${path}.annotations`, 'hint');
  return { type: 'text', text: part.text, ...(citations.length > 0 && { citations }) };
}

/** SDK 1.12.0 `TextCitation`, by type; annotations of other dialects have other types. */
const CITATIONS: ReadonlySet<unknown> = new Set([
  'char_location',
  'page_location',
  'content_block_location',
  'web_search_result_location',
  'search_result_location',
]);
export const isCitation = (value: unknown): boolean => CITATIONS.has(objectOf(value)['type']);

const IMAGE_TYPES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);

function encodeMedia(to: Encoding, media: Media, path: string, type: 'image' | 'document'): Block | null {
  switch (media.at) {
    case 'url':
      return { type, source: { type: 'url', url: media.url } };
    case 'file':
      return { type, source: { type: 'file', file_id: media.fileId } };
    case 'text':
      if (type === 'image') return (cannotSay(to, path, 'meaning'), null);
      return { type, source: { type: 'text', media_type: 'text/plain', data: media.text } };
    case 'data':
      if (type === 'document' && media.mediaType.startsWith('text/')) {
        const data = Buffer.from(media.data, 'base64').toString('utf8');
        return { type, source: { type: 'text', media_type: 'text/plain', data } };
      }
      if (type === 'image' ? !IMAGE_TYPES.has(media.mediaType) : media.mediaType !== 'application/pdf') {
        return (cannotSay(to, path, 'meaning'), null);
      }
      return { type, source: { type: 'base64', media_type: media.mediaType, data: media.data } };
  }
}

function encodeDocument(to: Encoding, part: Extract<Part, { type: 'document' }>, path: string): Block | null {
  const block = encodeMedia(to, part.media, path, 'document');
  return (
    block && {
      ...block,
      ...(part.name !== undefined && { title: part.name }),
      ...(part.citations !== undefined && { citations: { enabled: part.citations } }),
    }
  );
}

/**
 * `input` must be an object. Argument text that is none (a cut answer, a model's slip) is wrapped as Anthropic's
 * guide to fine-grained tool streaming says: `{"INVALID_JSON": "<text>"}`.
 */
export function inputOf(args: string): Block {
  if (args.trim() === '') return {};
  const value = parsed(args);
  return isObject(value) ? value : { INVALID_JSON: args };
}

function encodeToolCall(to: Encoding, part: ToolCallPart, path: string): Block | null {
  if (part.custom) return (cannotSay(to, path, 'meaning'), null);
  return { type: 'tool_use', id: part.id, name: part.name, input: inputOf(part.args) };
}

function encodeToolResult(to: Encoding, part: ToolResultPart, path: string): Block | null {
  if (part.custom) return (cannotSay(to, path, 'meaning'), null);
  const blocks = encodeParts(to, part.content, `${path}.content`);
  return {
    type: 'tool_result',
    tool_use_id: part.id,
    ...(blocks.length > 0 && { content: plain(blocks) }),
    ...(part.isError && { is_error: true }),
  };
}

/**
 * Signed thinking goes back as it came. Thinking without a signature, and encrypted items with an id (OpenAI's
 * form), are another family's: Anthropic refuses them, so the conversation goes on without.
 */
function encodeReasoning(to: Encoding, part: Extract<Part, { type: 'reasoning' }>, path: string): Block | null {
  const own = part.id === undefined && ownSignature(part.signature) === null;
  if (own && part.signature) return { type: 'thinking', thinking: part.text, signature: part.signature };
  if (own && part.encrypted) return { type: 'redacted_thinking', data: part.encrypted };
  return (cannotSay(to, path, 'hint'), null);
}

/** A single text without marks is written as a text: the shorter of two forms that mean the same. */
export function plain(blocks: readonly Block[]): string | readonly Block[] {
  const [only] = blocks;
  if (blocks.length !== 1 || only!['type'] !== 'text' || Object.keys(only!).length !== 2) return blocks;
  return textOf(only!['text'])!;
}
