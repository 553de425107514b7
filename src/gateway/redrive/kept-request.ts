import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { CallId } from '#kernel/brand.ts';
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

const IV_BYTES = 12;
const TAG_BYTES = 16;

/** Of a tenant: whoever reads the store of logs has no secret of any. */
const keyOf = (secretHex: string): Buffer =>
  createHmac('sha256', Buffer.from(secretHex, 'hex')).update('headgate.redrive.1').digest();

/** Sealed by AES-256-GCM under the tenant's secret, for this call alone. */
export function sealRequest({ body, ...head }: KeptRequest, secretHex: string, id: CallId): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keyOf(secretHex), iv).setAAD(Buffer.from(id));
  const sealed = [cipher.update(length), cipher.update(text), cipher.update(body), cipher.final()];
  return Buffer.concat([iv, ...sealed, cipher.getAuthTag()]);
}

/** Null: it is not what this tenant's gates sealed for this call. */
export function openRequest(sealed: Buffer, secretHex: string, id: CallId): KeptRequest | null {
  try {
    const decipher = createDecipheriv('aes-256-gcm', keyOf(secretHex), sealed.subarray(0, IV_BYTES));
    decipher.setAAD(Buffer.from(id)).setAuthTag(sealed.subarray(-TAG_BYTES));
    const inner = sealed.subarray(IV_BYTES, -TAG_BYTES);
    const bytes = Buffer.concat([decipher.update(inner), decipher.final()]);
    const end = 4 + bytes.readUInt32BE(0);
    return { ...(JSON.parse(bytes.toString('utf8', 4, end)) as KeptRequest), body: bytes.subarray(end) };
  } catch {
    return null;
  }
}
