import { createHmac, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { CallId } from '#kernel/brand.ts';
import { NONCE_BYTES, seal, unseal } from '#kernel/seal.ts';
import type { StreamProtocol } from '#ports/entry.ts';
import type { CallRoute } from '../routes.ts';

/** What a gate needs to make the rest of a call that another one began. No credential is in it. */
export interface KeptRequest {
  readonly route: CallRoute;
  readonly query: string;
  readonly headers: IncomingHttpHeaders;
  readonly protocol: StreamProtocol;
  /** Wall clock; null: the client set no deadline. */
  readonly deadlineAt: number | null;
  readonly estimatedInputTokens: number | null;
  readonly body: Buffer;
}

/** Credentials, what speaks of a connection or a body that is no more, and what the gate decides anew. */
const LEFT_OUT: ReadonlySet<string> = new Set([
  ...['authorization', 'x-api-key', 'api-key', 'x-goog-api-key', 'x-headgate-key', 'proxy-authorization', 'cookie'],
  ...['host', 'connection', 'content-length', 'content-encoding', 'transfer-encoding', 'expect', 'accept-encoding'],
  ...['idempotency-key', 'x-headgate-resume', 'x-headgate-deadline-ms', 'x-stainless-timeout'],
]);
const SECRET = /^sec-websocket-|^x-amz-security-token$/;

export const keptHeaders = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !LEFT_OUT.has(name) && !SECRET.test(name)));

/** Of a tenant: whoever reads the store of logs has no secret of any. */
const keyOf = (secretHex: string): Buffer =>
  createHmac('sha256', Buffer.from(secretHex, 'hex')).update('headgate.redrive.1').digest();

/** Sealed under the tenant's secret, for this call alone. */
export function sealRequest({ body, ...head }: KeptRequest, secretHex: string, id: CallId): Buffer {
  const facts = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(facts.length);
  const text = Buffer.concat([length, facts, body]);
  return seal(keyOf(secretHex), randomBytes(NONCE_BYTES), { text, about: Buffer.from(id) });
}

/** Null: it is not what this tenant's gates sealed for this call. */
export function openRequest(sealed: Buffer, secretHex: string, id: CallId): KeptRequest | null {
  const opened = unseal(keyOf(secretHex), sealed, Buffer.from(id));
  if (!opened.ok) return null;
  const bytes = opened.value;
  const end = 4 + bytes.readUInt32BE(0);
  return { ...(JSON.parse(bytes.toString('utf8', 4, end)) as KeptRequest), body: bytes.subarray(end) };
}
