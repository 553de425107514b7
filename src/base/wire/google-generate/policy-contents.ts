import { anObject, aString, wrongField } from '../json/checks.ts';
import { isObject, textOf, type JsonObject } from '../json/read.ts';
import { isKeptUri } from './media.ts';
import { aMany, manyOf, member, nameOf } from './member.ts';
import { read, type Found } from './found.ts';

const PARTS = nameOf('parts');
const ROLE = nameOf('role');
const INLINE = nameOf('inlineData');
const FILE = nameOf('fileData');
const RESPONSE = nameOf('functionResponse');
const TYPE = nameOf('mimeType');
const URI = nameOf('fileUri');

/** Reads a content or a list of contents for media and for ids that a provider keeps. */
export function readContents(found: Found, value: unknown, path: string): void {
  if (!Array.isArray(value)) {
    if (isObject(value)) readContent(found, value, path);
    return;
  }
  for (let index = 0; index < value.length && !found.fault; index++) {
    const content: unknown = value[index];
    if (isObject(content)) readContent(found, content, `${path}[${index}]`);
    else found.fault ??= wrongField(`${path}[${index}]`, 'an object', content);
  }
}

function readContent(found: Found, content: JsonObject, path: string): void {
  read(found, content, ROLE, `${path}.`, aString);
  readParts(found, manyOf(read(found, content, PARTS, `${path}.`, aMany)), `${path}.parts`);
}

function readParts(found: Found, parts: readonly unknown[], path: string): void {
  for (let index = 0; index < parts.length; index++) {
    const part = parts[index];
    // Most parts are text and nothing else.
    if (isObject(part) && typeof part['text'] === 'string') continue;
    const at = `${path}[${index}]`;
    if (!isObject(part)) return void (found.fault ??= wrongField(at, 'an object', part));
    const inline = read(found, part, INLINE, `${at}.`, anObject) as JsonObject | null;
    if (inline) count(found, textOf(read(found, inline, TYPE, `${at}.inlineData.`, aString)));
    const file = read(found, part, FILE, `${at}.`, anObject) as JsonObject | null;
    if (file) readFile(found, file, `${at}.fileData.`);
    const response = member(part, RESPONSE);
    const inner = isObject(response) ? manyOf(response['parts']) : [];
    if (inner.length > 0) readParts(found, inner, `${at}.functionResponse.parts`);
  }
}

function readFile(found: Found, file: JsonObject, prefix: string): void {
  count(found, textOf(read(found, file, TYPE, prefix, aString)));
  const uri = textOf(read(found, file, URI, prefix, aString));
  if (uri !== null && isKeptUri(uri)) found.kept.push({ kind: 'file', id: uri, field: `${prefix}fileUri` });
}

function count(found: Found, type: string | null): void {
  if (type?.startsWith('image/')) found.images++;
  else if (type?.startsWith('audio/')) found.audios++;
  else found.files++;
}
