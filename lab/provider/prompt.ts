import { createHash } from 'node:crypto';

// Base64 payloads of images and files are not text tokens; their digest stands for them.
const MEDIA_TEXT_CHARS = 512;

/**
 * Builds the text that stands for a prompt: what a model would read, in the order in which providers cache it. A new
 * turn at the end leaves every earlier byte as it was, so that prefixes stay equal.
 */
export class PromptText {
  #text = '';
  #markedBytes: number | null = null;
  #ttl: '5m' | '1h' = '5m';

  /** Adds one piece; a `cache_control` anywhere in it marks the prompt up to its end. */
  add(piece: unknown): void {
    const marker = findMarker(piece);
    this.#text += `${JSON.stringify(piece, plain)}\n`;
    if (!marker) return;
    this.#markedBytes = Buffer.byteLength(this.#text);
    if (marker['ttl'] === '1h') this.#ttl = '1h';
  }

  addAll(pieces: unknown): void {
    if (Array.isArray(pieces)) for (const piece of pieces) this.add(piece);
    else if (pieces !== undefined && pieces !== null) this.add(pieces);
  }

  result(): { prompt: string; markedBytes: number | null; cacheTtl: '5m' | '1h' } {
    return { prompt: this.#text, markedBytes: this.#markedBytes, cacheTtl: this.#ttl };
  }
}

function plain(key: string, value: unknown): unknown {
  if (key === 'cache_control') return undefined;
  const media = key === 'data' || key === 'file_data' || (typeof value === 'string' && value.startsWith('data:'));
  if (!media || typeof value !== 'string' || value.length < MEDIA_TEXT_CHARS) return value;
  return createHash('sha256').update(value).digest('hex');
}

function findMarker(piece: unknown): Record<string, unknown> | null {
  if (typeof piece !== 'object' || piece === null) return null;
  for (const [key, value] of Object.entries(piece)) {
    if (key === 'cache_control' && value) return value as Record<string, unknown>;
    const inner = findMarker(value);
    if (inner) return inner;
  }
  return null;
}
