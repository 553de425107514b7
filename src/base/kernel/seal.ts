import { createCipheriv, createDecipheriv } from 'node:crypto';
import { err, ok, type Result } from './result.ts';

/** AES-256-GCM (NIST SP 800-38D): 96-bit nonce, never twice under one key; 128-bit tag. */
const CIPHER = 'aes-256-gcm';
export const KEY_BYTES = 32;
export const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** `nonce | ciphertext | tag`. What `about` says is not hidden and cannot be changed. */
export function seal(key: Uint8Array, nonce: Uint8Array, { text, about }: Sealing): Buffer {
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(about);
  return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()]);
}

export interface Sealing {
  readonly text: Uint8Array;
  readonly about: Uint8Array;
}

/** The text, or that it was tampered with or is another key's: the two cannot be told apart. */
export function unseal(key: Uint8Array, sealed: Uint8Array, about: Uint8Array): Result<Buffer, 'refused'> {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return err('refused');
  const end = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(about);
  decipher.setAuthTag(sealed.subarray(end));
  try {
    return ok(Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, end)), decipher.final()]));
  } catch {
    return err('refused');
  }
}
