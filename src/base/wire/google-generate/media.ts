import type { Media, Part } from '../canonical.ts';
import { isObject, textOf } from '../json/read.ts';
import { member, nameOf } from './member.ts';

const TYPE = nameOf('mimeType');
const URI = nameOf('fileUri');
const NAME = nameOf('displayName');

/** Sounds whose format other dialects name (`input_audio.format`). */
const SOUNDS: ReadonlyMap<string, string> = new Map([
  ['audio/wav', 'wav'],
  ['audio/x-wav', 'wav'],
  ['audio/mp3', 'mp3'],
  ['audio/mpeg', 'mp3'],
]);
const SOUND_TYPES: ReadonlyMap<string, string> = new Map([
  ['wav', 'audio/wav'],
  ['mp3', 'audio/mp3'],
]);

/** Files that Google keeps for the account, or reads with the account's own right (`gs://`): nobody else's id. */
export const isKeptUri = (uri: string): boolean =>
  !/^https?:\/\//i.test(uri) || /^https?:\/\/[^/]*\.googleapis\.com\//i.test(uri);

/** `inlineData` or `fileData` as a part; null: a kind that other dialects have no word for (video), or none at all. */
export function decodeMedia(inline: unknown, file: unknown): Part | null {
  if (isObject(inline)) {
    const type = textOf(member(inline, TYPE)) ?? '';
    const data = textOf(inline['data']) ?? '';
    const format = SOUNDS.get(type);
    if (format !== undefined) return { type: 'audio', data, format };
    return visible(type, { at: 'data', mediaType: type, data }, textOf(member(inline, NAME)));
  }
  const uri = isObject(file) ? textOf(member(file, URI)) : null;
  if (!isObject(file) || uri === null) return null;
  const media: Media = isKeptUri(uri) ? { at: 'file', fileId: uri } : { at: 'url', url: uri };
  return visible(textOf(member(file, TYPE)) ?? typeOf(uri), media, textOf(member(file, NAME)));
}

function visible(type: string, media: Media, name: string | null): Part | null {
  if (type.startsWith('image/')) return { type: 'image', media };
  if (type !== 'application/pdf' && !type.startsWith('text/')) return null;
  return { type: 'document', media, ...(name !== null && { name }) };
}

const ENDS: Readonly<Record<string, string>> = {
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  png: 'image/png',
  webp: 'image/webp',
  gif: 'image/gif',
  heic: 'image/heic',
  pdf: 'application/pdf',
  txt: 'text/plain',
};

/** The type that an address's end tells; '' where it tells none. */
function typeOf(uri: string): string {
  const end = /\.([a-z0-9]{2,5})(?:[?#]|$)/i.exec(uri)?.[1]?.toLowerCase();
  return (end !== undefined && Object.hasOwn(ENDS, end) ? ENDS[end] : undefined) ?? '';
}

/** Media as Google's part, or null where it has no form. `usual`: the type of an address that tells none. */
export function encodeMedia(media: Media, usual: string): object | null {
  switch (media.at) {
    case 'data':
      return { inlineData: { mimeType: media.mediaType, data: media.data } };
    case 'url':
      return { fileData: { mimeType: typeOf(media.url) || usual, fileUri: media.url } };
    case 'file':
      return { fileData: { fileUri: media.fileId } };
    case 'text':
      return { text: media.text };
  }
}

export const soundType = (format: string): string => SOUND_TYPES.get(format) ?? `audio/${format}`;
