import { createHmac } from 'node:crypto';

/** Salts by tenants' secrets: bounded, since a tenant may come and go. */
const known = new Map<string, string>();
const MOST_KNOWN = 10_000;

/**
 * What keeps a tenant's prompts apart in an engine's prefix cache: HMAC-SHA256 under the tenant's secret, 43 characters
 * of base64url. It says nothing of the tenant, and nobody can make another's.
 */
export function prefixSalt(secretHex: string): string {
  let salt = known.get(secretHex);
  if (salt !== undefined) return salt;
  salt = createHmac('sha256', Buffer.from(secretHex, 'hex')).update('headgate.prefix-cache.1').digest('base64url');
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(secretHex, salt);
  return salt;
}
