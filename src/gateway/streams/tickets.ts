import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CallId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { TICKET_MS } from '#capabilities/streams/index.ts';
import type { Caller } from '#capabilities/tenants/index.ts';
import { readBody } from '../body.ts';
import type { Gate } from '../gate.ts';
import { callerOf, streamOf } from './own-stream.ts';
import { wrongMethod } from './stream-answers.ts';

const LIMITS = { bodyBytes: 4_096, bodyTimeout: 5_000 };
const CALL_ID = /^call_[0-9A-Z]{26}$/;

/** `POST /v1/stream-tickets` with `{"stream": "call_…"}`: a ticket by which a browser reads this stream of the key, once. */
export async function issueTicket(gate: Gate, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') throw wrongMethod(response, 'POST');
  const caller = callerOf(gate, request.headers);
  const id = streamAsked(await readBody(request, LIMITS));
  const { id: stream } = await streamOf(gate, caller, id);
  const ticket = await gate.streams.tickets.issue({ stream, key: caller.key.id });
  if (ticket === null)
    throw new HeadgateError('rate_limited', {
      retryAfterMs: TICKET_MS,
      message: 'Too many tickets are open that nobody has used.',
    });
  const expiresAt = new Date(gate.clock.now() + TICKET_MS).toISOString();
  const body = Buffer.from(JSON.stringify({ ticket, stream, expiresAt }));
  const head = { 'content-type': 'application/json', 'cache-control': 'no-store', 'content-length': body.length };
  response.writeHead(201, head).end(body);
}

/** Spends a ticket: as whom it reads, and which stream. Throws a 401 that does not say what was wrong with it, or a 503. */
export async function redeemTicket(
  gate: Gate,
  secret: string,
): Promise<{ readonly caller: Caller; readonly stream: CallId }> {
  const ticket = await gate.streams.tickets.redeem(secret);
  if (ticket === 'away')
    throw new HeadgateError('store_unavailable', { message: 'Whether the ticket is valid is not known.' });
  // The key may have been revoked since.
  const caller = ticket && gate.tenants.callerOfKey(ticket.key);
  if (!caller?.ok) throw wrongTicket();
  return { caller: caller.value, stream: ticket!.stream };
}

export const wrongTicket = (): HeadgateError =>
  new HeadgateError('invalid_api_key', { message: 'The ticket is not valid.' });

function streamAsked(body: Buffer): CallId {
  const { stream } = members(body);
  if (typeof stream === 'string' && CALL_ID.test(stream)) return stream as CallId;
  throw new HeadgateError('invalid_request', {
    field: 'stream',
    message: '`stream` is the id of a call: `{"stream": "call_…"}`.',
  });
}

function members(body: Buffer): { readonly stream?: unknown } {
  try {
    return Object(JSON.parse(body.toString('utf8'))) as object;
  } catch {
    throw new HeadgateError('invalid_json');
  }
}
