import type { CacheMark, DocumentPart, Media, Part } from '#wire/canonical.ts';
import type { Unsupported } from '#wire/dialect.ts';
import { isObject } from '#wire/json/read.ts';

type Json = Record<string, unknown>;

/** Collects what the dialect cannot say while a call is encoded. */
export interface Losses {
  /** The server takes Anthropic's marks. */
  readonly cacheControl: boolean;
  readonly list: Unsupported[];
  hint(field: string): void;
  meaning(field: string): void;
}

export function losses(cacheControl = false): Losses {
  const list: Unsupported[] = [];
  const add = (field: string, kind: Unsupported['class']): void => void list.push({ field, class: kind });
  return { cacheControl, list, hint: (field) => add(field, 'hint'), meaning: (field) => add(field, 'meaning') };
}

/** The lives that OpenAI's explicit breakpoints know (openai 7.57.0 `PromptCacheBreakpoint.ttl`). */
const CACHE_TTLS: ReadonlySet<unknown> = new Set(['30m', '12h']);

/** Anthropic's two lives; OpenAI's half an hour and half a day are nearest to the longer one. */
const ANTHROPIC_TTLS: ReadonlySet<string> = new Set(['5m', '1h']);
const LONGER = '1h';

/**
 * A mark is written as Anthropic's where the server is known to take it, else only where it surely came from OpenAI's
 * own form: its models cache without being told, and servers that copy the API refuse fields they do not know.
 */
export function markOf(cache: CacheMark | undefined, field: string, lost: Losses): Json {
  if (!cache) return {};
  if (lost.cacheControl) {
    const ttl = cache.ttl === null ? {} : { ttl: ANTHROPIC_TTLS.has(cache.ttl) ? cache.ttl : LONGER };
    return { cache_control: { type: 'ephemeral', ...ttl } };
  }
  if (CACHE_TTLS.has(cache.ttl)) return { prompt_cache_breakpoint: { mode: 'explicit', ttl: cache.ttl } };
  lost.hint(`${field}.cache`);
  return {};
}

/** One string where that says it all (every server of this dialect takes it), else parts. */
export function encodeContent(parts: readonly Part[], field: string, lost: Losses): string | Json[] {
  const [only] = parts;
  if (!only) return '';
  if (parts.length === 1 && only.type === 'text') {
    const mark = markOf(only.cache, field, lost);
    return Object.keys(mark).length === 0 ? only.text : [{ type: 'text', text: only.text, ...mark }];
  }
  const encoded = parts.map((part, i) => encodePart(part, `${field}.content[${i}]`, lost));
  return encoded.filter((part) => part !== null);
}

function encodePart(part: Part, field: string, lost: Losses): Json | null {
  switch (part.type) {
    case 'text':
      return { type: 'text', text: part.text, ...markOf(part.cache, field, lost) };
    case 'refusal':
      return { type: 'refusal', refusal: part.text };
    case 'image':
      return withMark(imageOf(part.media, part.detail), part.cache, field, lost);
    case 'audio':
      return {
        type: 'input_audio',
        input_audio: { data: part.data, format: part.format },
        ...markOf(part.cache, field, lost),
      };
    case 'document':
      return encodeDocument(part, field, lost);
    case 'opaque':
      if (part.dialect === 'openai-chat' && isObject(part.value)) return part.value;
  }
  lost.meaning(field);
  return null;
}

function withMark(part: Json | null, cache: CacheMark | undefined, field: string, lost: Losses): Json | null {
  if (part) return { ...part, ...markOf(cache, field, lost) };
  lost.meaning(field);
  return null;
}

function imageOf(media: Media, detail: string | undefined): Json | null {
  const url = media.at === 'url' ? media.url : media.at === 'data' ? dataUrl(media.mediaType, media.data) : null;
  return url === null ? null : { type: 'image_url', image_url: { url, ...(detail !== undefined && { detail }) } };
}

const dataUrl = (mediaType: string, base64: string): string => `data:${mediaType};base64,${base64}`;

/** Chat takes files as data or id; text of a document is text. A document by URL has no form. */
function encodeDocument(part: DocumentPart, field: string, lost: Losses): Json | null {
  if (part.citations) lost.meaning(`${field}.citations`);
  if (part.media.at === 'text') return { type: 'text', text: part.media.text, ...markOf(part.cache, field, lost) };
  return withMark(fileOf(part), part.cache, field, lost);
}

function fileOf({ media, name }: DocumentPart): Json | null {
  const filename = name === undefined ? {} : { filename: name };
  if (media.at === 'file') return { type: 'file', file: { file_id: media.fileId, ...filename } };
  if (media.at !== 'data') return null;
  return { type: 'file', file: { file_data: dataUrl(media.mediaType, media.data), ...filename } };
}
