import { createHash } from 'node:crypto';
import type { CallId, EpochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { callId } from '#kernel/ids.ts';
import { tenantKey } from '#kernel/whose.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { IdempotencyName, WholeAnswer } from '#ports/idempotency.ts';
import type { Caller } from '#capabilities/tenants/index.ts';
import type { Exchange } from '../call.ts';
import type { Gate } from '../gate.ts';
import type { Original } from './elsewhere.ts';
import { KeptAnswer } from './kept-answer.ts';

/** A call that is the first of its idempotency key. Its id is fixed before its admission, since the key names it. */
export interface Once {
  readonly name: IdempotencyName;
  readonly id: CallId;
  readonly at: EpochMs;
  readonly answer: KeptAnswer;
}

/** The first use of a key, or the call that has its answer. */
export type Turn = { readonly once: Once } | { readonly original: Original };

const VALUE = /^[\x21-\x7e]{1,255}$/;

/** The key that a caller gave; null: none. Throws a 400 for what is no key. */
export function idempotencyKeyOf({ request }: Exchange): string | null {
  const value = request.headers['idempotency-key'];
  if (value === undefined) return null;
  if (typeof value === 'string' && VALUE.test(value)) return value;
  throw new HeadgateError('invalid_request', {
    field: 'idempotency-key',
    message: 'An idempotency key has 1 to 255 visible ASCII characters.',
  });
}

/** Takes the key for this call, or finds out whose it is. Throws 409 where it was used for another request. */
export async function takeTurn(
  gate: Gate,
  exchange: Exchange,
  asked: { readonly caller: Caller; readonly value: string; readonly body: Uint8Array },
): Promise<Turn> {
  const { tenant, key } = asked.caller;
  const request = await requestHash(exchange, asked.body);
  const at = gate.clock.now();
  const id = callId(at, gate.rng);
  const hash = createHash('sha256')
    .update(JSON.stringify([tenant.id, key.id, asked.value]))
    .digest('base64url');
  const name = tenantKey(tenant.id, 'idempotency', hash);
  const claimed = await gate.idempotency.keys.claim({ name, owner: key.id, use: { request, call: id, at } });
  if (claimed.ok) {
    const answer = keep(gate, exchange, id);
    if (claimed.value === 'alone') exchange.response.setHeader('x-headgate-idempotency', 'this-gate');
    tellWhere(gate, { name, id, answer });
    return { once: { name, id, at, answer } };
  }
  if (claimed.error === 'full') throw tooMany();
  if (claimed.error.earlier.request === request) return { original: { name, call: claimed.error.earlier.call } };
  throw new HeadgateError('idempotency_conflict', { field: 'idempotency-key' });
}

function keep(gate: Gate, exchange: Exchange, id: CallId): KeptAnswer {
  const { streamBytes, grace } = exchange.config.file.stream.resume;
  const answer = new KeptAnswer(exchange.response, { graceMs: () => grace, maxBytes: streamBytes });
  exchange.response = answer;
  gate.idempotency.answers.add(id, answer);
  return answer;
}

/** Other gates are told where the answer is once it is somewhere. */
function tellWhere(
  { idempotency: { shared } }: Gate,
  { name, id, answer }: Pick<Once, 'name' | 'id' | 'answer'>,
): void {
  if (shared === null) return;
  void answer.begun.then((begun) => void (begun === 'stream' && shared.begun(name, id, 'stream')));
  answer.once('whole', (whole: WholeAnswer | null) => void shared.begun(name, id, whole));
}

/** The provider was asked for nothing that it bills: a retry is a new call, and may succeed. */
export function endOnce(gate: Gate, { name, id, answer }: Once, entry: LedgerEntry | null): void {
  const begun = entry !== null && (entry.status === 'ok' || entry.usageSource !== 'none');
  answer.over(begun ? entry.status : null);
  if (begun) {
    void gate.idempotency.shared?.ended(name, id, entry.status);
    return gate.idempotency.answers.ended(id);
  }
  void gate.idempotency.keys.release(name, id);
  gate.idempotency.answers.forget(id);
}

/** What would hold the loop is hashed in Node's own threads. */
const LARGE_BYTES = 256 * 1024;

/** Path, query and body: the same key for anything else is a mistake of the caller's. */
async function requestHash({ route, query }: Exchange, body: Uint8Array): Promise<string> {
  const head = `${route.path}\n${query}\n`;
  if (body.length <= LARGE_BYTES) return createHash('sha256').update(head).update(body).digest('base64url');
  const digest = await crypto.subtle.digest('SHA-256', body as Uint8Array<ArrayBuffer>);
  return createHash('sha256').update(head).update(Buffer.from(digest)).digest('base64url');
}

const tooMany = (): HeadgateError =>
  new HeadgateError('overloaded', {
    retryAfterMs: 60_000,
    message: 'This API key has as many idempotency keys as are remembered at once.',
  });
