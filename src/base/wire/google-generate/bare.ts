import type { BareRequest } from '../dialect.ts';
import { isObject, listOf, type JsonObject } from '../json/read.ts';
import type { StrictJson } from '../json/strict.ts';
import { formIn, nameOf } from './member.ts';
import { FOREIGN_CALL_SIGNATURE } from './signature.ts';

const SIGNATURE = nameOf('thoughtSignature');
const CALL = nameOf('functionCall');

/**
 * The request without thoughts and their signatures, for a model of another family (clients.md 8). A call keeps a place
 * for one, with Google's own word for a call that another model made.
 */
export function withoutThoughts({ value }: StrictJson): BareRequest | null {
  const contents = listOf(value['contents']);
  const bare = contents.map(bareContent);
  if (bare.every((content, i) => content === contents[i])) return null;
  const kept = bare.filter((content) => content !== null);
  return { edits: new Map([['contents', JSON.stringify(kept)]]), dropped: ['contents.parts.thoughtSignature'] };
}

/** The same content where nothing was signed; null where nothing else was in it. */
function bareContent(content: unknown): unknown {
  if (!isObject(content)) return content;
  const parts = listOf(content['parts']);
  if (!parts.some((part) => isObject(part) && isSigned(part))) return content;
  const left = parts.flatMap((part) => (isObject(part) && isSigned(part) ? bareParts(part) : [part]));
  return left.length === 0 ? null : { ...content, parts: left };
}

const isSigned = (part: JsonObject): boolean => part['thought'] === true || formIn(part, SIGNATURE) !== null;

function bareParts(part: JsonObject): JsonObject[] {
  if (part['thought'] === true) return [];
  const { [SIGNATURE.camel]: _camel, [SIGNATURE.snake]: _snake, ...rest } = part;
  if (formIn(part, CALL) !== null) return [{ ...rest, [SIGNATURE.camel]: FOREIGN_CALL_SIGNATURE }];
  // A part of a signature alone says nothing without it.
  return Object.keys(rest).length === 0 || (Object.keys(rest).length === 1 && rest['text'] === '') ? [] : [rest];
}
