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

/** Any family's signature for a client of Google's API, which sends it back unread. */
export const writeSignature = (signature: string): string =>
  ownSignature(signature) ?? Buffer.from(FOREIGN + signature, 'utf8').toString('base64');

/**
 * Google's own word for a call that another model made: its models of the third generation refuse calls in the history
 * without a signature (https://ai.google.dev/gemini-api/docs/thought-signatures).
 */
export const FOREIGN_CALL_SIGNATURE = 'skip_thought_signature_validator';
