import { hash } from 'node:crypto';
import type { EpochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { invariant } from '#kernel/invariant.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import type { AdminToken, ApiKey } from '#ports/state-store.ts';

/** Random bytes of a key: 256 bits, so that guessing is hopeless and a plain SHA-256 is a safe store. */
export const KEY_BYTES = 32;
const PREFIX = 'hg_';
/** Characters shown to people: the prefix and 24 bits, too few to help a guess. */
const HINT_CHARS = 7;
/** A shorter imported secret could be guessed from its hash. */
const SHORTEST_IMPORT = 16;
const LONGEST_KEY = 512;
/** Old secrets that may overlap: more means that somebody rotates without ever letting go. */
const MAX_PREVIOUS = 4;

/** The raw key of 32 random bytes: `hg_` and 43 characters of base64url. Shown once, never stored. */
export function keyText(random: Uint8Array): string {
  invariant(random.length === KEY_BYTES, 'a key has 256 random bits');
  return PREFIX + Buffer.from(random).toString('base64url');
}

/** SHA-256 in hex. Measured 0.9 µs for 46 bytes, so raw keys are not kept in a cache. */
export const hashKey = (raw: string): string => hash('sha256', raw, 'hex');

export const keyHint = (raw: string): string => `${raw.slice(0, HINT_CHARS)}…`;

export interface KeyMaterial {
  readonly hash: string;
  readonly hint: string;
}

export const materialOf = (raw: string): KeyMaterial => ({ hash: hashKey(raw), hint: keyHint(raw) });

/** A key of an earlier gateway, by its raw text or by the SHA-256 that the earlier gateway stored. */
export type ImportedKey = { readonly raw: string } | { readonly sha256: string };

/** Hash and hint of an imported key, or why it cannot be one. A hash has no hint: nothing of the secret is known. */
export function importedMaterial(given: ImportedKey): Result<KeyMaterial, HeadgateError> {
  if ('sha256' in given) {
    const hex = given.sha256.toLowerCase().replace(/^sha256:/, '');
    if (!/^[0-9a-f]{64}$/.test(hex)) return refuse('sha256', 'A SHA-256 has 64 hexadecimal digits.');
    return ok({ hash: hex, hint: '' });
  }
  if (!/^[\x21-\x7e]+$/.test(given.raw)) return refuse('raw', 'A key consists of visible ASCII characters.');
  if (given.raw.length < SHORTEST_IMPORT || given.raw.length > LONGEST_KEY) {
    return refuse('raw', `A key has ${SHORTEST_IMPORT} to ${LONGEST_KEY} characters.`);
  }
  return ok(materialOf(given.raw));
}

const refuse = (field: string, message: string) => err(new HeadgateError('invalid_request', { field, message }));

/** A new secret for the same key; the old one works until `now + overlapMs`, no older one longer than it had. */
export function rotated(key: ApiKey, next: KeyMaterial, now: EpochMs, overlapMs: number): ApiKey {
  const old = { hash: key.hash, until: (now + overlapMs) as EpochMs };
  const previous = [...key.previous, old].filter(({ until }) => until > now).slice(-MAX_PREVIOUS);
  return { ...key, hash: next.hash, hint: next.hint, previous };
}

/** Why a known key may not be used now, or null. */
export function keyRefusal(key: ApiKey, now: EpochMs): 'key_revoked' | 'key_expired' | null {
  if (key.revokedAt !== null && key.revokedAt <= now) return 'key_revoked';
  return key.expiresAt !== null && key.expiresAt <= now ? 'key_expired' : null;
}

/** Neither revoked nor over. */
export const isLive = ({ revokedAt, expiresAt }: AdminToken, now: EpochMs): boolean =>
  revokedAt === null && (expiresAt === null || expiresAt > now);
