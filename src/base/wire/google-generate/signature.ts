import { objectOf, type JsonObject } from '../json/read.ts';

/**
 * Thought signatures across families (clients.md 8). Google binds a signature to a part and wants base64; others bind
 * it to a block of thinking. In canonical form Google's own carries this mark, so that it is never sent to another
 * family's API as that family's own and finds its way back to Google alone.
 */
const OURS = 'google:';
/** Stands before a foreign signature inside the base64 that a client of Google's API holds for us. */
const FOREIGN = 'hgfs1:';

/** A signature that Google's API or its client sent, as canonical parts carry it. */
export function readSignature(text: string): string {
  const plain = Buffer.from(text, 'base64').toString('utf8');
  return plain.startsWith(FOREIGN) ? plain.slice(FOREIGN.length) : OURS + text;
}

/** Google's own signature, or null where another family made it. */
export const ownSignature = (signature: string | undefined): string | null =>
  signature?.startsWith(OURS) ? signature.slice(OURS.length) : null;

/** Where the part has a signature of Google's: as one, or as the encrypted text of the Responses API. */
export const ownSignatureOf = (part: { readonly signature?: string; readonly encrypted?: string }): string | null =>
  ownSignature(part.signature) ?? ownSignature(part.encrypted);

/** The encrypted text of a thought for a client of the Responses API, which sends it back unread. */
export const encryptedOf = (part: { readonly signature?: string; readonly encrypted?: string }): string | undefined =>
  part.encrypted ?? (ownSignature(part.signature) === null ? undefined : part.signature);

/** Where Google's OpenAI-compatible endpoint puts the signature of a call: `extra_content` of a tool call in chat. */
export function extraContent(signature: string | undefined): { readonly extra_content?: object } {
  const own = ownSignature(signature);
  return own === null ? {} : { extra_content: { google: { thought_signature: own } } };
}

/** The same, read: the canonical signature of a tool call in chat, or null. */
export function extraSignature(call: JsonObject): string | null {
  const own = objectOf(objectOf(call['extra_content'])['google'])['thought_signature'];
  return typeof own === 'string' && own !== '' ? OURS + own : null;
}

/** Any family's signature for a client of Google's API, which sends it back unread. */
export const writeSignature = (signature: string): string =>
  ownSignature(signature) ?? Buffer.from(FOREIGN + signature, 'utf8').toString('base64');

/**
 * Google's own word for a call that another model made: its models of the third generation refuse calls in the history
 * without a signature (https://ai.google.dev/gemini-api/docs/thought-signatures).
 */
export const FOREIGN_CALL_SIGNATURE = 'skip_thought_signature_validator';
