import { createHash } from 'node:crypto';

/** Base64 that is shorter may be a word; media are not so small. */
const LEAST_CHARS = 256;
const DATA_URL = /data:([\w.+-]{1,64}\/[\w.+-]{1,64})?((?:;[\w.+=-]{1,64}){0,4});base64,([A-Za-z0-9+/_=-]+)/g;
const BARE = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** First characters of the base64 of common files. */
const KINDS: readonly (readonly [string, string])[] = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp or audio/wav'],
  ['JVBERi0', 'application/pdf'],
  ['SUQz', 'audio/mpeg'],
  ['T2dnUw', 'audio/ogg'],
  ['UEsDB', 'application/zip'],
];

const kindOf = (base64: string): string =>
  KINDS.find(([start]) => base64.startsWith(start))?.[1] ?? 'application/octet-stream';

/** Type, size and hash say which picture it was, to whoever has it. */
function note(base64: string, type: string): string {
  const bytes = Buffer.from(base64, 'base64');
  const hash = createHash('sha256').update(bytes).digest('hex');
  return `[media ${type}, ${bytes.length} bytes, sha256 ${hash}]`;
}

/** Media in base64, in data URLs or as a whole text, replaced by what they were. */
export function withoutMedia(text: string): string {
  if (text.length < LEAST_CHARS) return text;
  if (text.includes(';base64,'))
    return text.replace(DATA_URL, (_, type: string | undefined, _more, data: string) =>
      note(data, type ?? kindOf(data)),
    );
  return BARE.test(text) ? note(text, kindOf(text)) : text;
}
