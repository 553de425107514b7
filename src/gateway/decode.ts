import { HeadgateError } from '#kernel/errors.ts';
import type { MaybePromise } from '#ports/shared-state.ts';
import type { Dialect, FieldFault, PathFacts, PolicyView } from '#wire/dialect.ts';
import { parseForm } from '#wire/form/read-form.ts';
import { MOST_USED } from '#wire/json/read.ts';
import { parseStrict, type JsonFault, type StrictJson } from '#wire/json/strict.ts';
import type { DecodePool } from './decode-pool.ts';
import { asChat, isResponsesShaped } from './responses-shaped.ts';

/** From here on a body is decoded by another thread: 256 KB of text take 0.5 ms here, 32 MB about 75 ms (measured). */
const OFF_LOOP_BYTES = 256 * 1024;
/** A translation reads and writes the body twice more. */
const CROSS_OFF_LOOP_BYTES = 64 * 1024;
/** Up to here even a body of nothing but keys takes less than 4 ms (measured: 32 KB of two-letter keys, 2.9 ms). */
const ALWAYS_HERE_BYTES = 32 * 1024;
/** Members and items cost more than text: 0.7 µs each where they are keys (64 KB of 8,000 short keys: 5.7 ms). */
const MOST_ITEMS_HERE = 3_000;
const COMMA = 0x2c;

/** Would the decoding of these bytes hold the loop for too long? The same bytes get the same answer. */
export const offLoop = (bytes: Buffer): boolean =>
  bytes.length >= OFF_LOOP_BYTES || (bytes.length > ALWAYS_HERE_BYTES && isDense(bytes));

/** The same of a translation; never false where the body was decoded by the other thread. */
export const crossOffLoop = (bytes: Buffer): boolean => bytes.length >= CROSS_OFF_LOOP_BYTES || offLoop(bytes);

/** Siblings have commas between them, so commas bound the items (those in texts count as well; at most 0.1 ms). */
function isDense(bytes: Buffer): boolean {
  let commas = 0;
  for (let at = bytes.indexOf(COMMA); at >= 0; at = bytes.indexOf(COMMA, at + 1))
    if (++commas > MOST_ITEMS_HERE) return true;
  return false;
}

export interface Decoded {
  readonly body: StrictJson;
  readonly view: PolicyView;
  /** Words of the body that stand for a header; absent: there are none. */
  readonly lifted?: string;
}

/** What is said of a body outside of it. */
export interface OutsideWords {
  /** The path's facts, which go over the body's. */
  readonly named?: PathFacts | undefined;
  /** Of a form: it names the boundary. */
  readonly contentType?: string | undefined;
}

/** Strict JSON, or a strict form, and what policy reads of it. Throws, or rejects with, a 400 that names the field. */
export const decode = (
  bytes: Buffer,
  dialect: Dialect,
  pool: DecodePool,
  outside?: OutsideWords,
): MaybePromise<Decoded> =>
  offLoop(bytes) ? pool.decode(bytes, dialect.name, outside) : decodeHere(bytes, dialect, outside);

/** The same on the calling thread. */
export function decodeHere(bytes: Buffer, dialect: Dialect, outside?: OutsideWords): Decoded {
  const parse = (text: Buffer) => (dialect.form ? parseForm(text, outside?.contentType ?? '') : parseStrict(text));
  const named = outside?.named;
  const own = parse(bytes);
  const facts = named !== undefined && !dialect.inPath ? named : null;
  const body = own.ok && facts ? parse(bufferOf(withFacts(own.value, dialect, facts))) : own;
  if (!body.ok) throw faultError(body.error);
  if (isResponsesShaped(dialect.name, body.value)) return decodeRewritten(body.value, dialect);
  const view = dialect.policy(body.value, named);
  if (!view.ok) throw faultError(view.error);
  const lifted = own.ok && named?.lift ? wordsIn(own.value, named.lift.member) : null;
  return { body: body.value, view: bounded(view.value), ...(lifted && { lifted }) };
}

const withFacts = (own: StrictJson, dialect: Dialect, { model, stream, leaveOut, lift }: PathFacts): Uint8Array =>
  dialect.patch(own, {
    model,
    ...(stream && { set: { stream: 'true' } }),
    ...(leaveOut && { drop: lift ? [...leaveOut, lift.member] : leaveOut }),
  });

const wordsIn = ({ value }: StrictJson, member: string): string | null => {
  const words = value[member];
  return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words.join(',') : null;
};

function decodeRewritten(body: StrictJson, dialect: Dialect): Decoded {
  const rewritten = asChat(body);
  if (!rewritten.ok) throw faultError(rewritten.error);
  const { chat, leftOut } = rewritten.value;
  const view = dialect.policy(chat);
  if (!view.ok) throw faultError(view.error);
  return { body: chat, view: { ...bounded(view.value), leftOut } };
}

/** No model answers so much: what is reserved for a caller who would take more is that of the most that can be used. */
const bounded = (view: PolicyView): PolicyView =>
  (view.maxOutputTokens ?? 0) <= MOST_USED ? view : { ...view, maxOutputTokens: MOST_USED };

const bufferOf = ({ buffer, byteOffset, byteLength }: Uint8Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength);

export const faultError = (fault: JsonFault | FieldFault): HeadgateError =>
  new HeadgateError(fault.code, { message: fault.message, ...(fault.field !== null && { field: fault.field }) });
