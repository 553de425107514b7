import { createHash } from 'node:crypto';
import { KEY_BYTES } from '#kernel/seal.ts';

export { KEY_BYTES, NONCE_BYTES, seal, unseal } from '#kernel/seal.ts';

export interface CaptureKey {
  /** Names the key in files; says nothing of it. */
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** A key from its text: 32 bytes as 64 hex digits or as base64. Null: it is neither. */
export function captureKey(text: string): CaptureKey | null {
  const bytes = /^[0-9a-f]{64}$/i.test(text) ? Buffer.from(text, 'hex') : Buffer.from(text, 'base64');
  if (bytes.length !== KEY_BYTES) return null;
  const id = createHash('sha256').update('headgate capture key id').update(bytes).digest('hex').slice(0, 12);
  return { id, bytes };
}
