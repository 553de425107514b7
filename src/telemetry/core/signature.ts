import { createHmac } from 'node:crypto';

/**
 * Standard Webhooks 1.0 (https://github.com/standard-webhooks/standard-webhooks): HMAC-SHA256 over
 * `id.timestamp.body`, so that neither a body nor a moment can be replaced, and a message that comes twice is known by
 * its id.
 *
 * @param timestamp seconds since the epoch
 */
export function webhookHeaders(
  secret: string | null,
  message: { readonly id: string; readonly timestamp: number; readonly body: string },
): Record<string, string> {
  const { id, timestamp, body } = message;
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestamp) };
  if (secret === null) return headers;
  const signature = createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}

const PREFIX = 'whsec_';

/** `whsec_` stands before base64; any other text is the key itself. */
const keyOf = (secret: string): Buffer =>
  secret.startsWith(PREFIX) ? Buffer.from(secret.slice(PREFIX.length), 'base64') : Buffer.from(secret);
