import type { CacheMark, DocumentPart, Media, Part, ReasoningPart, ToolResultPart } from '../canonical.ts';
import { inputOf } from '../anthropic-messages/encode-parts.ts';
import { cannotSay, type Encoding } from '../anthropic-messages/encoding.ts';
import { ownSignature } from '../google-generate/signature.ts';
import { isObject } from '../json/read.ts';
import { documentFormat, imageFormat } from './formats.ts';

export type Block = Readonly<Record<string, unknown>>;

/** Blocks of a turn or a tool's result; a cache mark is a block of its own behind what it marks. */
export function encodeParts(to: Encoding, parts: readonly Part[], path: string): Block[] {
  return parts.flatMap((part, index) => {
    const block = encodePart(to, part, `${path}[${index}]`);
    if (!block) return [];
    return part.cache ? [block, cachePoint(part.cache)] : [block];
  });
}

/** Two lives are known, five minutes and an hour; another's longer one is an hour. */
export const cachePoint = ({ ttl }: CacheMark): Block => ({
  cachePoint: { type: 'default', ...(ttl !== null && { ttl: ttl === '5m' ? '5m' : '1h' }) },
});

function encodePart(to: Encoding, part: Part, path: string): Block | null {
  switch (part.type) {
    case 'text':
      if (part.annotations) cannotSay(to, `${path}.annotations`, 'hint');
      // An empty text block is refused.
      return part.text === '' ? null : { text: part.text };
    case 'refusal':
      return part.text === '' ? null : { text: part.text };
    case 'image':
      if (part.detail !== undefined && part.detail !== 'auto') cannotSay(to, `${path}.detail`, 'hint');
      return encodeImage(to, part.media, path);
    case 'document':
      return encodeDocument(to, part, path);
    case 'audio':
      return { audio: { format: part.format, source: { bytes: part.data } } };
    case 'tool_call':
      if (part.custom) return (cannotSay(to, path, 'meaning'), null);
      return { toolUse: { toolUseId: part.id, name: part.name, input: inputOf(part.args) } };
    case 'tool_result':
      return encodeResult(to, part, path);
    case 'reasoning':
      return encodeReasoning(to, part, path);
    case 'opaque':
      if (part.dialect === 'bedrock-converse' && isObject(part.value)) return part.value;
      return (cannotSay(to, path, 'meaning'), null);
  }
}

/** Bytes alone: Converse fetches nothing but objects of S3. */
function encodeImage(to: Encoding, media: Media, path: string): Block | null {
  const format = media.at === 'data' ? imageFormat(media.mediaType) : null;
  if (media.at !== 'data' || format === null) return (cannotSay(to, path, 'meaning'), null);
  return { image: { format, source: { bytes: media.data } } };
}

function encodeDocument(to: Encoding, part: DocumentPart, path: string): Block | null {
  const { media } = part;
  const format = media.at === 'text' ? 'txt' : media.at === 'data' ? documentFormat(media.mediaType) : null;
  if (format === null) return (cannotSay(to, path, 'meaning'), null);
  const source = media.at === 'text' ? { text: media.text } : { bytes: (media as { data: string }).data };
  return {
    document: {
      format,
      name: documentName(part.name ?? ''),
      source,
      ...(part.citations !== undefined && { citations: { enabled: part.citations } }),
    },
  };
}

/** A name is required, of letters, digits, single blanks, hyphens and brackets, at most 200. */
function documentName(name: string): string {
  const allowed = name
    .replace(/[^A-Za-z0-9\s()[\]-]/g, '-')
    .replace(/\s+/g, ' ')
    .trim();
  return allowed.slice(0, 200) || 'document';
}

function encodeResult(to: Encoding, part: ToolResultPart, path: string): Block | null {
  if (part.custom) return (cannotSay(to, path, 'meaning'), null);
  const content = encodeParts(to, part.content, `${path}.content`);
  return { toolResult: { toolUseId: part.id, content, ...(part.isError && { status: 'error' }) } };
}

/** Signed thinking goes back as it came; another family's is left out, since it would be refused. */
function encodeReasoning(to: Encoding, part: ReasoningPart, path: string): Block | null {
  const own = part.id === undefined && ownSignature(part.signature) === null;
  if (own && part.signature)
    return { reasoningContent: { reasoningText: { text: part.text, signature: part.signature } } };
  if (own && part.encrypted) return { reasoningContent: { redactedContent: part.encrypted } };
  return (cannotSay(to, path, 'hint'), null);
}
