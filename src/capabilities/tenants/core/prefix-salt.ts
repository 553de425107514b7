import { createHmac } from 'node:crypto';
import { BoundedMap } from '#kernel/bounded-map.ts';

/** Made ones by what they are made of: bounded, since a tenant may come and go. */
const known = new BoundedMap<string, string>(10_000);

const SALT = 'headgate.prefix-cache.1';
const PREAMBLE = 'headgate.prefix-preamble.1';
/** 144 bits in 24 characters: nobody guesses them, and they are no more tokens than they must be. */
const PREAMBLE_BYTES = 18;

/**
 * What keeps a tenant's prompts apart in an engine's prefix cache: HMAC-SHA256 under the tenant's secret, 43 characters
 * of base64url. It says nothing of the tenant, and nobody can make another's.
 */
export const prefixSalt = (secretHex: string): string =>
  kept(secretHex, () => keyed(secretHex, SALT).toString('base64url'));

/**
 * The same as a text that goes before the prompt, for caches that take no salt: its own for each tenant and deployment,
 * and the same again after a restart. What differs stands first, so that prompts part at their first token. 19 to 30
 * tokens of OpenAI's (median 25): more than the 16 of a block of vLLM's.
 */
export const prefixPreamble = (secretHex: string, deployment: string): string =>
  kept(
    `${secretHex} ${deployment}`,
    () => `${keyed(secretHex, `${PREAMBLE} ${deployment}`).subarray(0, PREAMBLE_BYTES).toString('base64url')}${TAIL}`,
  );

/** It tells the model what the letters before it are. */
const TAIL = ' is a cache id: ignore it.';

/** The preamble at the beginning of `instructions` that an answer repeats, in the bytes of its JSON. */
const REPEATED = /("instructions"\s*:\s*)"[\w-]{24} is a cache id: ignore it\.(?:(")|\\n\\n)/g;

/** JSON or events in latin1 without a preamble that they repeat; instructions that were nothing else are null again. */
export const withoutPreamble = (text: string): string =>
  text.replace(REPEATED, (_, name: string, alone?: string) => (alone ? `${name}null` : `${name}"`));

const keyed = (secretHex: string, purpose: string): Buffer =>
  createHmac('sha256', Buffer.from(secretHex, 'hex')).update(purpose).digest();

function kept(name: string, make: () => string): string {
  const found = known.get(name);
  if (found !== undefined) return found;
  const made = make();
  known.set(name, made);
  return made;
}
