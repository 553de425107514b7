/**
 * The lab's tokenizer: four UTF-8 bytes are a token, the last one may be shorter. Deterministic, needs no vocabulary,
 * and lies near what English costs in real vocabularies, so that byte-based estimates are neither exact nor absurd.
 */
export const BYTES_PER_TOKEN = 4;

/** Tokens of a text; 0 for the empty text. */
export const countTokens = (text: string): number => Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN);

/** Bytes that the UTF-8 form of a code point takes. */
const bytesOf = (codePoint: number): number =>
  codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;

/**
 * Cuts a text into its tokens. A cut inside a character moves before it; no character is longer than a token, so that
 * no piece is ever empty and `cutTokens(t).length === countTokens(t)`. Joined, the pieces are the text.
 */
export function cutTokens(text: string): string[] {
  const pieces: string[] = [];
  let [from, bytes, next] = [0, 0, BYTES_PER_TOKEN];
  for (let at = 0; at < text.length;) {
    const codePoint = text.codePointAt(at)!;
    const size = bytesOf(codePoint);
    if (bytes + size > next) {
      pieces.push(text.slice(from, at));
      from = at;
      next += BYTES_PER_TOKEN;
    }
    bytes += size;
    at += codePoint > 0xffff ? 2 : 1;
  }
  if (text !== '') pieces.push(text.slice(from));
  return pieces;
}

/**
 * Keys of a prompt's full blocks, chained: a key names the block and all before it. Two 32-bit FNV-1a lanes with
 * different offsets; a collision would only share a cache block that holds no real data.
 */
export function hashBlocks(prompt: Uint8Array, blockTokens: number): string[] {
  const blockBytes = blockTokens * BYTES_PER_TOKEN;
  const keys: string[] = [];
  let [a, b] = [0x811c9dc5, 0x9e3779b9];
  for (let i = 0; i < prompt.length; i++) {
    a = Math.imul(a ^ prompt[i]!, 0x01000193);
    b = Math.imul(b ^ prompt[i]!, 0x01000193) ^ (b >>> 15);
    if ((i + 1) % blockBytes === 0) keys.push(`${(a >>> 0).toString(36)}.${(b >>> 0).toString(36)}`);
  }
  return keys;
}
