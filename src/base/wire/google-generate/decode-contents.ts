import { noteExtra, optional, wanted, type Decoding } from '../anthropic-messages/decoding.ts';
import type { Part, ReasoningPart, Turn } from '../canonical.ts';
import { anObject, aString } from '../json/checks.ts';
import { isObject, objectOf, textOf, type JsonObject } from '../json/read.ts';
import { aMany, camelOf, manyOf, member, nameOf } from './member.ts';
import { decodeMedia } from './media.ts';
import { readSignature } from './signature.ts';

/** Ids of calls that came without one, so that a result finds its call: in order, by the name of the function. */
export interface CallIds {
  made: number;
  readonly prefix: string;
  readonly open: { readonly id: string; readonly name: string }[];
}
export const callIds = (prefix = 'call'): CallIds => ({ made: 0, prefix, open: [] });

/** `contents`: the conversation. A list of contents, or one alone. */
export function contentsOf(to: Decoding, value: unknown): Turn[] {
  const contents = wanted<unknown>(to, value, 'contents', aMany, []);
  const ids = callIds();
  return manyOf(contents).map((content, index) => turnOf(to, content, `contents[${index}]`, ids));
}

function turnOf(to: Decoding, value: unknown, path: string, ids: CallIds): Turn {
  const content = wanted<JsonObject>(to, value, path, anObject, {});
  const role = optional<string>(to, content['role'], `${path}.role`, aString) ?? 'user';
  if (!ROLES.has(role)) noteExtra(to, `${path}.role`, role, 'meaning');
  return {
    role: role === 'model' ? 'assistant' : 'user',
    parts: partsOf(to, content['parts'], `${path}.parts`, ids),
  };
}
/** `function` and `tool` are older names of the one that brings results. */
const ROLES: ReadonlySet<string> = new Set(['user', 'model', 'function', 'tool']);

export function systemOf(to: Decoding, value: unknown): Part[] {
  const content = optional<JsonObject>(to, value, 'systemInstruction', anObject);
  return content === null ? [] : partsOf(to, content['parts'], 'systemInstruction.parts', callIds());
}

function partsOf(to: Decoding, value: unknown, path: string, ids: CallIds): Part[] {
  const parts = manyOf(optional<unknown>(to, value, path, aMany)).flatMap((part, index) => {
    const at = `${path}[${index}]`;
    const object = wanted<JsonObject>(to, part, at, anObject, {});
    noteHints(to, object, at);
    return decodePart(object, ids);
  });
  return joinThoughts(parts);
}

/** Fields beside a part's content that say how it may be read. */
const HINTS: ReadonlySet<string> = new Set([
  ...['partMetadata', 'mediaResolution', 'mediaProcessing', 'videoMetadata', 'speechMetadata'],
]);

function noteHints(to: Decoding, part: JsonObject, path: string): void {
  for (const name in part) {
    const camel = camelOf(name);
    if (HINTS.has(camel)) noteExtra(to, `${path}.${camel}`, part[name], camel === 'videoMetadata' ? 'meaning' : 'hint');
  }
}

const SIGNATURE = nameOf('thoughtSignature');
const CALL = nameOf('functionCall');
const RESPONSE = nameOf('functionResponse');
const INLINE = nameOf('inlineData');
const FILE = nameOf('fileData');

/**
 * One part of a request or an answer. A signature on text or on a call becomes reasoning before it, since other
 * families bind signatures to thinking; the encoder puts it back on what follows.
 */
export function decodePart(part: JsonObject, ids: CallIds): Part[] {
  const signed = textOf(member(part, SIGNATURE));
  const signature = signed ? readSignature(signed) : undefined;
  const text = textOf(part['text']);
  if (part['thought'] === true && text !== null) {
    return [{ type: 'reasoning', text, ...(signature !== undefined && { signature }) }];
  }
  const said = saidBy(part, text, ids);
  if (signature === undefined) return said;
  const reasoning: ReasoningPart = { type: 'reasoning', text: '', signature };
  // An empty text is there for its signature alone.
  return text === '' ? [reasoning] : [reasoning, ...said];
}

function saidBy(part: JsonObject, text: string | null, ids: CallIds): Part[] {
  if (text !== null) return [{ type: 'text', text }];
  const call = member(part, CALL);
  if (isObject(call)) return [callOf(call, ids)];
  const response = member(part, RESPONSE);
  if (isObject(response)) return [resultOf(response, ids)];
  const media = decodeMedia(member(part, INLINE), member(part, FILE));
  return [media ?? { type: 'opaque', dialect: 'google-generate', value: part }];
}

export function callOf(call: JsonObject, ids: CallIds): Part {
  const name = textOf(call['name']) ?? '';
  const id = textOf(call['id']) || `${ids.prefix}_${ids.made}`;
  ids.made++;
  ids.open.push({ id, name });
  return { type: 'tool_call', id, name, args: JSON.stringify(call['args'] ?? {}), custom: false };
}

function resultOf(response: JsonObject, ids: CallIds): Part {
  const name = textOf(response['name']) ?? '';
  const asked = textOf(response['id']);
  const at = ids.open.findIndex((call) => (asked ? call.id === asked : call.name === name));
  const [call] = at < 0 ? [] : ids.open.splice(at, 1);
  const { text, isError } = resultText(response['response']);
  const more = Array.isArray(response['parts']) ? (response['parts'] as unknown[]) : [];
  return {
    type: 'tool_result',
    id: asked || call?.id || `call_${name}`,
    content: [...(text === '' ? [] : [{ type: 'text' as const, text }]), ...more.flatMap(resultMedia)],
    isError,
    custom: false,
  };
}

const resultMedia = (value: unknown): Part[] => {
  const part = objectOf(value);
  const media = decodeMedia(member(part, INLINE), member(part, FILE));
  return media ? [media] : [{ type: 'opaque', dialect: 'google-generate', value }];
};

/** `{output}` or `{error}` alone hold what a function said ("output" and "error" keys of the SDK); else the object is it. */
function resultText(response: unknown): { readonly text: string; readonly isError: boolean } {
  const value = objectOf(response);
  const [only, ...more] = Object.keys(value);
  const said = only === undefined ? '' : value[only];
  if (more.length === 0 && typeof said === 'string' && (only === 'output' || only === 'error'))
    return { text: said, isError: only === 'error' };
  return { text: response === undefined ? '' : JSON.stringify(response), isError: only === 'error' };
}

/** Thoughts that came in pieces are one, with the signature that one of them has. */
export function joinThoughts(parts: readonly Part[]): Part[] {
  const joined: Part[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.type !== 'reasoning' || last?.type !== 'reasoning' || last.signature !== undefined) joined.push(part);
    else joined[joined.length - 1] = { ...last, ...part, text: last.text + part.text };
  }
  return joined;
}
