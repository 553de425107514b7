/** Flag byte and length before each message. */
const PREFIX_BYTES = 5;
export const FLAG = { message: 0, compressed: 1, connectEnd: 2, webTrailers: 0x80 } as const;

export type Envelope =
  | { readonly ok: true; readonly message: Buffer }
  | { readonly ok: false; readonly fault: 'compressed' | 'malformed'; readonly message: string };

/** A message behind its flag and length. */
export function enveloped(flag: number, message: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + message.length);
  bytes[0] = flag;
  bytes.writeUInt32BE(message.length, 1);
  bytes.set(message, PREFIX_BYTES);
  return bytes;
}

/** The one message of a request's body: every method here takes one. */
export function oneMessage(body: Buffer): Envelope {
  if (body.length < PREFIX_BYTES) return malformed('The request has no message.');
  const flag = body[0]!;
  const length = body.readUInt32BE(1);
  if (flag === FLAG.compressed)
    return { ok: false, fault: 'compressed', message: 'Messages are taken without compression (identity).' };
  if (flag !== FLAG.message) return malformed(`A message begins with flag 0, and not with ${flag}.`);
  const left = body.length - PREFIX_BYTES;
  if (length > left) return malformed(`The message says that it has ${length} bytes, and has ${left}.`);
  if (length < left) return malformed('This method takes one message.');
  return { ok: true, message: body.subarray(PREFIX_BYTES) };
}

const malformed = (message: string): Envelope => ({ ok: false, fault: 'malformed', message });

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** `grpc-timeout` in milliseconds, rounded up; null: it is none. */
export function timeoutMs(text: string): number | null {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(text) ?? [];
  return digits === undefined ? null : Math.max(1, Math.ceil(Number(digits) * UNIT_MS[unit!]!));
}
